"""Training that runs out: who needs it is told before, and when it is over their roles permit nothing.

Access itself ends by the date, at the next exchange of a token; here that is only told.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from kit import command
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.db import Transaction
from kit.outbox import Event
from kit.sweeps import clear_deadline, keep_deadline
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.domain import OrganisationKind, RoleGrant
from services.identity.domain.access import AccessEvent, AccessEventKind
from services.identity.roles import COURSES, ROLES
from services.identity.store import access, organisations, people
from services.identity.training import WARN_DAYS, next_notice_at

TRAINING_ENDS = "training-ends"
"""Deadline: when there is something to say about the end of a person's training. Its subject is the person."""


def watch_training(
    tx: Transaction, person_id: UUID, grants: Iterable[RoleGrant], *, kind: OrganisationKind, now: datetime
) -> None:
    """Queue the next deadline for the training that someone's grants at the present organisation count with."""
    clear_deadline(tx, kind=TRAINING_ENDS, subject_id=person_id)
    ends_on = max(
        (grant.training_ends_on for grant in _dated(grants, kind, now) if grant.training_ends_on), default=None
    )
    due_at = next_notice_at(ends_on, now) if ends_on is not None else None
    if due_at is not None:
        keep_deadline(tx, kind=TRAINING_ENDS, subject_id=person_id, due_at=due_at)


def note_training_ending(deps: Deps, actor: Actor, person_id: UUID) -> None:
    """Tell that a training ends soon, or has ended. A deadline's command: it looks at the days again, and at the next.

    A late sweep says what holds now, once: seven days left are not told of after the end.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        organisation = organisations.find_organisation(tx, tx.tenant_id)
        member = access.lock_member(tx, person_id)
        if organisation is None or member is None:
            clear_deadline(tx, kind=TRAINING_ENDS, subject_id=person_id)
            return
        grants = people.grants_of_members(tx, [person_id])[person_id]
        watch_training(tx, person_id, grants, kind=organisation.kind, now=now)
        dated = _dated(grants, organisation.kind, now)
        ends_on = max((grant.training_ends_on for grant in dated if grant.training_ends_on), default=None)
        if ends_on is None:
            return
        course, days_left = COURSES[organisation.kind], (ends_on - today).days
        if days_left > max(WARN_DAYS):
            return
        told: list[Event]
        if days_left >= 0:
            told = [events.training_ending(person_id=person_id, course=course, ends_on=ends_on, days_left=days_left)]
        else:
            roles = [grant.role for grant in dated]
            told = [
                *(events.role_changed(person_id=person_id, role=role, works=False) for role in roles),
                events.training_lapsed(person_id=person_id, course=course, ended_on=ends_on, roles=roles),
            ]
            for role in roles:
                access.add_event(tx, AccessEvent(
                    person_id=person_id, kind=AccessEventKind.TRAINING_LAPSED, occurred_at=now, role=role
                ))  # fmt: skip
        command.finish(tx, None, entry=Audit("note-training-ending", person_id), events=told, now=now)


def _dated(grants: Iterable[RoleGrant], kind: OrganisationKind, now: datetime) -> list[RoleGrant]:
    """Held roles that need the course of such an organisation and count with a completion that has an end."""
    course = COURSES.get(kind, "")
    return [
        grant
        for grant in grants
        if course
        and grant.role in ROLES
        and ROLES[grant.role].course == course
        and grant.training_ends_on is not None
        and grant.is_held(local_date(now))
    ]
