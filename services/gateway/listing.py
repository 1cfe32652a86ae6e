"""What every list shares: the counts beside its filters."""

from typing import Any


def counts_of(answer: Any) -> dict[str, int]:
    """Counts by filter, from any answer that carries them."""
    return {one.filter: one.count for one in answer.counts}
