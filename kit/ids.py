"""New identifiers. UUID version 7 (RFC 9562): time-ordered, so that indexes grow at their end."""

import os
import time
from collections.abc import Callable
from uuid import UUID

NewId = Callable[[], UUID]


def uuid7() -> UUID:
    """A new UUID version 7: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value &= ~(0xF000 << 64) & ~(0xC000 << 48)
    value |= (0x7000 << 64) | (0x8000 << 48)
    return UUID(int=value)
