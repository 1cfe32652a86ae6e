"""Giving and taking roles, training, and the end of someone's access to an organisation."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from kit import audit, command, outbox
from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.db import Transaction
from kit.errors import FailedPreconditionError, NotFoundError
from kit.outbox import Event
from kit.sweeps import clear_deadline, set_deadline
from services.identity import events
from services.identity.commands.attesting import unwatch_access, watch_access
from services.identity.commands.deps import Deps
from services.identity.commands.lapsing import TRAINING_ENDS, watch_training
from services.identity.commands.members import Access, ceiling_here, has_other_authoriser, lock_access
from services.identity.domain import Organisation, Period, RoleGrant
from services.identity.domain.access import (
    AUTHORISER,
    AccessEvent,
    AccessEventKind,
    EndReason,
    Training,
    best_training,
    judge_assignment,
    judge_ceiling,
    judge_training,
)
from services.identity.roles import COURSES, ROLES, held_roles, missing_of
from services.identity.store import access, people, signins
from services.identity.training import invite_at

INVITE_TO_TRAINING = "invite-to-training"
"""Deadline: when someone whose role waits for training is to be invited to it. Its subject is the person."""
AUTHORITY_LASTS = timedelta(days=365)
"""How long the first authoriser of a provider is one: authority is delegated for a time."""
_WAITS = ("training", "training-lapsed")


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending someone's access ended."""

    roles: int
    sessions: int


def assign_role(deps: Deps, actor: Actor, *, person_id: UUID, role: str, period: Period) -> Access:
    """Give a role at the actor's organisation. Training that was completed counts at once; giving it again is nothing.

    Raises:
        NotFoundError: the organisation does not know the person.
        PermissionDeniedError: the role is beyond what the actor may give.
        FailedPreconditionError, InvalidArgumentError: as `judge_assignment`.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.special("person", actor=actor, person_id=person_id) as tx:
        # Training is the person's own: only its days go into the organisation's grant.
        trainings = _trainings(tx, person_id)
        with tx.enter_tenant(actor.tenant_id, reason="assign-role"):
            known, organisation = lock_access(tx, person_id, today=today)
            _require_ceiling(tx, actor, role, today=today)
            judge_assignment(role, period, is_own=person_id == actor.actor_id, today=today)
            grant = _trained(role, period, best_training(trainings, ROLES[role].course))
            if grant in known.grants:
                return known
            told = _give(tx, actor, organisation, person_id=person_id, grant=grant, now=now)
            others = tuple(other for other in known.grants if other.role != role)
            watch_training(tx, person_id, (*others, grant), kind=organisation.kind, now=now)
            return command.finish(
                tx,
                replace(known, grants=(*others, grant)),
                entry=Audit("assign-role", person_id, role),
                events=told,
                now=now,
            )


def known_training(tx: Transaction, person_id: UUID, role: str) -> Training | None:
    """The training that a person, whose own transaction this is, has for a role; None without a role."""
    return best_training(_trainings(tx, person_id), ROLES[role].course) if role else None


def give_first_role(
    tx: Transaction, organisation: Organisation, *, person_id: UUID, role: str, training: Training | None, now: datetime
) -> list[Event]:
    """Give the role that an invitation by the ministry promised; an authoriser's authority for a year. What to tell."""
    assert tx.actor is not None, "who accepts is known"
    today = local_date(now)
    period = Period(today, today + AUTHORITY_LASTS if role == AUTHORISER else None)
    grant = _trained(role, period, training)
    return _give(tx, tx.actor, organisation, person_id=person_id, grant=grant, now=now)


def _trained(role: str, period: Period, training: Training | None) -> RoleGrant:
    return RoleGrant(
        role,
        period,
        trained_on=training.completed_on if training is not None else None,
        training_ends_on=training.expires_on if training is not None else None,
    )


def _give(
    tx: Transaction, actor: Actor, organisation: Organisation, *, person_id: UUID, grant: RoleGrant, now: datetime
) -> list[Event]:
    """Queue a grant at the present organisation and, where it waits for training, the invitation to it."""
    missing = missing_of(grant, kind=organisation.kind, today=local_date(now))
    people.put_grant(tx, person_id=person_id, grant=grant, now=now)
    watch_access(tx, person_id, by=actor.actor_id, kind=organisation.kind, now=now)
    _note(tx, actor, AccessEvent(
        person_id=person_id, kind=AccessEventKind.ROLE_ASSIGNED, occurred_at=now, role=grant.role
    ))  # fmt: skip
    if missing in _WAITS:
        clear_deadline(tx, kind=INVITE_TO_TRAINING, subject_id=person_id)
        set_deadline(tx, kind=INVITE_TO_TRAINING, subject_id=person_id, due_at=invite_at(now, organisation.region))
    return [
        events.role_changed(person_id=person_id, role=grant.role, works=not missing),
        events.role_assigned(person_id=person_id, role=grant.role, missing=missing),
    ]


def remove_role(deps: Deps, actor: Actor, *, person_id: UUID, role: str, reason: EndReason) -> Access:
    """Take a role at the actor's organisation away. Taking it again is nothing.

    Raises:
        NotFoundError: the organisation does not know the person, or they never had the role.
        PermissionDeniedError: the role is beyond what the actor may take.
        FailedPreconditionError: "last-authoriser": nobody else could give access any more.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        known, organisation = lock_access(tx, person_id, today=today)
        _require_ceiling(tx, actor, role, today=today)
        grant = next((grant for grant in known.grants if grant.role == role), None)
        if grant is None:
            raise NotFoundError("role")
        if grant.ended_at is not None:
            return known
        _keep_an_authoriser(tx, [grant], person_id, organisation, today=today)
        told = _end_grant(tx, actor, AccessEvent(
            person_id=person_id, kind=AccessEventKind.ROLE_REMOVED, occurred_at=now, role=role, reason=reason.value
        ))  # fmt: skip
        others = tuple(other for other in known.grants if other.role != role)
        return command.finish(
            tx,
            replace(known, grants=(*others, replace(grant, ended_at=now))),
            entry=Audit("remove-role", person_id, reason.value),
            events=told,
            now=now,
        )


def end_access(deps: Deps, actor: Actor, *, person_id: UUID, reason: EndReason) -> Ended:
    """End someone's access in one step: every session they have anywhere, and every role at the actor's organisation.

    Raises:
        NotFoundError: the organisation does not know the person.
        PermissionDeniedError: one of their roles is beyond what the actor may take.
        FailedPreconditionError: "last-authoriser".
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.special("person", actor=actor, person_id=person_id) as tx:
        sessions = signins.end_sessions(tx, person_id=person_id, reason=reason.value, now=now)
        with tx.enter_tenant(actor.tenant_id, reason="end-access"):
            known, organisation = lock_access(tx, person_id, today=today)
            held = [grant for grant in known.grants if grant.is_held(today)]
            for grant in held:
                _require_ceiling(tx, actor, grant.role, today=today)
            _keep_an_authoriser(tx, held, person_id, organisation, today=today)
            ended = Ended(len(held), sessions)
            if not held and not sessions:
                return ended
            told: list[Event] = []
            for grant in held:
                told += _end_grant(tx, actor, AccessEvent(
                    person_id=person_id, kind=AccessEventKind.ROLE_REMOVED, occurred_at=now, role=grant.role,
                    reason=reason.value,
                ))  # fmt: skip
            clear_deadline(tx, kind=INVITE_TO_TRAINING, subject_id=person_id)
            clear_deadline(tx, kind=TRAINING_ENDS, subject_id=person_id)
            unwatch_access(tx, person_id)
            _note(tx, actor, AccessEvent(
                person_id=person_id, kind=AccessEventKind.ENDED, occurred_at=now, reason=reason.value
            ))  # fmt: skip
            told.append(
                events.access_ended(person_id=person_id, roles=[grant.role for grant in held], reason=reason.value)
            )
            entry = Audit("end-access", person_id, reason.value)
            return command.finish(tx, ended, entry=entry, events=told, now=now)


def record_training(deps: Deps, actor: Actor, *, person_id: UUID, training: Training) -> int:
    """Write down a completed training; return how many roles it changed, wherever the person has them.

    Each organisation has its own audit and events; the training itself is told in the name of the actor's.

    Raises:
        NotFoundError: there is no such person.
        InvalidArgumentError: as `judge_training`.
    """
    now = deps.clock.now()
    today = local_date(now)
    judge_training(training, courses=COURSES.values(), today=today)
    with deps.database.special("person", actor=actor, person_id=person_id) as tx:
        if people.find_profile(tx, person_id) is None:
            raise NotFoundError("person")
        access.put_training(tx, training, person_id=person_id, recorded_by=actor.person_id, now=now)
        best = best_training(_trainings(tx, person_id), training.course)
        assert best is not None
        changed = 0
        for organisation_id in sorted(people.grants_of_person(tx, person_id)):
            with tx.enter_tenant(organisation_id, reason="record-training"):
                changed += _train(tx, actor, person_id, best, now=now)
        with tx.enter_tenant(actor.tenant_id, reason="record-training"):
            return command.finish(
                tx,
                changed,
                entry=Audit("record-training", person_id, training.course),
                events=[events.training_recorded(person_id=person_id, training=training)],
                now=now,
            )


def invite_to_training(deps: Deps, actor: Actor, person_id: UUID) -> None:
    """Tell someone of the training that a role of theirs still waits for. A deadline's command: safe to repeat."""
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        known, organisation = lock_access(tx, person_id, today=today)
        clear_deadline(tx, kind=INVITE_TO_TRAINING, subject_id=person_id)
        waiting = [
            held.role
            for held in held_roles(known.grants, kind=organisation.kind, today=today)
            if held.missing in _WAITS
        ]
        if not waiting:
            return
        _note(tx, actor, AccessEvent(
            person_id=person_id, kind=AccessEventKind.TRAINING_INVITED, occurred_at=now, role=waiting[0]
        ))  # fmt: skip
        command.finish(
            tx,
            None,
            entry=Audit("invite-to-training", person_id),
            events=[events.training_invited(person_id=person_id, course=ROLES[waiting[0]].course)],
            now=now,
        )


def _trainings(tx: Transaction, person_id: UUID) -> list[Training]:
    """Everything a person completed: what the training system said, and what an operator provisioned with a role."""
    provisioned = [
        Training(ROLES[grant.role].course, grant.trained_on, grant.training_ends_on)
        for grants in people.grants_of_person(tx, person_id).values()
        for grant in grants
        if grant.trained_on is not None and grant.role in ROLES
    ]
    return [*access.list_trainings(tx, person_id), *provisioned]


def _require_ceiling(tx: Transaction, actor: Actor, role: str, *, today: date) -> None:
    judge_ceiling(role, ceiling_here(tx, actor, today=today))


def _keep_an_authoriser(
    tx: Transaction, ending: list[RoleGrant], person_id: UUID, organisation: Organisation, *, today: date
) -> None:
    if any(grant.role == AUTHORISER for grant in ending) and not has_other_authoriser(
        tx, person_id, organisation, today=today
    ):
        raise FailedPreconditionError(
            "last-authoriser", "This is the last delegated authoriser here. Give the role to someone else first."
        )


def _end_grant(tx: Transaction, actor: Actor, item: AccessEvent) -> list[Event]:
    people.end_grant(tx, person_id=item.person_id, role=item.role, reason=item.reason, now=item.occurred_at)
    _note(tx, actor, item)
    return [
        events.role_changed(person_id=item.person_id, role=item.role, works=False),
        events.role_removed(person_id=item.person_id, role=item.role, reason=item.reason),
    ]


def _train(tx: Transaction, actor: Actor, person_id: UUID, best: Training, *, now: datetime) -> int:
    """Let a training count for the roles at the present organisation that need it; how many it changed."""
    today = local_date(now)
    known, organisation = lock_access(tx, person_id, today=today)
    changed = 0
    after: list[RoleGrant] = []
    for grant in known.grants:
        trained = replace(grant, trained_on=best.completed_on, training_ends_on=best.expires_on)
        role = ROLES.get(grant.role)
        if role is None or role.course != best.course or not grant.is_held(today) or trained == grant:
            after.append(grant)
            continue
        changed += 1
        after.append(trained)
        access.train_grant(tx, person_id=person_id, role=grant.role, item=best)
        _note(tx, actor, AccessEvent(
            person_id=person_id, kind=AccessEventKind.TRAINING_RECORDED, occurred_at=now, role=grant.role
        ))  # fmt: skip
        audit.write(tx, Audit("record-training", person_id, grant.role), now=now)
        works = not missing_of(trained, kind=organisation.kind, today=today)
        outbox.append(tx, events.role_changed(person_id=person_id, role=grant.role, works=works), now=now)
    if changed:
        watch_training(tx, person_id, after, kind=organisation.kind, now=now)
    return changed


def _note(tx: Transaction, actor: Actor, item: AccessEvent) -> None:
    access.add_event(tx, replace(item, actor_id=actor.actor_id))
