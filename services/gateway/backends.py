"""Calls to the services for the person who is asking, and the names that pages show.

Connections are made on first use in each process, after the fork. Internal tokens are kept in memory for at most fifty
seconds, so every end of access works here within the minute that the tokens themselves live.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ascms.cases.v1 import cases_pb2_grpc
from ascms.documents.v1 import documents_pb2_grpc
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from ascms.notifications.v1 import notifications_pb2_grpc
from ascms.reporting.v1 import reporting_pb2_grpc
from flask import current_app, g
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.errors import DomainError, UnauthenticatedError, UnavailableError
from kit.rpc.client import DEADLINE_SECONDS, Backend, Channels
from services.gateway.config import GatewaySettings
from services.gateway.security import Caller, Organisation, Role, caller, renew_caller

STUBS: Mapping[str, Callable[..., Any]] = {
    "identity": identity_pb2_grpc.IdentityServiceStub,
    "cases": cases_pb2_grpc.CasesServiceStub,
    "documents": documents_pb2_grpc.DocumentsServiceStub,
    "reporting": reporting_pb2_grpc.ReportingServiceStub,
    "notifications": notifications_pb2_grpc.NotificationsServiceStub,
}
KIND_PREFIX = "ORGANISATION_KIND_"
_EXTENSION = "ascms.backends"
_NAMES_SECONDS = 60.0
_TOKEN_MARGIN_SECONDS = 8.0
_MOST_KEPT = 20_000
_MOST_IDS = 200
_HEALTH_SECONDS = 1.0

Value = TypeVar("Value")


@dataclass(eq=False)
class Kept(Generic[Value]):
    """Values that are good for a while, at most `most` of them; the oldest go first."""

    most: int = _MOST_KEPT
    now: Callable[[], float] = time.monotonic
    _values: dict[Hashable, tuple[float, Value]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def get(self, key: Hashable) -> Value | None:
        """The value, or None when there is none or its time is over."""
        found = self._values.get(key)
        return found[1] if found is not None and found[0] > self.now() else None

    def has(self, key: Hashable) -> bool:
        """Whether there is a value, be it None."""
        found = self._values.get(key)
        return found is not None and found[0] > self.now()

    def put(self, key: Hashable, value: Value, *, seconds: float) -> None:
        """Keep a value for a number of seconds."""
        with self._lock:
            self._values.pop(key, None)
            while len(self._values) >= self.most:
                del self._values[next(iter(self._values))]
            self._values[key] = (self.now() + seconds, value)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        with self._lock:
            self._values.pop(key, None)


@dataclass(eq=False)
class Backends:
    """The services by name: "identity", "cases", "documents", "reporting", "notifications"."""

    addresses: Mapping[str, str]
    token_seconds: float = 50.0
    _channels: Mapping[str, Channels] = field(init=False)
    _services: Mapping[str, Backend] = field(init=False)
    callers: Kept[Caller] = field(default_factory=Kept, init=False)
    people: Kept[str | None] = field(default_factory=Kept, init=False)
    organisations: Kept[Organisation | None] = field(default_factory=Kept, init=False)
    reference: Kept[dict[str, dict[str, str]]] = field(default_factory=Kept, init=False)

    def __post_init__(self) -> None:
        """Bind addresses to stubs; nothing connects yet."""
        self._channels = {name: Channels(address) for name, address in self.addresses.items()}
        self._services = {name: Backend(channels, STUBS[name]) for name, channels in self._channels.items()}

    @classmethod
    def of(cls, settings: GatewaySettings) -> "Backends":
        """The services where the environment says they are."""
        addresses = {name: getattr(settings, f"{name}_address") for name in STUBS}
        return cls(addresses, settings.token_seconds)

    def call(
        self,
        service: str,
        method: str,
        request: Any,
        *,
        token: str = "",
        idempotency_key: str = "",
        timeout_seconds: float = DEADLINE_SECONDS,
    ) -> Any:
        """Call a service with a token of the caller's choice; raise the DomainError that it raised."""
        return self._services[service].call(
            method, request, token=token, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds
        )

    def exchange(self, access_token: str, organisation_id: str = "", *, is_fresh: bool = False) -> Caller:
        """Who an access token of the OpenID provider stands for, at an organisation ("": their last or only one).

        `is_fresh` asks identity whatever is kept. Raises what identity raises: UnauthenticatedError for a token that
        is not or no longer good, NotFoundError or PermissionDeniedError for an organisation that is not theirs.
        """
        key = hashlib.sha256(f"{access_token}\0{organisation_id}".encode()).digest()
        kept = None if is_fresh else self.callers.get(key)
        if kept is not None:
            return kept
        request = identity_pb2.ExchangeTokenRequest(access_token=access_token, organisation_id=organisation_id)
        try:
            answer = self.call("identity", "ExchangeToken", request)
        except DomainError:
            self.callers.drop(key)
            raise
        who = _caller_of(answer)
        left = answer.expires_at.seconds - time.time() - _TOKEN_MARGIN_SECONDS
        self.callers.put(key, who, seconds=min(self.token_seconds, left))
        return who

    def is_serving(self, service: str) -> bool:
        """Whether a service says, by gRPC health, that it can do its work."""
        health = Backend(self._channels[service], health_pb2_grpc.HealthStub)
        answer = health.call("Check", health_pb2.HealthCheckRequest(), timeout_seconds=_HEALTH_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """End the connections."""
        for channels in self._channels.values():
            channels.close()


def current_backends() -> Backends:
    """The backends of the application that answers this request."""
    found: Backends = current_app.extensions[_EXTENSION]
    return found


def init_backends(app: Any, backends: Backends) -> None:
    """Give the application its backends."""
    app.extensions[_EXTENSION] = backends


def call(
    service: str, method: str, request: Any, *, idempotency_key: str = "", timeout_seconds: float = DEADLINE_SECONDS
) -> Any:
    """Call a service as the person who is asking: `call("cases", "GetCase", GetCaseRequest(…))`.

    Raises the DomainError that the service raised. The call is counted: see `backend_calls`.
    """
    backends = current_backends()
    who = caller()
    _count(service, method)
    try:
        return backends.call(
            service,
            method,
            request,
            token=who.token,
            idempotency_key=idempotency_key,
            timeout_seconds=timeout_seconds,
        )
    except UnauthenticatedError as error:
        # Refused at the service's edge, so nothing happened yet. A stream has been read already and cannot be repeated.
        if not isinstance(request, Message):
            raise UnavailableError("token-refused", "Try again in a moment.") from error
    try:
        return backends.call(
            service,
            method,
            request,
            token=renew_caller().token,
            idempotency_key=idempotency_key,
            timeout_seconds=timeout_seconds,
        )
    except UnauthenticatedError as error:
        # A fresh token that a service does not take is our fault (keys, clocks): signing in again would not help.
        raise UnavailableError("token-refused", "Try again in a moment.") from error


def backend_calls() -> tuple[str, ...]:
    """The calls of this request so far, such as ("cases.GetCase",). Exchanging tokens is not among them."""
    return tuple(g.get("backend_calls", ()))


def names_of(person_ids: Iterable[str]) -> dict[str, str]:
    """Names of people as the caller's organisation knows them, by id; unknown ids are left out.

    Kept for a minute per organisation: only what is not kept costs a call.
    """

    def ask(ids: list[str]) -> dict[str, str]:
        answer = call("identity", "BatchGetPeople", identity_pb2.BatchGetPeopleRequest(person_ids=ids))
        return {person.person_id: person.name for person in answer.people}

    return _looked_up(person_ids, current_backends().people, ask)


def organisations_of(organisation_ids: Iterable[str]) -> dict[str, Organisation]:
    """Organisations by id; unknown ids are left out. Kept for a minute per organisation."""

    def ask(ids: list[str]) -> dict[str, Organisation]:
        request = identity_pb2.BatchGetOrganisationsRequest(organisation_ids=ids)
        answer = call("identity", "BatchGetOrganisations", request)
        return {one.organisation_id: organisation_from(one) for one in answer.organisations}

    return _looked_up(organisation_ids, current_backends().organisations, ask)


def organisation_from(message: identity_pb2.Organisation) -> Organisation:
    """An organisation of the contract as pages know it."""
    kind = identity_pb2.OrganisationKind.Name(message.kind).removeprefix(KIND_PREFIX).lower()
    return Organisation(id=message.organisation_id, kind=kind, name=message.name)


def _looked_up(
    ids: Iterable[str], kept: Kept[Value | None], ask: Callable[[list[str]], dict[str, Value]]
) -> dict[str, Value]:
    tenant = caller().organisation.id
    wanted = [one for one in dict.fromkeys(ids) if one]
    unknown = [one for one in wanted if not kept.has((tenant, one))]
    fresh: dict[str, Value] = {}
    for start in range(0, len(unknown), _MOST_IDS):
        batch = unknown[start : start + _MOST_IDS]
        fresh |= ask(batch)
        for one in batch:
            kept.put((tenant, one), fresh.get(one), seconds=_NAMES_SECONDS)
    found = {one: fresh[one] if one in fresh else kept.get((tenant, one)) for one in wanted}
    return {one: value for one, value in found.items() if value is not None}


def _count(service: str, method: str) -> None:
    if "backend_calls" not in g:
        g.backend_calls = []
    g.backend_calls.append(f"{service}.{method}")


def _caller_of(answer: identity_pb2.ExchangeTokenResponse) -> Caller:
    return Caller(
        person_id=answer.person.person_id,
        name=answer.person.name,
        organisation=organisation_from(answer.organisation),
        organisations=tuple(organisation_from(one) for one in answer.organisations),
        roles=tuple(Role(code=role.role, works=role.works, missing=role.missing) for role in answer.person.roles),
        permissions=frozenset(answer.permissions),
        token=answer.token,
    )
