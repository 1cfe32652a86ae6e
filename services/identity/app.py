"""Wiring of identity's gRPC server and worker."""

from functools import partial

from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from pydantic import Field

from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.db import Database
from kit.housekeeping import Housekeeping
from kit.ids import uuid7
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.server import Servicer
from kit.service import Service, Threaded
from kit.sweeps import Sweep
from kit.tokens import Verifier
from services.identity import commands
from services.identity.commands import Deps, forget_expired
from services.identity.keys import INTERNAL, KeyRing
from services.identity.rpc import IdentityServicer
from services.identity.secrets import SHORTEST_SECRET, MasterSecret, Passphrases
from services.identity.tokens import TokenOffice
from services.identity.wishes import Wishes


class Settings(ServiceSettings):
    """What identity needs to know besides what every service does."""

    identity_address: str = ""
    """Not used: this is identity."""
    secret: str = Field(min_length=SHORTEST_SECRET)
    """Signing keys are encrypted and page tokens signed with keys derived from it."""
    service_secret: str = Field(min_length=SHORTEST_SECRET)
    """Each service's credential is the hex HMAC-SHA256 of its name under this."""


def build_servicer(deps: Deps, *, service_secret: str) -> tuple[Servicer, Verifier]:
    """The service's methods, and the verifier of its own tokens, which reads the keys where they are."""
    keys = KeyRing(deps.database, deps.secret, deps.clock)
    office = TokenOffice(deps, keys, service_secret)
    servicer = Servicer(
        IdentityServicer(deps, office, PageTokens(deps.secret.key("page tokens").hex())),
        identity_pb2_grpc.add_IdentityServiceServicer_to_server,
        identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    )
    verifier = Verifier(lambda: keys.public_keys(INTERNAL), now=lambda: deps.clock.now().timestamp())
    return servicer, verifier


def make_sweep(deps: Deps) -> Sweep:
    """What is due in identity, and the command that meets it."""
    return Sweep(
        database=deps.database,
        clock=deps.clock,
        kinds={
            commands.INVITE_TO_TRAINING: partial(commands.invite_to_training, deps),
            commands.ATTEST_ACCESS: partial(commands.note_attestation_due, deps),
            commands.REST_ACCESS: partial(commands.rest_access, deps),
            commands.TRAINING_ENDS: partial(commands.note_training_ending, deps),
        },
    )


def build(settings: Settings) -> Service:
    """Everything, constructed, nothing started."""
    database = Database(settings.database_url, "identity", pool_size=settings.pool_size)
    deps = Deps(
        database=database,
        clock=SystemClock(),
        new_id=uuid7,
        secret=MasterSecret(settings.secret),
        passphrases=Passphrases(),
    )
    servicer, verifier = build_servicer(deps, service_secret=settings.service_secret)
    broker = open_broker(settings.broker_url)
    relay = Relay(database=database, broker=broker)
    housekeeping = Housekeeping(
        database=database, broker=broker, clock=deps.clock, chores={"sign-ins": partial(forget_expired, deps)}
    )
    return Service(
        name="identity",
        settings=settings,
        database=database,
        servicers=[servicer],
        verifier=verifier,
        workers=[
            Threaded(relay, name="relay"),
            make_sweep(deps),
            Threaded(Wishes(deps), name="wishes"),
            Threaded(housekeeping, name="housekeeping"),
        ],
        worker_checks={"relay": relay.is_ready},
        rpc_threads=settings.rpc_threads,
    )
