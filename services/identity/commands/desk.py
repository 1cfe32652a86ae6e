"""What the service desk sees of someone who cannot get in."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.actor import Actor
from kit.audit import Audit
from kit.clock import local_date
from kit.command import finish
from services.identity.commands.deps import Deps
from services.identity.commands.members import Access
from services.identity.domain import Organisation, Profile, RoleGrant
from services.identity.store import organisations, people
from services.identity.store.people import Member


@dataclass(frozen=True, slots=True)
class FoundAccess:
    """Whose an address is, if anybody's, and how they stand at each organisation where they hold or held a role."""

    profile: Profile | None
    places: tuple[tuple[Organisation, Access], ...] = ()


def find_access(deps: Deps, actor: Actor, *, email: str, call_number: str) -> FoundAccess:
    """Look up what keeps someone out; who looked, at whom and for which call is written down, also if it is nobody."""
    now = deps.clock.now()
    with deps.database.special("signin") as tx:
        found = people.find_credential(tx, email)
    looked_at = _look(deps, found[0]) if found is not None else FoundAccess(None)
    subject = looked_at.profile.person_id if looked_at.profile is not None else actor.person_id
    with deps.database.tenant(actor) as tx:
        return finish(tx, looked_at, entry=Audit("find-access", subject, reason=call_number), events=[], now=now)


def _look(deps: Deps, person_id: UUID) -> FoundAccess:
    today = local_date(deps.clock.now())
    with deps.database.special("person", person_id=person_id) as tx:
        profile = people.find_profile(tx, person_id)
        assert profile is not None, "an address always belongs to a profile"
        grants = people.grants_of_person(tx, person_id)
        known = organisations.get_organisations(tx, list(grants))
    member = Member(person_id, profile.name, profile.email, profile.language)
    return FoundAccess(profile, tuple(_place(item, member, grants[item.id], today) for item in known))


def _place(
    organisation: Organisation, member: Member, grants: list[RoleGrant], today: date
) -> tuple[Organisation, Access]:
    return organisation, Access(member, organisation.kind, tuple(grants), today)
