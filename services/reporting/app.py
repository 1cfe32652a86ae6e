"""Wiring of reporting: the only place that constructs things."""

from functools import partial

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.consumer import ConsumerLoop, Limits
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.ids import uuid7
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.identity import backend as identity_backend
from kit.rpc.identity import remote_verifier
from kit.service import Service, Threaded
from kit.sweeps import Sweep
from services.reporting.commands.quarters import QUARTER_DEADLINE, end_quarter
from services.reporting.commands.returns import RETURN_DEADLINE, Deps, note_return_overdue
from services.reporting.consumers import MAX_RECORDS, TOPICS, Figures
from services.reporting.directory import IdentityDirectory
from services.reporting.rpc import servicer
from services.reporting.store import CONSUMER


class Settings(ServiceSettings):
    """What every service needs to know, and nothing besides."""


def build(settings: Settings) -> Service:
    """Construct everything, start nothing."""
    database = Database(settings.database_url, service="reporting", pool_size=settings.pool_size)
    broker = open_broker(settings.broker_url)
    clock = SystemClock()
    consumer = ConsumerLoop(
        name=CONSUMER,
        topics=TOPICS,
        handlers=Figures(clock),
        database=database,
        broker=broker,
        clock=clock,
        limits=Limits(max_records=MAX_RECORDS),
    )
    deps = Deps(database, clock, uuid7)
    identity = identity_backend(settings.identity_address)
    relay = Relay(database=database, broker=broker)
    sweep = Sweep(
        database,
        clock,
        {RETURN_DEADLINE: partial(note_return_overdue, deps), QUARTER_DEADLINE: partial(end_quarter, deps)},
    )
    housekeeping = Housekeeping(database=database, broker=broker, clock=clock)
    return Service(
        name="reporting",
        settings=settings,
        database=database,
        servicers=[servicer(deps, IdentityDirectory(identity), PageTokens(settings.service_credential))],
        verifier=remote_verifier(identity),
        workers=[
            Threaded(consumer, name="consumer"),
            Threaded(relay, name="relay"),
            sweep,
            Threaded(housekeeping, name="housekeeping"),
        ],
        worker_checks={"consumer": consumer.is_ready, "relay": relay.is_ready},
        rpc_threads=settings.rpc_threads,
    )
