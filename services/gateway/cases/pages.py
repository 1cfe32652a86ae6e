"""What the pages of cases show, made from what the cases service says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ascms.cases.v1 import cases_pb2
from flask import url_for
from flask_babel import gettext as _
from google.protobuf.timestamp_pb2 import Timestamp

from kit.clock import local_date
from kit.web.dates import DayGroup, say_minutes
from kit.web.i18n import current_language
from services.gateway.people import Attendance, Student, present_attendance, present_student
from services.gateway.wording import ACTION_REASONS, day_of, kind_name, moment_of, outcome_name, year_name

STATES = {
    cases_pb2.CASE_STATE_NEW: "new",
    cases_pb2.CASE_STATE_ASSIGNED: "assigned",
    cases_pb2.CASE_STATE_ACTIVE: "active",
}
STATES_BY_FILTER = {name: state for state, name in STATES.items()}
SLUGS = {
    kind: cases_pb2.EventKind.Name(kind).removeprefix("EVENT_KIND_").lower().replace("_", "-")
    for kind in cases_pb2.EventKind.values()
    # A note and a letter are not recorded as events.
    if kind not in (cases_pb2.EVENT_KIND_UNSPECIFIED, cases_pb2.EVENT_KIND_NOTE, cases_pb2.EVENT_KIND_LETTER)
}
KINDS_BY_SLUG = {slug: kind for kind, slug in SLUGS.items()}
ICONS = {
    cases_pb2.EVENT_KIND_HOME_VISIT: "home",
    cases_pb2.EVENT_KIND_CONTACT_ATTEMPT: "phone",
    cases_pb2.EVENT_KIND_HUI: "people",
    cases_pb2.EVENT_KIND_SCHOOL_MEETING: "building",
    cases_pb2.EVENT_KIND_SUPPORT: "plus",
    cases_pb2.EVENT_KIND_ACTION: "check",
    cases_pb2.EVENT_KIND_REFERRAL: "share",
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW: "note",
    cases_pb2.EVENT_KIND_LETTER: "share",
}
_RECORD_PARTS = (
    cases_pb2.EVENT_KIND_SUPPORT,
    cases_pb2.EVENT_KIND_ACTION,
    cases_pb2.EVENT_KIND_REFERRAL,
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW,
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line in a list of cases; `manager` is empty while nobody has the case."""

    href: str
    record_href: str
    number: str
    name: str
    year: str
    state: str
    school: str
    manager: str
    opened: date | None
    last_contact: date | None
    minutes: int


def present_line(
    case: cases_pb2.CaseSummary, *, people: Mapping[str, str], organisations: Mapping[str, str]
) -> CaseLine:
    """One line."""
    return CaseLine(
        href=url_for("cases.show", case_id=case.case_id),
        record_href=url_for("cases.record", case_id=case.case_id, kind="home-visit"),
        number=case.number,
        name=case.student_name,
        year=year_name(case.year_level),
        state=STATES.get(case.state, ""),
        school=organisations.get(case.school_id, ""),
        manager=name_or_gone(people, case.case_manager_id),
        opened=_day(case.opened_at),
        last_contact=day_of(case.last_contact_on),
        minutes=case.minutes,
    )


def _day(timestamp: Timestamp) -> date | None:
    moment = moment_of(timestamp)
    return local_date(moment) if moment else None


def name_or_gone(people: Mapping[str, str], person_id: str) -> str:
    """A colleague's name; words for someone whom the organisation does not know any more; "" for nobody."""
    if not person_id:
        return ""
    return people.get(person_id) or str(_("someone who has left"))


@dataclass(frozen=True, slots=True)
class CasePage:
    """The case page. `blocked` are reasons why something cannot be done yet; `groups` the timeline by day."""

    case_id: str
    number: str
    state: str
    student: Student
    attendance: Attendance
    caregivers: Sequence[cases_pb2.Caregiver]
    school: str
    manager: str
    opened: date | None
    opened_by: str
    concern: str
    last_contact: date | None
    minutes: int
    version: int
    may_record: bool
    may_assign: bool
    blocked: Sequence[str]


def present_case(
    case: cases_pb2.Case, *, people: Mapping[str, str], organisations: Mapping[str, str], today: date
) -> CasePage:
    """A case for its page."""
    actions = {action.action: action for action in case.allowed_actions}
    return CasePage(
        case_id=case.case_id,
        number=case.number,
        state=STATES.get(case.state, ""),
        student=present_student(case.student, today=today),
        attendance=present_attendance(case.attendance),
        caregivers=list(case.caregivers),
        school=organisations.get(case.school_id, ""),
        manager=name_or_gone(people, case.case_manager_id),
        opened=_day(case.opened_at),
        opened_by=name_or_gone(people, case.opened_by),
        concern=case.concern,
        last_contact=day_of(case.last_contact_on),
        minutes=case.minutes,
        version=case.version,
        may_record=_is_allowed(actions, "record"),
        may_assign=_is_allowed(actions, "assign"),
        blocked=[
            str(ACTION_REASONS[action.reason]) for action in case.allowed_actions if action.reason in ACTION_REASONS
        ],
    )


def _is_allowed(actions: Mapping[str, cases_pb2.AllowedAction], action: str) -> bool:
    return action in actions and actions[action].allowed


def present_timeline(
    entries: Sequence[cases_pb2.TimelineEntry], *, people: Mapping[str, str], just_recorded: str = ""
) -> list[DayGroup[dict[str, object]]]:
    """Entries, newest first, grouped by the day on which each happened."""
    return [
        DayGroup(
            day=date.fromisoformat(day), entries=tuple(_present_entry(entry, people, just_recorded) for entry in group)
        )
        for day, group in groupby(entries, key=lambda entry: entry.happened_on)
    ]


def entry_facts(entry: cases_pb2.TimelineEntry) -> list[str]:
    """What came of it and how long it took, as far as either was said."""
    minutes = say_minutes(entry.minutes, language=current_language()) if entry.minutes else ""
    return [fact for fact in (outcome_name(entry.outcome), minutes) if fact]


def _present_entry(entry: cases_pb2.TimelineEntry, people: Mapping[str, str], just_recorded: str) -> dict[str, object]:
    recorded = moment_of(entry.recorded_at)
    is_same_day = recorded is not None and local_date(recorded).isoformat() == entry.happened_on
    return {
        "icon": ICONS.get(entry.kind, "dot"),
        "title": kind_name(entry.kind),
        "facts": entry_facts(entry),
        "text": entry.note,
        "who": name_or_gone(people, entry.recorded_by),
        "moment": recorded if is_same_day else None,
        "recorded_later": None if is_same_day else recorded,
        "is_shared": entry.visibility == cases_pb2.VISIBILITY_SCHOOL,
        "is_new": entry.entry_id == just_recorded,
    }


def present_recorded(entries: Sequence[cases_pb2.TimelineEntry], entry_id: str) -> dict[str, object] | None:
    """The entry that was just saved, for the line that confirms it."""
    found = next((entry for entry in entries if entry.entry_id == entry_id), None)
    return {"title": kind_name(found.kind), "facts": entry_facts(found)} if found else None


def other_kinds() -> list[tuple[str, str]]:
    """What can be recorded besides visits and the parts of the record: where and in which words."""
    return [
        (slug, kind_name(kind))
        for kind, slug in SLUGS.items()
        if kind not in {cases_pb2.EVENT_KIND_HOME_VISIT, *_RECORD_PARTS}
    ]


@dataclass(frozen=True, slots=True)
class RecordPart:
    """One part of the record: what it is, the last day it was added to, and where to add to it."""

    label: str
    last: date | None
    slug: str


def present_record(entries: Sequence[cases_pb2.TimelineEntry]) -> list[RecordPart]:
    """Which parts of the record the entries fill."""
    return [
        RecordPart(
            label=kind_name(kind),
            last=max((date.fromisoformat(entry.happened_on) for entry in entries if entry.kind == kind), default=None),
            slug=SLUGS[kind],
        )
        for kind in _RECORD_PARTS
    ]


def ids_of(case: cases_pb2.Case, entries: Sequence[cases_pb2.TimelineEntry]) -> set[str]:
    """Everyone whose name the case page shows."""
    ids = {case.case_manager_id, case.opened_by, *(entry.recorded_by for entry in entries)}
    return ids - {""}
