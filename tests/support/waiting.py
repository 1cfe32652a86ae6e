"""Waiting for something that happens in another thread or process: looked for again and again, never slept for."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


def until(look: Callable[[], T | None], what: str) -> T:
    """The first answer that `look` has; fails the test when it has none for half a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None:
            return answer
        time.sleep(0.01)
    pytest.fail(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}")
