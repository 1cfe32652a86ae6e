"""How people want their notices, and what they have read."""

from collections.abc import Sequence

from kit.actor import Actor
from kit.audit import Audit
from kit.command import finish
from services.notifications import store
from services.notifications.commands.sending import Deps
from services.notifications.domain import Preference, check_choice, preferences_of


def set_notice_preferences(deps: Deps, actor: Actor, *, wanted: Sequence[Preference]) -> list[Preference]:
    """Someone chooses how they get some kinds of notices; returns all they have now.

    Raises:
        InvalidArgumentError: a kind is not theirs, or mandatory; each is named.
    """
    check_choice(actor, wanted)
    with deps.database.tenant(actor) as tx:
        chosen = store.preferences.list_deliveries(tx, actor.person_id)
        store.preferences.put_preferences(tx, actor.person_id, wanted)
        now_is = preferences_of(actor, chosen | {each.kind: each.delivery for each in wanted})
        entry = Audit("set-notice-preferences", actor.person_id)
        return finish(tx, now_is, entry=entry, events=[], now=deps.clock.now())


def mark_notices_read(deps: Deps, actor: Actor) -> None:
    """Someone has read every notice there is for them now."""
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        store.preferences.put_read_until(tx, actor.person_id, now)
        finish(tx, None, entry=Audit("mark-notices-read", actor.person_id), events=[], now=now)
