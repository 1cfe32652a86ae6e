"""Page tokens: where a list goes on, opaque to its reader and good only for the list that gave it.

A token holds the sort key of the last row shown (keyset paging: the next page costs what the first did, and rows that
come or go in between neither repeat nor hide others). It is bound to tenant, list and filter by a keyed checksum, so
that one from elsewhere is refused rather than misread. It grants nothing: the rows it leads to are still the caller's.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

from kit.errors import InvalidArgumentError, Violation

DEFAULT_SIZE = 50
_CHECKSUM_BYTES = 12


class PageTokens:
    """Makes and reads the tokens of one service."""

    def __init__(self, secret: str) -> None:
        """`secret` is the same in every process of the service; when it changes, old tokens are refused."""
        self._key = hashlib.sha256(b"page tokens\0" + secret.encode()).digest()

    def encode(self, position: Sequence[str], *, scope: Sequence[object]) -> str:
        """A token for the row whose sort key, as text, is `position`.

        `scope` names the list it belongs to: tenant, list and every filter.
        """
        payload = json.dumps(list(position), separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._checksum(payload, scope) + payload).decode().rstrip("=")

    def decode(self, token: str, *, scope: Sequence[object]) -> list[str] | None:
        """The position in a token; None for the empty token, which is the first page.

        Raises:
            InvalidArgumentError: the token is damaged, or belongs to another list, filter or organisation.
        """
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
        if not hmac.compare_digest(checksum, self._checksum(payload, scope)):
            raise InvalidArgumentError.of(
                Violation("page_token", "page-token", "does not belong to this list; start again from its first page")
            )
        position: list[str] = json.loads(payload)
        return position

    def _checksum(self, payload: bytes, scope: Sequence[object]) -> bytes:
        bound = json.dumps([str(part) for part in scope]).encode() + b"\0" + payload
        return hmac.digest(self._key, bound, "sha256")[:_CHECKSUM_BYTES]
