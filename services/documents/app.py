"""Wiring of documents: the only place that constructs things."""

from datetime import timedelta
from functools import partial

from ascms.cases.v1 import cases_pb2_grpc

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.consumer import ConsumerLoop
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.ids import uuid7
from kit.jobs import Jobs, Task
from kit.objects import open_store
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.client import Backend, Channels
from kit.rpc.identity import ServiceTokens, remote_verifier
from kit.rpc.identity import backend as identity_backend
from kit.service import Service, Threaded
from kit.sweeps import Sweep
from services.documents import commands
from services.documents.commands.deps import Deps
from services.documents.commands.files import DISPOSAL, SCAN
from services.documents.commands.letters import RENDER_LETTER
from services.documents.commands.orphans import OrphanSweep
from services.documents.consumers import CONSUMER, TOPICS, handlers
from services.documents.letters import Letters, RemoteLetters
from services.documents.rpc import servicer
from services.documents.scanning import open_scanner

SCAN_RETRY_SECONDS = (5, 15, 60, 120, 240)
"""Waits between the tries of a scan: given up within the time that the deadline allows, which then begins anew."""


class Settings(ServiceSettings):
    """What documents needs to know besides."""

    store_url: str
    """Where files' bytes are: `folder:///path` or `s3://access:secret@host:port/bucket`."""
    cases_address: str
    """Where cases' gRPC is: it says who may see a case."""
    scanner_url: str = ""
    """The virus scanner: `clamd://host:port` or `clamd:///path/of/its/socket`. Without one, every file says so."""
    rpc_threads: int = 16
    """More than other services have: an upload or download holds a thread for as long as it takes."""


def make_jobs(deps: Deps, letters: Letters) -> Jobs:
    """The jobs of documents. A PDF that is given up is asked for again by cases, which counts that it is missing."""
    scans = commands.scans
    return Jobs(
        database=deps.database,
        tasks={
            SCAN: Task(
                partial(scans.scan_document, deps),
                retry_seconds=SCAN_RETRY_SECONDS,
                give_up=partial(scans.give_up_scan, deps),
            ),
            RENDER_LETTER: Task(partial(commands.letters.render_approved_letter, deps, letters)),
        },
    )


def make_sweep(deps: Deps) -> Sweep:
    """What watches over files that wait for their scan, and deletes what was removed long enough ago."""
    return Sweep(
        database=deps.database,
        clock=deps.clock,
        kinds={
            SCAN: partial(commands.scans.chase_scan, deps),
            DISPOSAL: partial(commands.files.dispose_document, deps),
        },
    )


def build(settings: Settings) -> Service:
    """Construct everything, start nothing."""
    database = Database(settings.database_url, service="documents", pool_size=settings.pool_size)
    broker = open_broker(settings.broker_url)
    identity = identity_backend(settings.identity_address)
    scanner = open_scanner(settings.scanner_url)
    deps = Deps(database, open_store(settings.store_url), SystemClock(), uuid7, scanner)
    cases = Backend(Channels(settings.cases_address), cases_pb2_grpc.CasesServiceStub)
    tokens = ServiceTokens(identity, service="documents", credential=settings.service_credential)
    letters = RemoteLetters(cases, identity, tokens)
    jobs = make_jobs(deps, letters)
    consumer = ConsumerLoop(
        name=CONSUMER, topics=TOPICS, handlers=handlers(), database=database, broker=broker, clock=deps.clock
    )
    relay = Relay(database=database, broker=broker)
    orphans = OrphanSweep(deps, older_than=timedelta(hours=1))
    housekeeping = Housekeeping(
        database=database, broker=broker, clock=deps.clock, chores={"orphans": orphans.sweep_once}
    )
    return Service(
        name="documents",
        settings=settings,
        database=database,
        servicers=[servicer(deps, cases, PageTokens(settings.service_credential), letters)],
        verifier=remote_verifier(identity),
        workers=[
            Threaded(relay, name="relay"),
            jobs,
            make_sweep(deps),
            Threaded(consumer, name="consumer"),
            Threaded(housekeeping, name="housekeeping"),
        ],
        checks={"files": deps.objects.is_ready},
        worker_checks={
            "relay": relay.is_ready,
            "jobs": jobs.is_ready,
            "consumer": consumer.is_ready,
            **({"scanner": scanner.is_ready} if scanner is not None else {}),
        },
        rpc_threads=settings.rpc_threads,
    )
