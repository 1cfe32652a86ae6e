"""Invitations of an organisation, and the reference data that name what may be seen of someone's identity."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from services.identity.domain import email_key
from services.identity.domain.invitations import (
    PRIMARY,
    SUPPORTING,
    IdentityDocument,
    Invitation,
    InvitationState,
    Sighting,
)
from services.identity.store.tables import invitation, reference_item

_DOCUMENTS = prepare(
    select(reference_item)
    .where(
        or_(reference_item.c.list == PRIMARY, reference_item.c.list == SUPPORTING),
        reference_item.c.starts_on <= bindparam("today"),
        or_(reference_item.c.ends_on.is_(None), reference_item.c.ends_on >= bindparam("today")),
    )
    .order_by(reference_item.c.list, reference_item.c.position, reference_item.c.code)
)
_INSERT = prepare(insert(invitation).values(dict.fromkeys(invitation.c.keys())))
_OURS = invitation.c.tenant_id == bindparam("tenant")
_BY_ID = select(invitation).where(_OURS, invitation.c.id == bindparam("wanted"))
_FIND = prepare(_BY_ID)
_LOCK = prepare(_BY_ID.with_for_update())
_BY_LINK = prepare(select(invitation).where(_OURS, invitation.c.link_id == bindparam("link")))
_UPDATE = prepare(
    update(invitation)
    .where(_OURS, invitation.c.id == bindparam("wanted"))
    .values(
        email=bindparam("new_email"),
        email_key=bindparam("new_email_key"),
        link_id=bindparam("new_link"),
        link_digest=bindparam("new_digest"),
        sent_at=bindparam("sent"),
        expires_at=bindparam("expires"),
        withdrawn_at=bindparam("withdrawn"),
        used_at=bindparam("used"),
        used_by=bindparam("user"),
    )
)
# One invitation of an address at a time: two that invite at once wait for each other.
_LOCK_ADDRESS = prepare(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("address", type_=postgresql.TEXT), 0)))
)
_OPEN = (invitation.c.used_at.is_(None), invitation.c.withdrawn_at.is_(None))
_PENDING = prepare(
    select(invitation.c.id).where(
        _OURS,
        invitation.c.email_key == bindparam("address"),
        invitation.c.id != bindparam("except_for"),
        *_OPEN,
        invitation.c.expires_at > bindparam("now"),
    )
)
_FIRST = prepare(
    select(invitation)
    .where(_OURS, invitation.c.first_role.is_not(None), invitation.c.first_role != "")
    .order_by(invitation.c.invited_at.desc(), invitation.c.id.desc())
    .limit(bindparam("most"))
)
_COUNT_PENDING = prepare(
    select(func.count()).select_from(invitation).where(_OURS, *_OPEN, invitation.c.expires_at > bindparam("now"))
)
_IN_STATE: dict[InvitationState | None, Sequence[Any]] = {
    None: (),
    InvitationState.PENDING: (*_OPEN, invitation.c.expires_at > bindparam("now")),
    InvitationState.EXPIRED: (*_OPEN, invitation.c.expires_at <= bindparam("now")),
    InvitationState.WITHDRAWN: (invitation.c.used_at.is_(None), invitation.c.withdrawn_at.is_not(None)),
    InvitationState.USED: (invitation.c.used_at.is_not(None),),
}
_anchor = invitation.alias("anchor")
_BEYOND = tuple_(invitation.c.invited_at, invitation.c.id) < (
    select(_anchor.c.invited_at, _anchor.c.id)
    .where(_anchor.c.tenant_id == bindparam("tenant"), _anchor.c.id == bindparam("after"))
    .scalar_subquery()
)
_PAGES = {
    (state, has_after): prepare(
        select(invitation)
        .where(_OURS, *conditions, *([_BEYOND] if has_after else []))
        .order_by(invitation.c.invited_at.desc(), invitation.c.id.desc())
        .limit(bindparam("most"))
    )
    for state, conditions in _IN_STATE.items()
    for has_after in (False, True)
}
_ACCEPTED = prepare(
    select(invitation)
    .where(_OURS, invitation.c.used_by == bindparam("person"))
    .order_by(invitation.c.used_at.desc())
    .limit(1)
)
_ALL_DOCUMENTS = prepare(
    select(reference_item)
    .where(or_(reference_item.c.list == PRIMARY, reference_item.c.list == SUPPORTING))
    .order_by(reference_item.c.list, reference_item.c.position, reference_item.c.code, reference_item.c.starts_on)
)
_BY_DIGEST = prepare(
    select(invitation.c.tenant_id, invitation.c.id).where(invitation.c.link_digest == bindparam("digest"))
)


def list_documents(tx: Transaction, *, today: date | None) -> list[IdentityDocument]:
    """The kinds of documents that count on a day, in the order to show them in; for None all that ever counted."""
    rows = tx.all(_DOCUMENTS, today=today) if today is not None else tx.all(_ALL_DOCUMENTS)
    return [IdentityDocument(row.list, row.code, row.label, row.label_mi, row.has_photo) for row in rows]


def insert_invitation(tx: Transaction, item: Invitation, *, link_digest: bytes) -> None:
    """Queue a new invitation of the present organisation."""
    tx.later(
        _INSERT,
        tenant_id=tx.tenant_id,
        id=item.id,
        name=item.name,
        email=item.email,
        email_key=email_key(item.email),
        language=item.language,
        primary_document=item.sighting.primary,
        supporting_document=item.sighting.supporting,
        invited_by=item.invited_by,
        invited_at=item.invited_at,
        link_id=item.link_id,
        link_digest=link_digest,
        sent_at=item.sent_at,
        expires_at=item.expires_at,
        withdrawn_at=None,
        used_at=None,
        used_by=None,
        first_role=item.first_role or None,
    )


def update_invitation(tx: Transaction, item: Invitation, *, link_digest: bytes) -> None:
    """Queue what has become of an invitation."""
    tx.later(
        _UPDATE,
        tenant=tx.tenant_id,
        wanted=item.id,
        new_email=item.email,
        new_email_key=email_key(item.email),
        new_link=item.link_id,
        new_digest=link_digest,
        sent=item.sent_at,
        expires=item.expires_at,
        withdrawn=item.withdrawn_at,
        used=item.used_at,
        user=item.used_by,
    )


def find_invitation(tx: Transaction, invitation_id: UUID) -> Invitation | None:
    """One invitation of the present organisation."""
    row = tx.first(_FIND, tenant=tx.tenant_id, wanted=invitation_id)
    return _invitation(row) if row is not None else None


def find_accepted(tx: Transaction, person_id: UUID) -> Invitation | None:
    """The invitation by which someone came to the present organisation; the last, where they were invited again."""
    row = tx.first(_ACCEPTED, tenant=tx.tenant_id, person=person_id)
    return _invitation(row) if row is not None else None


def lock_invitation(tx: Transaction, invitation_id: UUID) -> Invitation | None:
    """One invitation of the present organisation, locked."""
    row = tx.first(_LOCK, tenant=tx.tenant_id, wanted=invitation_id)
    return _invitation(row) if row is not None else None


def find_by_link(tx: Transaction, link_id: UUID) -> Invitation | None:
    """The invitation of the present organisation whose working link this is."""
    row = tx.first(_BY_LINK, tenant=tx.tenant_id, link=link_id)
    return _invitation(row) if row is not None else None


def lock_address(tx: Transaction, email: str) -> None:
    """Wait for others of the present organisation who invite the same address."""
    tx.first(_LOCK_ADDRESS, address=f"invite {tx.tenant_id} {email_key(email)}")


def find_pending(tx: Transaction, email: str, *, except_for: UUID, now: datetime) -> UUID | None:
    """Another invitation of an address that waits to be accepted at the present organisation."""
    found: UUID | None = tx.value(
        _PENDING, tenant=tx.tenant_id, address=email_key(email), except_for=except_for, now=now
    )
    return found


def list_invitations(
    tx: Transaction, *, state: InvitationState | None, after: UUID | None, most: int, now: datetime
) -> list[Invitation]:
    """The present organisation's invitations, newest first; `after` is the last of the page before."""
    query = _PAGES[state, after is not None]
    return [_invitation(row) for row in tx.all(query, tenant=tx.tenant_id, after=after, most=most, now=now)]


def list_first(tx: Transaction, *, most: int) -> list[Invitation]:
    """Those that the ministry sent to the present organisation, newest first."""
    return [_invitation(row) for row in tx.all(_FIRST, tenant=tx.tenant_id, most=most)]


def count_pending(tx: Transaction, *, now: datetime) -> int:
    """How many invitations of the present organisation wait to be accepted."""
    found: int = tx.value(_COUNT_PENDING, tenant=tx.tenant_id, now=now)
    return found


def find_by_digest(tx: Transaction, digest: bytes) -> tuple[UUID, UUID] | None:
    """(organisation, invitation) behind the secret of a link. For the signin role."""
    row = tx.first(_BY_DIGEST, digest=digest)
    return (row.tenant_id, row.id) if row is not None else None


def _invitation(row: Any) -> Invitation:
    return Invitation(
        id=row.id,
        name=row.name,
        email=row.email,
        language=row.language,
        sighting=Sighting(row.primary_document, row.supporting_document),
        invited_by=row.invited_by,
        invited_at=row.invited_at,
        link_id=row.link_id,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        withdrawn_at=row.withdrawn_at,
        used_at=row.used_at,
        used_by=row.used_by,
        first_role=row.first_role or "",
    )
