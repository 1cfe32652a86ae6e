"""What the pages of organisations and people show, and how other pages name them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ascms.identity.v1 import identity_pb2, register_pb2
from flask_babel import gettext as _
from wtforms import RadioField, SelectChoice

from services.gateway.backends import organisations_of
from services.gateway.security import Caller, caller
from services.gateway.wording import MISSING, MISSING_NEXT, ORGANISATION_KINDS, ROLE_MEANINGS, role_name

_WITH_CASES = {"case_manager", "workflow_lead"}
KINDS_BY_FILTER = {
    "providers": identity_pb2.ORGANISATION_KIND_PROVIDER,
    "schools": identity_pb2.ORGANISATION_KIND_SCHOOL,
    "ministry": identity_pb2.ORGANISATION_KIND_MINISTRY,
}
STATES_BY_FILTER = {"suspended": register_pb2.ORGANISATION_STATE_SUSPENDED}


@dataclass(frozen=True, slots=True)
class Role:
    """A role someone holds. While it does not work, `missing` and `next_step` say why and what happens."""

    code: str
    name: str
    meaning: str
    works: bool
    missing: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A colleague in a list."""

    person_id: str
    name: str
    roles: Sequence[Role]

    @property
    def works(self) -> bool:
        """Whether every role works."""
        return all(role.works for role in self.roles)

    @property
    def may_have_cases(self) -> bool:
        """Whether cases may be theirs."""
        return any(role.code in _WITH_CASES for role in self.roles)


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    """An organisation in a list."""

    organisation_id: str
    name: str
    kind: str
    school_number: str
    is_suspended: bool


def present_role(code: str, *, works: bool, missing: str) -> Role:
    """One role with what is missing."""
    return Role(
        code=code,
        name=role_name(code),
        meaning=str(ROLE_MEANINGS.get(code, "")),
        works=works,
        missing="" if works else str(MISSING.get(missing, missing)),
        next_step="" if works else str(MISSING_NEXT.get(missing, "")),
    )


def present_own_roles(who: Caller) -> list[Role]:
    """The roles of the person who is asking, at the organisation they work for now."""
    return [present_role(role.code, works=role.works, missing=role.missing) for role in who.roles]


def present_people(people: Iterable[identity_pb2.Person]) -> list[PersonLine]:
    """Colleagues by name; those for whom something is missing first."""
    lines = [
        PersonLine(
            person.person_id,
            person.name,
            tuple(present_role(grant.role, works=grant.works, missing=grant.missing) for grant in person.roles),
        )
        for person in people
    ]
    return sorted(lines, key=lambda line: line.works)


def present_organisations(organisations: Iterable[identity_pb2.Organisation]) -> list[OrganisationLine]:
    """Organisations in the order they came."""
    return [
        OrganisationLine(
            one.organisation_id,
            one.name,
            str(ORGANISATION_KINDS.get(one.kind, "")),
            one.school_number,
            one.suspended,
        )
        for one in organisations
    ]


def organisation_names(ids: Iterable[str]) -> Mapping[str, str]:
    """Names of organisations by id; what is not known is left out."""
    return {one: organisation.name for one, organisation in organisations_of(set(ids) - {""}).items()}


def choose_person(field: RadioField, people: Iterable[identity_pb2.Person], *, current: str = "") -> None:
    """Make people the choices of a field; the caller stands first and is marked."""
    me = str(caller().person_id)
    ordered = sorted(people, key=lambda person: person.person_id != me)
    field.choices = [
        SelectChoice(person.person_id, _person_words(person, me=me, current=current)) for person in ordered
    ]


def _person_words(person: identity_pb2.Person, *, me: str, current: str) -> str:
    if person.person_id == current:
        return str(_("%(name)s (has it now)", name=person.name))
    return str(_("%(name)s (you)", name=person.name)) if person.person_id == me else person.name
