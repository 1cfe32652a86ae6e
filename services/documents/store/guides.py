"""Guidance: the ministry's own versions over those that come with the software, and drafts."""

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.documents.domain.guides import Draft, Facts, Guide, IssueState, Text, Topic
from services.documents.shipped import shipped_guides
from services.documents.store.guide_tables import GUIDE_DRAFT, GUIDE_VERSION

_V = GUIDE_VERSION.c
_LATEST = prepare(select(GUIDE_VERSION).ext(postgresql.distinct_on(_V.slug)).order_by(_V.slug, _V.version.desc()))
_ALL = prepare(select(GUIDE_VERSION).where(_V.slug == bindparam("wanted")).order_by(_V.version.desc()))
_DRAFTS = prepare(select(GUIDE_DRAFT).order_by(GUIDE_DRAFT.c.slug))
_DRAFT = prepare(select(GUIDE_DRAFT).where(GUIDE_DRAFT.c.slug == bindparam("wanted")))
# One who writes at a time: a draft that is not there yet has no row to lock.
_LOCK = prepare(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=postgresql.TEXT), 0))))
_PUBLISH = prepare(insert(GUIDE_VERSION).values(dict.fromkeys(GUIDE_VERSION.c.keys())))
_INSERT = postgresql.insert(GUIDE_DRAFT).values(dict.fromkeys(GUIDE_DRAFT.c.keys()))
_SAVE = prepare(
    _INSERT.on_conflict_do_update(
        index_elements=[GUIDE_DRAFT.c.slug],
        set_={column.name: _INSERT.excluded[column.name] for column in GUIDE_DRAFT.c if column.name != "slug"},
    )
)
_DROP = prepare(delete(GUIDE_DRAFT).where(GUIDE_DRAFT.c.slug == bindparam("wanted")))


def list_guides(tx: Transaction) -> list[Guide]:
    """Every guide as it is published, those that come with the software first."""
    newer = {row.slug: _guide(row) for row in tx.all(_LATEST)}
    known = [newer.pop(slug, guide) for slug, guide in shipped_guides().items()]
    return [*known, *newer.values()]


def list_versions(tx: Transaction, slug: str) -> list[Guide]:
    """Every version of a guide, the newest first."""
    shipped = shipped_guides().get(slug)
    return [*(_guide(row) for row in tx.all(_ALL, wanted=slug)), *([shipped] if shipped is not None else [])]


def list_drafts(tx: Transaction) -> list[Draft]:
    """Everything that is being written."""
    return [_draft(row) for row in tx.all(_DRAFTS)]


def find_draft(tx: Transaction, slug: str) -> Draft | None:
    """What is being written of a guide."""
    row = tx.first(_DRAFT, wanted=slug)
    return _draft(row) if row is not None else None


def lock_guide(tx: Transaction, slug: str) -> None:
    """One change of a guide at a time."""
    tx.first(_LOCK, name=f"guide {slug}")


def save_draft(tx: Transaction, draft: Draft) -> None:
    """Queue a draft, new or in place of the one before."""
    facts = _columns(draft.slug, draft.facts, draft.text)
    tx.later(_SAVE, **facts, version=draft.version, saved_at=draft.saved_at, saved_by=draft.saved_by)


def publish(tx: Transaction, guide: Guide) -> None:
    """Queue a new version; its draft goes."""
    facts = _columns(guide.slug, guide.facts, guide.text)
    tx.later(_PUBLISH, **facts, version=guide.version, published_at=guide.published_at, published_by=guide.published_by)
    tx.later(_DROP, wanted=guide.slug)


def _columns(slug: str, facts: Facts, text: Text) -> dict[str, Any]:
    return {
        "slug": slug,
        "topic": facts.topic.value,
        "roles": list(facts.roles),
        "issue_state": facts.issue_state.value,
        "issue_since": facts.issue_since,
        "issue_fixed_on": facts.issue_fixed_on,
        "title": text.title,
        "title_mi": text.title_mi,
        "body": text.body,
        "body_mi": text.body_mi,
    }


def _facts(row: Any) -> Facts:
    return Facts(
        topic=Topic(row.topic),
        roles=tuple(row.roles),
        issue_state=IssueState(row.issue_state),
        issue_since=row.issue_since,
        issue_fixed_on=row.issue_fixed_on,
    )


def _text(row: Any) -> Text:
    return Text(title=row.title, title_mi=row.title_mi, body=row.body, body_mi=row.body_mi)


def _guide(row: Any) -> Guide:
    return Guide(
        slug=row.slug,
        version=row.version,
        facts=_facts(row),
        text=_text(row),
        published_at=row.published_at,
        published_by=row.published_by,
    )


def _draft(row: Any) -> Draft:
    return Draft(
        slug=row.slug,
        version=row.version,
        facts=_facts(row),
        text=_text(row),
        saved_at=row.saved_at,
        saved_by=row.saved_by,
    )
