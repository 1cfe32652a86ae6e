"""What a story prints, and how it fails: with what was expected and what was seen."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_CHARACTERS = 1_500


class Deviation(Exception):  # noqa: N818 - the story's own word: the system did something else than it promises
    """What was expected and what was seen instead."""


def expect(what: str, seen: object, expected: object) -> None:
    """Raise Deviation unless both are equal."""
    if seen != expected:
        raise Deviation(f"{what}: expected {_brief(expected)}, saw {_brief(seen)}")


def expect_that(what: str, seen: bool, *, saw: object = "") -> None:  # noqa: FBT001 - reads as a sentence
    """Raise Deviation unless it holds; `saw` is what there was instead."""
    if not seen:
        raise Deviation(f"{what}: it was not so{f'; saw {_brief(saw)}' if saw != '' else ''}")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}… ({len(text)} characters)"


class Steps:
    """Prints each step as it ends, with its time."""

    def __init__(self, *, limit_seconds: float) -> None:
        """The whole story may take `limit_seconds`."""
        self._limit = limit_seconds
        self._began = time.monotonic()
        self.count = 0
        self._chapters = 0

    def chapter(self, words: str) -> None:
        """A numbered line between groups of steps."""
        self._chapters += 1
        _say(f"\n{self._chapters}. {words}")

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """One step: a tick and its time when it ends, a cross when it deviates."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            _say(f"  ✗ {time.monotonic() - began:6.2f} s  {words}")
            raise
        self.count += 1
        _say(f"  ✓ {time.monotonic() - began:6.2f} s  {words}")
        if self.seconds > self._limit:
            raise Deviation(f"the story takes longer than {self._limit:.0f} s")

    def loudly_skip(self, words: str, *, why: str) -> None:
        """Say that something was not tried, so that nobody believes it was."""
        _say(f"  ! SKIPPED  {words}: {why}")

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
