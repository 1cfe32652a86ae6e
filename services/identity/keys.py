"""Signing keys: ES256, one set for internal tokens and one for ID tokens, so that neither can pass for the other.

A new key is published first and signs a little later, when everyone who verifies has had time to fetch it; the old one
verifies until the last token it signed has ended.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from joserfc.jwk import ECKey, KeySet

from kit import tokens
from kit.clock import Clock
from kit.db import Database, Transaction
from services.identity.domain import SESSION_LASTS
from services.identity.secrets import MasterSecret, new_secret
from services.identity.store import signing
from services.identity.store.signing import StoredKey

INTERNAL = "internal"
OPENID = "openid"
ALGORITHM = "ES256"
_PUBLISHED_AHEAD = timedelta(seconds=60)
_VERIFIES_AFTER = {
    INTERNAL: timedelta(seconds=tokens.LIFETIME_SECONDS + 2 * tokens.LEEWAY_SECONDS),
    # An ID token names the session to end, as long as there can be one.
    OPENID: SESSION_LASTS + timedelta(hours=1),
}
_KEPT_SECONDS = 5.0
_CIPHER = "signing keys"


@dataclass(eq=False)
class KeyRing:
    """The keys, read again from the database every few seconds."""

    database: Database
    secret: MasterSecret
    clock: Clock
    _keys: Sequence[StoredKey] = field(default=(), init=False)
    _opened: dict[str, ECKey] = field(default_factory=dict, init=False)
    _read_at: float = field(default=-_KEPT_SECONDS, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def signing_key(self, purpose: str) -> ECKey:
        """The key that signs now, with its `kid`; made if there is none yet."""
        current = self._current(purpose)
        # Looked at afterwards: a key that was made just now signs from just now.
        now = self.clock.now()
        return self._open([key for key in current if key.signs_from <= now][-1])

    def public_keys(self, purpose: str) -> dict[str, Any]:
        """The JSON Web Key Set of a purpose, as it is published."""
        return {"keys": [json.loads(key.public_key) for key in self._current(purpose)]}

    def verification_keys(self, purpose: str) -> KeySet:
        """The same for verifying here."""
        return KeySet.import_key_set(self.public_keys(purpose))  # type: ignore[arg-type]  # a dict of its shape

    def rotate(self) -> list[str]:
        """Make a new key for each purpose and retire the old; return the new ids."""
        now = self.clock.now()
        made = []
        with self.database.plumbing() as tx:
            signing.lock_keys(tx)
            for purpose in (INTERNAL, OPENID):
                has_one = any(key.purpose == purpose for key in signing.list_keys(tx, now=now))
                signs_from = now + _PUBLISHED_AHEAD if has_one else now
                signing.retire_keys(tx, purpose=purpose, until=signs_from + _VERIFIES_AFTER[purpose])
                made.append(self._make(tx, purpose, signs_from=signs_from))
            signing.prune_keys(tx, before=now)
        self._forget()
        return made

    def _current(self, purpose: str) -> list[StoredKey]:
        with self._lock:
            if time.monotonic() - self._read_at > _KEPT_SECONDS:
                self._read()
            if not any(key.purpose == purpose for key in self._keys):
                self._make_missing(purpose)
                self._read()
            return [key for key in self._keys if key.purpose == purpose]

    def _read(self) -> None:
        with self.database.plumbing() as tx:
            self._keys = signing.list_keys(tx, now=self.clock.now())
        self._read_at = time.monotonic()

    def _forget(self) -> None:
        with self._lock:
            self._read_at = -_KEPT_SECONDS

    def _make_missing(self, purpose: str) -> None:
        """The first key of a purpose. Two processes may start at once: one makes it, the other finds it."""
        now = self.clock.now()
        with self.database.plumbing() as tx:
            signing.lock_keys(tx)
            if not any(key.purpose == purpose for key in signing.list_keys(tx, now=now)):
                self._make(tx, purpose, signs_from=now)

    def _make(self, tx: Transaction, purpose: str, *, signs_from: Any) -> str:
        kid = new_secret()[:16]
        key = ECKey.generate_key("P-256", parameters={"kid": kid, "use": "sig", "alg": ALGORITHM})
        stored = StoredKey(
            id=kid,
            purpose=purpose,
            public_key=json.dumps(key.as_dict(private=False)),
            private_key=self.secret.encrypt(
                json.dumps(key.as_dict(private=True)).encode(), purpose=_CIPHER, context=f"{purpose} {kid}"
            ),
            signs_from=signs_from,
        )
        signing.insert_key(tx, stored, now=self.clock.now())
        return kid

    def _open(self, stored: StoredKey) -> ECKey:
        if stored.id not in self._opened:
            plain = self.secret.decrypt(stored.private_key, purpose=_CIPHER, context=f"{stored.purpose} {stored.id}")
            self._opened[stored.id] = ECKey.import_key(json.loads(plain))
        return self._opened[stored.id]
