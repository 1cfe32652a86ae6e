"""Secrets: keys derived from the one the environment gives, digests of what is handed out, passphrases."""

import hashlib
import hmac
import os
import secrets
import threading
import unicodedata
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kit.errors import UnavailableError

SHORTEST_SECRET = 32
_NONCE_BYTES = 12
_HASH_WAIT_SECONDS = 5.0


def digest(secret: str) -> bytes:
    """What is stored of a random secret: its SHA-256. Slow hashing is for what people choose themselves."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """A new token, code or cookie: 256 random bits as 43 letters."""
    return secrets.token_urlsafe(32)


def service_credential(secret: str, service: str) -> str:
    """The credential by which identity knows a service: hex HMAC-SHA256 of its name."""
    return hmac.new(secret.encode(), service.encode(), hashlib.sha256).hexdigest()


def is_service_credential(secret: str, *, service: str, credential: str) -> bool:
    """Whether a credential is the service's, compared in constant time."""
    return hmac.compare_digest(service_credential(secret, service).encode(), credential.encode())


@dataclass(frozen=True, repr=False)
class MasterSecret:
    """ASCMS_SECRET. Each use has a key of its own, so that none can be made to serve as another."""

    value: str

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"ascms identity {purpose}".encode())
        return hkdf.derive(self.value.encode())

    def tag(self, purpose: str, *parts: str) -> bytes:
        """A keyed hash of some parts, 32 bytes."""
        return hmac.new(self.key(purpose), "\0".join(parts).encode(), hashlib.sha256).digest()

    def encrypt(self, plain: bytes, *, purpose: str, context: str) -> bytes:
        """Encrypt and authenticate; `context` must be named again to decrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key(purpose)).encrypt(nonce, plain, context.encode())

    def decrypt(self, sealed: bytes, *, purpose: str, context: str) -> bytes:
        """What was encrypted; raises cryptography's InvalidTag under another secret or context."""
        return AESGCM(self.key(purpose)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())


@dataclass(eq=False, repr=False)
class Passphrases:
    """Argon2id, m = 19 MiB, t = 2, p = 1: some 26 ms each, and at most one at a time for each core."""

    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory_kib: int = 19 * 1024
    passes: int = 2
    _hasher: PasswordHasher = field(init=False)
    _turns: threading.BoundedSemaphore = field(init=False)
    _nobody: str = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the hash that unknown addresses are compared with, so that they cost the same work."""
        self._hasher = PasswordHasher(time_cost=self.passes, memory_cost=self.memory_kib, parallelism=1)
        self._turns = threading.BoundedSemaphore(self.cores)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, passphrase: str) -> str:
        """What to store of a passphrase."""
        with _turn(self._turns):
            return self._hasher.hash(_normal(passphrase))

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash costs something else than ours do now: it tells a known address from an unknown one."""
        return self._hasher.check_needs_rehash(stored)

    def verify(self, passphrase: str, stored: str | None) -> bool:
        """Whether a passphrase is the one; for None (nobody) the work is the same and the answer no.

        Raises:
            UnavailableError: too many others are being checked at this moment.
        """
        with _turn(self._turns):
            try:
                self._hasher.verify(stored or self._nobody, _normal(passphrase))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None


class _turn:  # noqa: N801 - reads as a word at its two uses
    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        if not self._turns.acquire(timeout=_HASH_WAIT_SECONDS):
            raise UnavailableError("sign-in-busy", "Many people are signing in at this moment. Try again.")

    def __exit__(self, *_error: object) -> None:
        self._turns.release()


def _normal(passphrase: str) -> str:
    # A macron typed on any device is the same letter.
    return unicodedata.normalize("NFC", passphrase)
