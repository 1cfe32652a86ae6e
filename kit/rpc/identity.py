"""What every service asks of identity: the keys to verify tokens with, and tokens for work outside a request."""

import json
import threading
import time
from typing import Any
from uuid import UUID

from ascms.identity.v1 import identity_pb2, identity_pb2_grpc

from kit.rpc.client import Backend, Channels
from kit.tokens import Verifier

_RENEW_BEFORE_SECONDS = 10.0
_KEYS_SECONDS = 2.0
"""Callers wait for the keys, and so does readiness: an identity that does not answer must not hold them for long."""


def backend(address: str) -> Backend:
    """Identity, at an address."""
    return Backend(Channels(address), identity_pb2_grpc.IdentityServiceStub)


def remote_verifier(identity: Backend) -> Verifier:
    """A verifier that gets identity's keys when it meets one that it does not know."""

    def fetch() -> dict[str, Any]:
        answer = identity.call("GetSigningKeys", identity_pb2.GetSigningKeysRequest(), timeout_seconds=_KEYS_SECONDS)
        keys: dict[str, Any] = json.loads(answer.jwks)
        return keys

    return Verifier(fetch)


class ServiceTokens:
    """Tokens for one service, per tenant and purpose, kept until shortly before they end."""

    def __init__(self, identity: Backend, *, service: str, credential: str) -> None:
        """`credential` is what the service shows identity."""
        self._identity = identity
        self._service = service
        self._credential = credential
        self._kept: dict[tuple[UUID, str], tuple[float, str]] = {}
        self._lock = threading.Lock()

    def token(self, tenant_id: UUID, purpose: str) -> str:
        """A token for one tenant and one purpose; raises the DomainError of identity where it refuses."""
        key = (tenant_id, purpose)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] > time.time() + _RENEW_BEFORE_SECONDS:
            return kept[1]
        request = identity_pb2.MintServiceTokenRequest(
            service=self._service, credential=self._credential, tenant_id=str(tenant_id), purpose=purpose
        )
        answer = self._identity.call("MintServiceToken", request)
        with self._lock:
            self._kept[key] = (float(answer.expires_at.seconds), answer.token)
        token: str = answer.token
        return token
