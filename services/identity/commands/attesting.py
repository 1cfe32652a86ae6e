"""Access is attested once a year, and rests when nobody uses it. Neither ends it: people decide that."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter

from kit import command
from kit.actor import Actor, ActorKind
from kit.audit import Audit
from kit.clock import local_date
from kit.db import Transaction
from kit.outbox import Event
from kit.sweeps import clear_deadline, keep_deadline
from services.identity import events
from services.identity.commands.deps import Deps
from services.identity.commands.members import Access, ceiling_here, has_other_authoriser, lock_access
from services.identity.domain import OrganisationKind, RoleGrant
from services.identity.domain.access import AUTHORISER, AccessEvent, AccessEventKind, require_others
from services.identity.roles import ATTESTED_KINDS, missing_of
from services.identity.store import access
from services.identity.store import attesting as store

ATTEST_ACCESS = "attest-access"
"""Deadline: when it is said that a person's access is to be attested. Its subject is the person."""
REST_ACCESS = "rest-access"
"""Deadline: when to look whether a person has used their access. Its subject is the person."""
_LOOK_AGAIN = timedelta(days=7)

_OVERDUE = Counter("ascms_attestations_overdue", "Times that access was found to be attested later than it should")
_RESTED = Counter("ascms_access_rested", "People whose access rests, since they did not sign in for long")


def watch_access(tx: Transaction, person_id: UUID, *, by: UUID | None, kind: OrganisationKind, now: datetime) -> None:
    """Queue that someone's access here is needed, as who gives a role says, and both deadlines."""
    today = local_date(now)
    rules = store.find_rules(tx, today=today)
    store.attest(tx, person_id, by=by, today=today)
    _await(tx, REST_ACCESS, person_id, due_at=rules.rests_at(now))
    if kind in ATTESTED_KINDS:
        _await(tx, ATTEST_ACCESS, person_id, due_at=rules.next_notice_at(today, now))


def unwatch_access(tx: Transaction, person_id: UUID) -> None:
    """Queue the end of both deadlines."""
    for kind in (ATTEST_ACCESS, REST_ACCESS):
        clear_deadline(tx, kind=kind, subject_id=person_id)


def note_attestation_due(deps: Deps, actor: Actor, person_id: UUID) -> None:
    """Tell that access is to be attested, or is overdue. A deadline's command: it looks at the days again."""
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        known, organisation = lock_access(tx, person_id, today=today)
        if organisation.kind not in ATTESTED_KINDS or not _held(known):
            clear_deadline(tx, kind=ATTEST_ACCESS, subject_id=person_id)
            return
        rules = store.find_rules(tx, today=today)
        attested_on = store.attested_on(tx, [person_id])[person_id]
        _await(tx, ATTEST_ACCESS, person_id, due_at=rules.next_notice_at(attested_on, now))
        if not rules.is_due(attested_on, today):
            return
        due_on = rules.attest_by(attested_on)
        told = events.attestation_due(person_id=person_id, due_on=due_on, is_overdue=today > due_on)
        if today > due_on:
            tx.after_commit(_OVERDUE.inc)
        command.finish(tx, None, entry=Audit("note-attestation-due", person_id), events=[told], now=now)


def attest_access(deps: Deps, actor: Actor, *, person_id: UUID) -> Access:
    """Say that someone still needs their access to the actor's organisation.

    Raises:
        NotFoundError: the organisation does not know the person.
        FailedPreconditionError: "own-role", "no-access".
        PermissionDeniedError: one of their roles is beyond what the actor may give.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        known, organisation = lock_access(tx, person_id, today=today)
        roles = [grant.role for grant in _held(known)]
        ceiling = ceiling_here(tx, actor, today=today)
        require_others(roles, ceiling=ceiling, is_own=person_id == actor.actor_id)
        rules = store.find_rules(tx, today=today)
        store.attest(tx, person_id, by=actor.actor_id, today=today)
        if organisation.kind in ATTESTED_KINDS:
            _await(tx, ATTEST_ACCESS, person_id, due_at=rules.next_notice_at(today, now))
        _note(tx, actor, person_id, AccessEventKind.ATTESTED, now=now)
        told = events.access_attested(person_id=person_id, due_on=rules.attest_by(today))
        return command.finish(tx, known, entry=Audit("attest-access", person_id), events=[told], now=now)


def rest_access(deps: Deps, actor: Actor, person_id: UUID) -> None:
    """Let the roles of someone rest who did not sign in for long. A deadline's command: it looks when they last did.

    The last authoriser's role does not rest: nobody could wake it. It is looked at again a week later.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.special("person", actor=actor, person_id=person_id) as tx:
        used = store.last_used(tx, person_id)
        with tx.enter_tenant(actor.tenant_id, reason="rest-access"):
            known, organisation = lock_access(tx, person_id, today=today)
            awake = [grant for grant in _held(known) if grant.rested_at is None]
            given = store.last_given(tx, person_id)
            active = max(moment for moment in (used, given, datetime.min.replace(tzinfo=now.tzinfo)) if moment)
            rules = store.find_rules(tx, today=today)
            clear_deadline(tx, kind=REST_ACCESS, subject_id=person_id)
            if not awake:
                return
            if now < rules.rests_at(active):
                keep_deadline(tx, kind=REST_ACCESS, subject_id=person_id, due_at=rules.rests_at(active))
                return
            if any(grant.role == AUTHORISER for grant in awake) and not has_other_authoriser(
                tx, person_id, organisation, today=today
            ):
                keep_deadline(tx, kind=REST_ACCESS, subject_id=person_id, due_at=now + _LOOK_AGAIN)
                return
            roles = [grant.role for grant in awake]
            store.rest(tx, person_id, roles=roles, since=now)
            _note(tx, actor, person_id, AccessEventKind.RESTED, now=now)
            last_active_on = local_date(used) if used is not None else None
            told = [
                *(events.role_changed(person_id=person_id, role=role, works=False) for role in roles),
                events.access_rested(person_id=person_id, roles=roles, last_active_on=last_active_on),
            ]
            tx.after_commit(_RESTED.inc)
            command.finish(tx, None, entry=Audit("rest-access", person_id), events=told, now=now)


def wake_access(deps: Deps, actor: Actor, *, person_id: UUID) -> Access:
    """Wake the roles of someone that rest at the actor's organisation; nothing where none does.

    The system may, for an operator: where nobody gives access to others, nobody else could.

    Raises:
        NotFoundError, FailedPreconditionError, PermissionDeniedError: as `attest_access`.
    """
    now = deps.clock.now()
    today = local_date(now)
    with deps.database.tenant(actor) as tx:
        known, organisation = lock_access(tx, person_id, today=today)
        roles = [grant.role for grant in _held(known)]
        if actor.kind is not ActorKind.SERVICE:
            require_others(roles, ceiling=ceiling_here(tx, actor, today=today), is_own=person_id == actor.actor_id)
        resting = [grant for grant in _held(known) if grant.rested_at is not None]
        if not resting:
            return known
        woken = tuple(replace(grant, rested_at=None) for grant in known.grants)
        store.rest(tx, person_id, roles=[grant.role for grant in resting], since=None)
        rules = store.find_rules(tx, today=today)
        _await(tx, REST_ACCESS, person_id, due_at=rules.rests_at(now))
        _note(tx, actor, person_id, AccessEventKind.WOKEN, now=now)
        told = [
            *(_changed(grant, person_id, organisation.kind, now) for grant in woken if grant.is_held(today)),
            events.access_woken(person_id=person_id, roles=[grant.role for grant in resting]),
        ]
        return command.finish(
            tx, replace(known, grants=woken), entry=Audit("wake-access", person_id), events=told, now=now
        )


def _changed(grant: RoleGrant, person_id: UUID, kind: OrganisationKind, now: datetime) -> Event:
    works = not missing_of(grant, kind=kind, today=local_date(now))
    return events.role_changed(person_id=person_id, role=grant.role, works=works)


def _held(known: Access) -> list[RoleGrant]:
    return [grant for grant in known.grants if grant.is_held(known.today)]


def _await(tx: Transaction, kind: str, person_id: UUID, *, due_at: datetime) -> None:
    clear_deadline(tx, kind=kind, subject_id=person_id)
    keep_deadline(tx, kind=kind, subject_id=person_id, due_at=due_at)


def _note(tx: Transaction, actor: Actor, person_id: UUID, kind: AccessEventKind, *, now: datetime) -> None:
    access.add_event(tx, AccessEvent(person_id=person_id, kind=kind, occurred_at=now, actor_id=actor.actor_id))
