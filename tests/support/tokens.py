"""Tokens for tests, signed by a key of their own: the real verifier, without an identity service."""

import time
from functools import cache
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from kit.actor import Actor, ActorKind
from kit.tokens import LIFETIME_SECONDS, Verifier, claims_of


@cache
def _key() -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": "test"})


def public_keys() -> dict[str, Any]:
    """The tests' key as identity would publish it: a JSON Web Key Set."""
    return {"keys": [_key().as_dict(private=False)]}


def verifier() -> Verifier:
    """A verifier that knows the tests' key."""
    return Verifier(public_keys)


def token_for(actor: Actor) -> str:
    """A token that carries an actor."""
    now = int(time.time())
    claims = {**claims_of(actor), "iat": now, "exp": now + LIFETIME_SECONDS}
    return jwt.encode({"alg": "ES256", "kid": "test"}, claims, _key(), algorithms=["ES256"])


def person(number: int, *permissions: str, tenant: UUID, tenant_kind: str = "provider") -> Actor:
    """A made-up person: `number` makes the id."""
    return Actor(
        kind=ActorKind.PERSON,
        tenant_id=tenant,
        tenant_kind=tenant_kind,
        actor_id=UUID(int=0x70000000000000000000000000000000 + number),
        permissions=frozenset(permissions),
    )
