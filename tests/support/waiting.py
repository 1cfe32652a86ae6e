"""Waiting for something that happens in another thread or process: looked for again and again, never slept for."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


def until(
    look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.01
) -> T:
    """The first answer that `look` has; fails the test when it has none for half a minute, unless told."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None:
            return answer
        time.sleep(pause_seconds)
    pytest.fail(f"waited {seconds:.0f} s in vain: {what}")
