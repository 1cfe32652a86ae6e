"""Writing guidance and publishing it, in both languages at once."""

from kit import command
from kit.actor import Actor
from kit.audit import Audit
from services.documents import guide_events
from services.documents.commands.deps import Deps
from services.documents.domain.guides import Draft, Facts, Guide, Text, guide_id, judge_facts, publishable, saved
from services.documents.store import guides as store


def save_guide_draft(deps: Deps, actor: Actor, *, slug: str, facts: Facts, text: Text, expected_version: int) -> Draft:
    """Keep a draft of a guide; a new slug begins a new guide.

    Raises:
        InvalidArgumentError: as `judge_facts`.
        StaleVersionError: someone else saved since the draft was looked at.
    """
    now = deps.clock.now()
    judge_facts(facts)
    with deps.database.special("editor", actor=actor) as tx:
        store.lock_guide(tx, slug)
        wanted = Draft(slug=slug, version=1, facts=facts, text=text, saved_at=now, saved_by=actor.person_id)
        draft = saved(store.find_draft(tx, slug), wanted, expected=expected_version)
        store.save_draft(tx, draft)
        with tx.enter_tenant(actor.tenant_id, reason="save-guide-draft"):
            return command.finish(tx, draft, entry=Audit("save-guide-draft", guide_id(slug)), events=[], now=now)


def publish_guide(deps: Deps, actor: Actor, *, slug: str, expected_version: int) -> Guide:
    """Publish the draft of a guide as its next version. What was before can still be read.

    Raises:
        FailedPreconditionError, StaleVersionError: as `publishable`.
    """
    now = deps.clock.now()
    with deps.database.special("editor", actor=actor) as tx:
        store.lock_guide(tx, slug)
        draft = publishable(store.find_draft(tx, slug), expected=expected_version)
        # The first version is the software's, whether there is one or not.
        latest = max((guide.version for guide in store.list_versions(tx, slug)), default=1)
        guide = draft.published_as(latest + 1, by=actor.person_id, now=now)
        store.publish(tx, guide)
        with tx.enter_tenant(actor.tenant_id, reason="publish-guide"):
            return command.finish(
                tx,
                guide,
                entry=Audit("publish-guide", guide_id(slug)),
                events=[guide_events.guide_published(guide)],
                now=now,
            )
