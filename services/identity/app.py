"""Wiring of identity's gRPC server and worker."""

import threading

from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from pydantic import Field

from kit import log
from kit.bus import open_broker
from kit.clock import SystemClock
from kit.config import ServiceSettings
from kit.db import Database
from kit.ids import uuid7
from kit.paging import PageTokens
from kit.relay import Relay
from kit.rpc.server import Servicer
from kit.service import Service, Threaded
from kit.tokens import Verifier
from services.identity.commands import Deps, forget_expired
from services.identity.keys import INTERNAL, KeyRing
from services.identity.rpc import IdentityServicer
from services.identity.secrets import SHORTEST_SECRET, MasterSecret, Passphrases
from services.identity.tokens import TokenOffice

_HOUR_SECONDS = 3_600.0


class Settings(ServiceSettings):
    """What identity needs to know besides what every service does."""

    identity_address: str = ""
    """Not used: this is identity."""
    secret: str = Field(min_length=SHORTEST_SECRET)
    """Signing keys are encrypted and page tokens signed with keys derived from it."""
    service_secret: str = Field(min_length=SHORTEST_SECRET)
    """Each service's credential is the hex HMAC-SHA256 of its name under this."""


class Housekeeping:
    """A loop that forgets expired codes and tokens each hour."""

    def __init__(self, deps: Deps) -> None:
        """Prepare; `run` begins."""
        self._deps = deps
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until stopped. A failure waits for the next hour."""
        while not self._stopping.wait(_HOUR_SECONDS):
            try:
                forget_expired(self._deps)
            except Exception as error:  # noqa: BLE001 - the database may be away; what expired stays expired
                log.logger().error("housekeeping-failed", **log.describe(error))

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()


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
    relay = Relay(database=database, broker=open_broker(settings.broker_url))
    return Service(
        name="identity",
        settings=settings,
        database=database,
        servicers=[servicer],
        verifier=verifier,
        workers=[Threaded(relay, name="relay"), Threaded(Housekeeping(deps), name="housekeeping")],
        rpc_threads=settings.rpc_threads,
    )
