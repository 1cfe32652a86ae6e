"""What the authoriser's pages show, made from what identity says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ascms.identity.v1 import access_pb2, invitations_pb2
from flask_babel import gettext as _

from kit.web.dates import DayGroup, group_by_day
from kit.web.i18n import current_language
from services.gateway.organisations.pages import Role, present_role
from services.gateway.staff.wording import HAPPENED, INVITATION_STATES, NOT_NOW, NOT_NOW_TO_SAY, REASONS, next_step
from services.gateway.wording import day_of, moment_of, role_name, today

STATES = {
    access_pb2.ACCESS_STATE_WORKS: "works",
    access_pb2.ACCESS_STATE_WAITS: "waits",
    access_pb2.ACCESS_STATE_NO_ROLE: "no-role",
    access_pb2.ACCESS_STATE_ENDED: "ended",
}
STATES_BY_FILTER = {name: state for state, name in STATES.items()}
INVITATIONS_BY_FILTER = {name: state for state, name in INVITATION_STATES.items()}
_ICONS: Mapping[int, str] = {
    access_pb2.ACCESS_EVENT_KIND_JOINED: "person",
    access_pb2.ACCESS_EVENT_KIND_ROLE_ASSIGNED: "plus",
    access_pb2.ACCESS_EVENT_KIND_ROLE_REMOVED: "minus",
    access_pb2.ACCESS_EVENT_KIND_TRAINING_INVITED: "letter",
    access_pb2.ACCESS_EVENT_KIND_TRAINING_RECORDED: "check",
    access_pb2.ACCESS_EVENT_KIND_ENDED: "lock",
    access_pb2.ACCESS_EVENT_KIND_TRAINING_LAPSED: "clock",
    access_pb2.ACCESS_EVENT_KIND_ATTESTED: "check",
    access_pb2.ACCESS_EVENT_KIND_RESTED: "clock",
    access_pb2.ACCESS_EVENT_KIND_WOKEN: "check",
}


@dataclass(frozen=True, slots=True)
class StaffLine:
    """Someone in the list. `state`: "works", "waits", "no-role" or "ended"."""

    person_id: str
    name: str
    email: str
    state: str
    roles: Sequence[Role]
    attested_on: date | None = None
    attest_by: date | None = None
    is_due: bool = False
    """Whether it is time to say whether they still need their access."""
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class RolePanel:
    """A role on the page of a person: what it lacks, what happens next, its days, whether it can be taken."""

    role: Role
    next_step: str
    starts_on: date | None
    ends_on: date | None
    trained_on: date | None
    training_ends_on: date | None
    may_remove: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that may be said of someone's access: whether it is asked at all, may be said now, and why not."""

    is_asked: bool = False
    is_allowed: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of someone's identity."""

    documents: Sequence[str]
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class StaffPage:
    """The page of a person. `cannot_end` says why their access cannot be ended; empty where it can."""

    line: StaffLine
    roles: Sequence[RolePanel]
    assignable: Sequence[str]
    is_own: bool
    cannot_end: str
    has_access: bool
    attesting: Standing
    waking: Standing
    history: list[DayGroup[dict[str, object]]]
    seen: Seen | None


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation. `state`: "pending", "expired", "withdrawn" or "used"."""

    invitation_id: str
    name: str
    email: str
    language: str
    state: str
    sent: datetime | None
    expires: datetime | None
    ended: datetime | None
    person_id: str

    @property
    def may_change(self) -> bool:
        """Whether it can be sent again, or taken back."""
        return self.state in {"pending", "expired"}


def present_line(person: access_pb2.PersonAccess) -> StaffLine:
    """Someone for the list."""
    attest_by = day_of(person.attest_by)
    return StaffLine(
        person_id=person.person_id,
        name=person.name,
        email=person.email,
        state=STATES.get(person.state, ""),
        roles=[present_role(role.role, works=role.works, missing=role.missing) for role in person.roles],
        attested_on=day_of(person.attested_on),
        attest_by=attest_by,
        is_due=person.attestation_due,
        is_overdue=attest_by is not None and attest_by < today(),
    )


def present_person(answer: access_pb2.GetPersonResponse, *, people: Mapping[str, str]) -> StaffPage:
    """Someone for their page; `people` are names by id."""
    actions = {(action.action, action.role): action for action in answer.actions}
    ending = actions.get(("end-access", ""), access_pb2.AccessAction())
    assigning = [action for action in answer.actions if action.action == "assign-role"]
    return StaffPage(
        line=present_line(answer.person),
        roles=[_panel(role, actions.get(("remove-role", role.role))) for role in answer.person.roles],
        assignable=[action.role for action in assigning if action.allowed],
        is_own=any(action.reason == "own-role" for action in assigning),
        cannot_end="" if ending.allowed else str(NOT_NOW.get(ending.reason, "")),
        has_access=ending.reason != "no-access",
        attesting=_standing(actions.get(("attest", ""))),
        waking=_standing(actions.get(("wake", ""))),
        history=_history(answer.history, people),
        seen=present_seen(answer.identity_seen, people=people) if answer.HasField("identity_seen") else None,
    )


def _standing(action: access_pb2.AccessAction | None) -> Standing:
    if action is None:
        return Standing()
    return Standing(True, action.allowed, "" if action.allowed else str(NOT_NOW_TO_SAY.get(action.reason, "")))


def _panel(role: access_pb2.RoleDetail, removal: access_pb2.AccessAction | None) -> RolePanel:
    reason = removal.reason if removal is not None else ""
    return RolePanel(
        role=present_role(role.role, works=role.works, missing=role.missing),
        next_step=next_step(role),
        starts_on=day_of(role.starts_on),
        ends_on=day_of(role.ends_on),
        trained_on=day_of(role.trained_on),
        training_ends_on=day_of(role.training_ends_on),
        may_remove=removal is not None and removal.allowed,
        why_not=str(NOT_NOW[reason]) if reason == "last-authoriser" else "",
    )


def _history(events: Sequence[access_pb2.AccessEvent], people: Mapping[str, str]) -> list[DayGroup[dict[str, object]]]:
    known = [event for event in events if event.occurred_at.seconds]
    shown = [_happened(event, people) for event in known]
    return group_by_day(shown, moment=lambda entry: entry["moment"])  # type: ignore[arg-type,return-value]  # a datetime


def _happened(event: access_pb2.AccessEvent, people: Mapping[str, str]) -> dict[str, object]:
    facts = [role_name(event.role)] if event.role else []
    return {
        "icon": _ICONS.get(event.kind, "dot"),
        "title": str(HAPPENED.get(event.kind, _("Changed"))),
        "facts": [*facts, *([str(REASONS[event.reason])] if event.reason in REASONS else [])],
        "who": people.get(event.actor_id, _("by the system")),
        "moment": moment_of(event.occurred_at),
    }


def present_seen(seen: access_pb2.IdentitySeen, *, people: Mapping[str, str]) -> Seen:
    """What was seen of someone's identity, in the reader's language."""
    return Seen(
        documents=[document_name(seen.primary), document_name(seen.supporting)],
        by=people.get(seen.seen_by) or str(_("someone who has left")),
        at=moment_of(seen.seen_at),
    )


def document_name(document: invitations_pb2.IdentityDocument) -> str:
    """A kind of document as people call it."""
    return document.label_mi if current_language() == "mi" else document.label


def present_invitation(one: invitations_pb2.Invitation) -> InvitationLine:
    """An invitation for a list or its page."""
    return InvitationLine(
        invitation_id=one.invitation_id,
        name=one.name,
        email=one.email,
        language=one.language,
        state=INVITATION_STATES.get(one.state, ""),
        sent=moment_of(one.sent_at),
        expires=moment_of(one.expires_at),
        ended=moment_of(one.withdrawn_at) or moment_of(one.used_at),
        person_id=one.person_id,
    )


def ids_of(answer: access_pb2.GetPersonResponse) -> set[str]:
    """Everyone whose name the page of a person shows."""
    return {*(event.actor_id for event in answer.history), answer.identity_seen.seen_by} - {""}
