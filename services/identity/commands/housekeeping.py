"""Forgetting what has expired."""

from datetime import timedelta

from services.identity.commands.deps import Deps
from services.identity.store import signins
from services.identity.store.passphrases import prune_resets
from services.identity.store.plans import prune_plans

_KEPT = timedelta(days=1)
"""Expired codes and tokens are kept this long: presented again, they still tell of reuse."""


def forget_expired(deps: Deps) -> int:
    """Delete codes, tokens, links, counters and plans that expired a day ago or earlier; how many. Safe to repeat."""
    with deps.database.plumbing() as tx:
        before = deps.clock.now() - _KEPT
        return signins.prune(tx, before=before) + prune_resets(tx, before=before) + prune_plans(tx, before=before)
