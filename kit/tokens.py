"""Internal tokens: ES256, 60 seconds, verified offline by every service with the keys that identity publishes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kit.actor import Actor, ActorKind
from kit.errors import UnauthenticatedError

ISSUER = "ascms"
AUDIENCE = "ascms-internal"
LIFETIME_SECONDS = 60
# Clocks of two machines differ; a token is good this much longer than it says: little, for access that ended.
LEEWAY_SECONDS = 5
# And may be this much older than it will be: a clock that is behind gives nobody what they should not have.
_BEHIND_SECONDS = 30
_CACHE_SIZE = 10_000
_REFETCH_SECONDS = 5.0


def claims_of(actor: Actor) -> dict[str, Any]:
    """The claims that carry an actor; identity adds `iat` and `exp`."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "knd": actor.kind.value,
        "sub": str(actor.actor_id) if actor.actor_id else actor.service,
        "tid": str(actor.tenant_id),
        "tkd": actor.tenant_kind,
        "prm": sorted(actor.permissions),
        "pur": actor.purpose,
        "svc": actor.service,
    }


def _refuse_expired(exp: float, *, now: float) -> None:
    if now > exp + LEEWAY_SECONDS:
        raise ValueError("expired")


@dataclass(eq=False)
class Verifier:
    """Turns a token into an Actor. `fetch_keys` returns a JSON Web Key Set, and is asked again for unknown keys."""

    fetch_keys: Callable[[], dict[str, Any]]
    now: Callable[[], float] = time.time
    _keys: KeySet | None = field(default=None, init=False)
    _fetched_at: float = field(default=-_REFETCH_SECONDS, init=False)
    _cache: dict[str, tuple[float, Actor]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def verify(self, token: str) -> Actor:
        """The caller behind a token; raises UnauthenticatedError for anything but a valid one."""
        known = self._cache.get(token)
        if known is not None and known[0] > self.now():
            return known[1]
        actor, expires_at = self._verify(token)
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[token] = (expires_at, actor)
        return actor

    def is_ready(self) -> bool:
        """Whether there are keys to verify with; where there are none yet they are asked for, and its errors rise."""
        return bool(self._keys or self._key_set(after_failure=True))

    def _verify(self, token: str) -> tuple[Actor, float]:
        try:
            decoded = self._decode(token)
            claims = decoded.claims
            registry = jwt.JWTClaimsRegistry(
                now=lambda: int(self.now()),
                leeway=_BEHIND_SECONDS,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": AUDIENCE},
                exp={"essential": True},
                iat={"essential": True},
            )
            registry.validate(claims)
            _refuse_expired(claims["exp"], now=self.now())
            kind = ActorKind(claims["knd"])
            actor = Actor(
                kind=kind,
                tenant_id=UUID(claims["tid"]),
                tenant_kind=claims["tkd"],
                actor_id=None if kind == ActorKind.SERVICE else UUID(claims["sub"]),
                permissions=frozenset(claims["prm"]),
                purpose=claims["pur"],
                service=claims["svc"],
            )
            return actor, float(claims["exp"]) + LEEWAY_SECONDS
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnauthenticatedError("token-invalid", "Sign in again.") from error

    def _decode(self, token: str) -> jwt.Token:
        keys = self._key_set()
        try:
            return jwt.decode(token, keys, algorithms=["ES256"])
        except (JoseError, ValueError):
            fresh = self._key_set(after_failure=True)
            if fresh is keys:
                raise
            return jwt.decode(token, fresh, algorithms=["ES256"])

    def _key_set(self, *, after_failure: bool = False) -> KeySet:
        with self._lock:
            is_due = self._keys is None or (after_failure and time.monotonic() - self._fetched_at > _REFETCH_SECONDS)
            if is_due:
                self._keys = KeySet.import_key_set(self.fetch_keys())  # type: ignore[arg-type]
                self._fetched_at = time.monotonic()
            assert self._keys is not None
            return self._keys
