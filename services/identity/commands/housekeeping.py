"""Forgetting what has expired."""

from datetime import timedelta

from services.identity.commands.deps import Deps
from services.identity.store import signins

_KEPT = timedelta(days=1)
"""Expired codes and tokens are kept this long: presented again, they still tell of reuse."""


def forget_expired(deps: Deps) -> int:
    """Delete codes, tokens and counters that expired a day ago or earlier; how many. Safe to repeat."""
    with deps.database.plumbing() as tx:
        return signins.prune(tx, before=deps.clock.now() - _KEPT)
