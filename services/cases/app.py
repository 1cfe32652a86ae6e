"""What runs in the process of cases, constructed."""

from pydantic import Field, SecretStr

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.consumer import ConsumerLoop
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.ids import uuid7
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.identity import ServiceTokens, backend, remote_verifier
from kit.service import Service, Threaded
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import (
    ANSWER_DEADLINE,
    DRAFT_DEADLINE,
    LETTER_DEADLINE,
    LETTER_PDF_DEADLINE,
    OWNERS_DEADLINE,
    REPLY_DEADLINE,
    SOON_DEADLINE,
    TASK_DEADLINE,
    WAKE_DEADLINE,
)
from services.cases.commands.deps import Deps
from services.cases.consumers import CONSUMER, TOPICS, handlers
from services.cases.directory import IdentityDirectory
from services.cases.owners import IdentityOwners
from services.cases.rpc import servicer

_SWEEP_SECONDS = 15.0
"""Work may be with someone who left for less than a minute: see `commands.leavers.CHECK_EVERY`."""


class Settings(ServiceSettings):
    """What cases needs to know besides."""

    student_hash_key: SecretStr = Field(min_length=32)
    """Key of the hash that stands for a student in events. Changing it makes known students new ones in the figures."""


def build(settings: Settings) -> Service:
    """Everything, constructed, nothing started."""
    database = Database(settings.database_url, "cases", pool_size=settings.pool_size)
    clock = SystemClock()
    identity = backend(settings.identity_address)
    deps = Deps(
        database=database,
        clock=clock,
        directory=IdentityDirectory(identity),
        new_id=uuid7,
        student_hash_key=settings.student_hash_key.get_secret_value().encode(),
    )
    broker = open_broker(settings.broker_url)
    relay = Relay(database=database, broker=broker)
    housekeeping = Housekeeping(database=database, broker=broker, clock=clock)
    owners = IdentityOwners(identity, ServiceTokens(identity, service="cases", credential=settings.service_credential))
    consumer = ConsumerLoop(
        name=CONSUMER, topics=TOPICS, handlers=handlers(clock), database=database, broker=broker, clock=clock
    )
    sweep = Sweep(
        database,
        clock,
        {
            ANSWER_DEADLINE: lambda actor, request_id: commands.requests.note_overdue(deps, actor, request_id),
            REPLY_DEADLINE: lambda actor, request_id: commands.answers.note_reply_overdue(deps, actor, request_id),
            DRAFT_DEADLINE: lambda actor, draft_id: commands.drafts.drop_draft(deps, actor, draft_id),
            TASK_DEADLINE: lambda actor, task_id: commands.tasks.note_task_overdue(deps, actor, task_id),
            SOON_DEADLINE: lambda actor, task_id: commands.tasks.note_task_due(deps, actor, task_id),
            WAKE_DEADLINE: lambda actor, case_id: commands.pauses.wake_case(deps, actor, case_id),
            OWNERS_DEADLINE: lambda actor, provider_id: commands.leavers.release_work(deps, owners, actor, provider_id),
            LETTER_DEADLINE: lambda actor, letter_id: commands.letters.note_letter_overdue(deps, actor, letter_id),
            LETTER_PDF_DEADLINE: lambda actor, letter_id: commands.letters.chase_letter_pdf(deps, actor, letter_id),
        },
        interval_seconds=_SWEEP_SECONDS,
    )
    return Service(
        name="cases",
        settings=settings,
        database=database,
        servicers=[servicer(deps, PageTokens(settings.service_credential))],
        verifier=remote_verifier(identity),
        workers=[
            Threaded(relay, name="relay"),
            sweep,
            Threaded(consumer, name="consumer"),
            Threaded(housekeeping, name="housekeeping"),
        ],
        worker_checks={"relay": relay.is_ready, "consumer": consumer.is_ready},
        rpc_threads=settings.rpc_threads,
    )
