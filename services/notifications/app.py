"""Wiring of notifications: the only place that constructs things."""

from functools import partial

from ascms.notifications.v1 import notifications_pb2, notifications_pb2_grpc
from pydantic import field_validator

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.consumer import ConsumerLoop
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.jobs import Jobs, Task
from kit.paging import PageTokens
from kit.rpc.identity import ServiceTokens, remote_verifier
from kit.rpc.identity import backend as identity_backend
from kit.rpc.server import Servicer
from kit.service import Service, Threaded
from kit.sweeps import Sweep
from services.notifications import commands
from services.notifications.consumers import CONSUMER, TOPICS, handlers
from services.notifications.mails import Letterhead
from services.notifications.people import People
from services.notifications.rpc import NotificationsServicer
from services.notifications.senders import open_sender

RETRY_SECONDS = (10, 60, 300, 900, 1_800, 3_600, 3_600, 7_200, 7_200)
"""Waits between the tries of a job: a mail server may be away for a morning."""


class Settings(ServiceSettings):
    """What notifications needs to know besides."""

    mail_url: str
    """How mail leaves: `folder:///path`, `smtp://[user:password@]host:port`, `smtp+starttls://…`."""
    mail_from: str
    """The address that mail comes from."""
    public_url: str
    """Where people find the system: links begin with it."""
    sign_in_url: str
    """Where the sign-in service is: the links of invitations begin with it."""

    @field_validator("mail_url")
    @classmethod
    def _is_known(cls, value: str) -> str:
        open_sender(value)
        return value

    @field_validator("public_url", "sign_in_url")
    @classmethod
    def _has_no_slash(cls, value: str) -> str:
        return value.rstrip("/")


def make_jobs(deps: commands.Deps) -> Jobs:
    """The jobs of notifications and how often each is tried."""
    return Jobs(
        database=deps.database,
        tasks={
            commands.SEND_NOTICE: Task(partial(commands.send_notice, deps), retry_seconds=RETRY_SECONDS),
            commands.CARRY_OUT_PLAN: Task(partial(commands.carry_out_plan, deps), retry_seconds=RETRY_SECONDS),
        },
    )


def make_sweep(deps: commands.Deps) -> Sweep:
    """What watches over notices that wait for too long."""
    return Sweep(
        database=deps.database,
        clock=deps.clock,
        kinds={
            commands.SEND_NOTICE: partial(commands.chase_notice, deps),
            commands.CARRY_OUT_PLAN: partial(commands.chase_plan, deps),
            commands.GATHER_DAILY: partial(commands.gather_daily, deps),
        },
    )


def build(settings: Settings) -> Service:
    """Construct everything, start nothing."""
    database = Database(settings.database_url, service="notifications", pool_size=settings.pool_size)
    broker = open_broker(settings.broker_url)
    identity = identity_backend(settings.identity_address)
    tokens = ServiceTokens(identity, service="notifications", credential=settings.service_credential)
    clock = SystemClock()
    deps = commands.Deps(
        database=database,
        clock=clock,
        people=People(identity, tokens),
        sender=open_sender(settings.mail_url),
        letterhead=Letterhead(settings.public_url, settings.mail_from, settings.sign_in_url),
    )
    consumer = ConsumerLoop(
        name=CONSUMER, topics=TOPICS, handlers=handlers(clock), database=database, broker=broker, clock=clock
    )
    jobs = make_jobs(deps)
    housekeeping = Housekeeping(database=database, broker=broker, clock=clock)
    return Service(
        name="notifications",
        settings=settings,
        database=database,
        servicers=[
            Servicer(
                NotificationsServicer(deps, PageTokens(settings.service_credential)),
                notifications_pb2_grpc.add_NotificationsServiceServicer_to_server,
                notifications_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
            )
        ],
        verifier=remote_verifier(identity),
        workers=[
            jobs,
            make_sweep(deps),
            Threaded(consumer, name="consumer"),
            Threaded(housekeeping, name="housekeeping"),
        ],
        worker_checks={"consumer": consumer.is_ready, "jobs": jobs.is_ready},
        rpc_threads=settings.rpc_threads,
    )
