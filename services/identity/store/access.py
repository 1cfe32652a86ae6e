"""What happened to people's access at an organisation, and the training they completed (their own rows)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql

from kit.db import Transaction, prepare
from kit.ids import uuid7
from services.identity.domain import RoleGrant
from services.identity.domain.access import AccessEvent, AccessEventKind, Training
from services.identity.store.people import Member, grant_of
from services.identity.store.tables import access_event, member, role_grant, training

_ADD_EVENT = prepare(insert(access_event).values(dict.fromkeys(access_event.c.keys())))
_HISTORY = prepare(
    select(access_event)
    .where(access_event.c.tenant_id == bindparam("tenant"), access_event.c.person_id == bindparam("person"))
    .order_by(access_event.c.occurred_at.desc(), access_event.c.id.desc())
    .limit(bindparam("most"))
)
_INSERT_TRAINING = postgresql.insert(training).values(dict.fromkeys(training.c.keys()))
_PUT_TRAINING = prepare(
    _INSERT_TRAINING.on_conflict_do_update(
        index_elements=[training.c.person_id, training.c.course, training.c.completed_on],
        set_={name: _INSERT_TRAINING.excluded[name] for name in ("expires_on", "recorded_at", "recorded_by")},
    )
)
_TRAININGS = prepare(select(training).where(training.c.person_id == bindparam("person")))
_LOCK_MEMBER = prepare(
    select(member.c.person_id, member.c.name, member.c.email, member.c.language)
    .where(member.c.tenant_id == bindparam("tenant"), member.c.person_id == bindparam("person"))
    .with_for_update()
)
_HOLDERS = prepare(
    select(role_grant)
    .where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.role == bindparam("code"),
        role_grant.c.ended_at.is_(None),
    )
    .order_by(role_grant.c.person_id)
    .with_for_update()
)
_TRAIN = prepare(
    update(role_grant)
    .where(
        role_grant.c.tenant_id == bindparam("tenant"),
        role_grant.c.person_id == bindparam("person"),
        role_grant.c.role == bindparam("code"),
    )
    .values(trained_on=bindparam("completed"), training_ends_on=bindparam("expires"))
)


def add_event(tx: Transaction, item: AccessEvent) -> None:
    """Queue what happened, at the present organisation."""
    tx.later(
        _ADD_EVENT,
        tenant_id=tx.tenant_id,
        id=uuid7(),
        person_id=item.person_id,
        kind=item.kind.value,
        role=item.role,
        reason=item.reason,
        actor_id=item.actor_id,
        occurred_at=item.occurred_at,
    )


def list_history(tx: Transaction, person_id: UUID, *, most: int) -> list[AccessEvent]:
    """What happened to someone's access at the present organisation, newest first."""
    return [
        AccessEvent(
            person_id=row.person_id,
            kind=AccessEventKind(row.kind),
            occurred_at=row.occurred_at,
            role=row.role,
            reason=row.reason,
            actor_id=row.actor_id,
        )
        for row in tx.all(_HISTORY, tenant=tx.tenant_id, person=person_id, most=most)
    ]


def lock_member(tx: Transaction, person_id: UUID) -> Member | None:
    """Someone whom the present organisation knows; nobody else changes their access meanwhile."""
    row = tx.first(_LOCK_MEMBER, tenant=tx.tenant_id, person=person_id)
    return Member(row.person_id, row.name, row.email, row.language) if row is not None else None


def lock_holders(tx: Transaction, role: str) -> dict[UUID, RoleGrant]:
    """Everyone who was given a role at the present organisation and not lost it, locked in one order."""
    return {row.person_id: grant_of(row) for row in tx.all(_HOLDERS, tenant=tx.tenant_id, code=role)}


def train_grant(tx: Transaction, *, person_id: UUID, role: str, item: Training) -> None:
    """Queue the training that a role of the present organisation counts with."""
    tx.later(
        _TRAIN, tenant=tx.tenant_id, person=person_id, code=role, completed=item.completed_on, expires=item.expires_on
    )


def put_training(tx: Transaction, item: Training, *, person_id: UUID, recorded_by: UUID, now: datetime) -> None:
    """Queue a completed training of a person. For the person role."""
    tx.later(
        _PUT_TRAINING,
        person_id=person_id,
        course=item.course,
        completed_on=item.completed_on,
        expires_on=item.expires_on,
        recorded_at=now,
        recorded_by=recorded_by,
    )


def list_trainings(tx: Transaction, person_id: UUID) -> list[Training]:
    """Every training a person completed. For the person role."""
    return [Training(row.course, row.completed_on, row.expires_on) for row in tx.all(_TRAININGS, person=person_id)]
