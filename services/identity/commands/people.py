"""People and machine clients, the roles they hold, and the end of either."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from kit import command
from kit.actor import Actor, system_actor
from kit.audit import Audit
from kit.clock import local_date
from kit.db import Transaction
from kit.errors import NotFoundError
from kit.outbox import Event
from services.identity import events
from services.identity.commands.attesting import watch_access
from services.identity.commands.deps import Deps
from services.identity.commands.lapsing import watch_training
from services.identity.domain import Organisation, Profile, RoleGrant, email_key
from services.identity.roles import missing_of
from services.identity.store import machines, people, signins
from services.identity.store import organisations as organisation_store
from services.identity.store.machines import Machine


def put_person(
    deps: Deps, actor: Actor, *, profile: Profile, passphrase: str, grants: Mapping[UUID, Sequence[RoleGrant]]
) -> bool:
    """Make a person what is given: profile, passphrase, and exactly these roles. Return whether anything changed.

    For provisioning by an operator; people themselves are invited. Each organisation has its own audit and events.

    Raises:
        NotFoundError: one of the organisations does not exist.
    """
    now = deps.clock.now()
    with deps.database.special("person", actor=actor, person_id=profile.person_id) as tx:
        changed = _put_profile(deps, tx, profile, passphrase=passphrase)
        before = people.grants_of_person(tx, profile.person_id)
        for organisation_id in sorted({*grants, *before}):
            organisation = organisation_store.find_organisation(tx, organisation_id)
            if organisation is None:
                raise NotFoundError("organisation")
            with tx.enter_tenant(organisation_id, reason="put-person"):
                told = _put_grants(deps, tx, profile, organisation, grants.get(organisation_id, ()))
                if told or changed:
                    entry = Audit("put-person", profile.person_id)
                    command.finish(tx, None, entry=entry, events=told, now=now)
                changed = changed or bool(told)
    return changed


def end_role(deps: Deps, actor: Actor, *, person_id: UUID, role: str, reason: str) -> None:
    """Take a role away at the actor's organisation: the next exchange of the person's token does not carry it.

    `reason` is a code ("left", "mistake"). Ending an ended role does nothing.

    Raises:
        NotFoundError: nobody of the organisation holds it.
    """
    now = deps.clock.now()
    with deps.database.tenant(actor) as tx:
        grant = people.find_grant(tx, person_id=person_id, role=role)
        if grant is None:
            raise NotFoundError("role")
        if grant.ended_at is not None:
            return
        people.end_grant(tx, person_id=person_id, role=role, reason=reason, now=now)
        told = events.role_changed(person_id=person_id, role=role, works=False)
        command.finish(tx, None, entry=Audit("end-role", person_id, reason), events=[told], now=now)


def end_sessions(deps: Deps, *, person_id: UUID, reason: str) -> int:
    """End every session of a person, and so every token they gave. Return how many were open."""
    with deps.database.special("person", person_id=person_id) as tx:
        return signins.end_sessions(tx, person_id=person_id, reason=reason, now=deps.clock.now())


def put_machine(deps: Deps, machine: Machine) -> bool:
    """Make a machine client what is given; return whether anything changed."""
    now = deps.clock.now()
    with deps.database.tenant(system_actor("identity", machine.tenant_id)) as tx:
        if machines.find_machine(tx, machine.id) == machine:
            return False
        machines.put_machine(tx, machine, now=now)
        return command.finish(tx, True, entry=Audit("put-machine", machine.id), events=[], now=now)


def _put_profile(deps: Deps, tx: Transaction, profile: Profile, *, passphrase: str) -> bool:
    now = deps.clock.now()
    known = people.find_profile(tx, profile.person_id)
    is_same = known is not None and replace(profile, last_organisation_id=known.last_organisation_id) == known
    if known is None:
        people.insert_profile(tx, profile, now=now)
    elif not is_same:
        people.update_profile(tx, profile, now=now)
    credential = people.own_credential(tx, profile.person_id)
    if (
        credential is not None
        and credential[0] == email_key(profile.email)
        and deps.passphrases.verify(passphrase, credential[1])
    ):
        return not is_same
    hashed = deps.passphrases.hash(passphrase)
    people.put_credential(tx, person_id=profile.person_id, email=profile.email, passphrase_hash=hashed, now=now)
    return True


def _put_grants(
    deps: Deps, tx: Transaction, profile: Profile, organisation: Organisation, grants: Sequence[RoleGrant]
) -> list[Event]:
    """Bring a person's roles at the present organisation up to date; return what to tell."""
    now = deps.clock.now()
    today = local_date(now)
    people.put_member(tx, profile, now=now)
    known = {grant.role: grant for grant in people.grants_of_members(tx, [profile.person_id])[profile.person_id]}
    told = []
    for grant in grants:
        if known.get(grant.role) != grant:
            people.put_grant(tx, person_id=profile.person_id, grant=grant, now=now)
            works = not missing_of(grant, kind=organisation.kind, today=today)
            told.append(events.role_changed(person_id=profile.person_id, role=grant.role, works=works))
    for role in sorted(set(known) - {grant.role for grant in grants}):
        if known[role].ended_at is None:
            people.end_grant(tx, person_id=profile.person_id, role=role, reason="provisioned", now=now)
            told.append(events.role_changed(person_id=profile.person_id, role=role, works=False))
    if told:
        watch_training(tx, profile.person_id, grants, kind=organisation.kind, now=now)
        watch_access(tx, profile.person_id, by=None, kind=organisation.kind, now=now)
    return told
