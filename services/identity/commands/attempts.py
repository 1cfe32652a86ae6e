"""Counting what anyone may try: so often in one window for each bucket, and then they wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kit.errors import ResourceExhaustedError
from services.identity.commands.deps import Deps
from services.identity.domain import ATTEMPT_WINDOW
from services.identity.store import signins


def count_attempts(deps: Deps, buckets: Sequence[bytes]) -> list[tuple[int, datetime]]:
    """Count one try in each bucket; how many each window has seen, and when it ends.

    Counted before anything is checked, so that a hundred tries at once are a hundred. A bucket is a keyed hash: neither
    addresses nor places can be read from the table.
    """
    now = deps.clock.now()
    with deps.database.special("signin") as tx:
        return [signins.count_attempt(tx, bucket=each, ends_at=now + ATTEMPT_WINDOW, now=now) for each in buckets]


def count_or_refuse(deps: Deps, limits: Mapping[bytes, int]) -> None:
    """Count one try in each bucket, of which each takes so many.

    Raises:
        ResourceExhaustedError: one has seen more; `minutes` in its metadata says how long to wait.
    """
    now = deps.clock.now()
    counts = count_attempts(deps, list(limits))
    for (count, ends_at), most in zip(counts, limits.values(), strict=True):
        if count > most:
            minutes = max(1, -int((now - ends_at).total_seconds() // 60))
            raise ResourceExhaustedError(
                "too-many-attempts", "Too many tries. Wait a little.", metadata={"minutes": str(minutes)}
            )
