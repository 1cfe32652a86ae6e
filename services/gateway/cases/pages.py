"""What the pages of cases show, made from what the cases service says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ascms.cases.v1 import cases_pb2
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from google.protobuf.timestamp_pb2 import Timestamp

from kit.clock import local_date
from kit.web.dates import say_date
from kit.web.i18n import current_language
from services.gateway.cases.names import Names
from services.gateway.cases.reference import CLOSE_OUTCOME, CLOSE_REASON, PAUSE_REASON, words_of
from services.gateway.cases.timeline import SLUGS
from services.gateway.people import Attendance, Student, present_attendance, present_student
from services.gateway.wording import ACTION_REASONS, day_of, kind_name, moment_of, today, year_name

STATES = {
    cases_pb2.CASE_STATE_NEW: "new",
    cases_pb2.CASE_STATE_ASSIGNED: "assigned",
    cases_pb2.CASE_STATE_ACTIVE: "active",
    cases_pb2.CASE_STATE_PAUSED: "paused",
    cases_pb2.CASE_STATE_CLOSED: "closed",
}
STATES_BY_FILTER = {name: state for state, name in STATES.items()}
HEALTH = {
    cases_pb2.RECORD_HEALTH_OK: "ok",
    cases_pb2.RECORD_HEALTH_STALE: "stale",
    cases_pb2.RECORD_HEALTH_MISSING: "missing",
}
HEALTH_BY_FILTER = {name: health for health, name in HEALTH.items()}
_PARTS: Mapping[str, tuple[Any, str]] = {
    "support": (_l("Support"), "support"),
    "actions": (_l("Actions"), "action"),
    "referrals": (_l("Referrals"), "referral"),
    "monitoring": (_l("Monitoring"), "progress-review"),
    "time": (_l("Time"), "home-visit"),
}


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line in a list of cases; `manager` is empty while nobody has the case, `health` once it is closed.

    `due`: the first day of its open tasks.
    """

    case_id: str
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
    health: str
    open_tasks: int
    due: date | None


def present_line(case: cases_pb2.CaseSummary, names: Names) -> CaseLine:
    """One line."""
    return CaseLine(
        case_id=case.case_id,
        href=url_for("cases.show", case_id=case.case_id),
        record_href=url_for("cases.record", case_id=case.case_id, kind="home-visit"),
        number=case.number,
        name=case.student_name,
        year=year_name(case.year_level),
        state=STATES.get(case.state, ""),
        school=names.organisation(case.school_id),
        manager=names.person(case.case_manager_id),
        opened=_day(case.opened_at),
        last_contact=day_of(case.last_contact_on),
        minutes=case.minutes,
        health=HEALTH.get(case.health, ""),
        open_tasks=case.open_tasks,
        due=day_of(case.next_due_on),
    )


def _day(timestamp: Timestamp) -> date | None:
    moment = moment_of(timestamp)
    return local_date(moment) if moment else None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something that cannot be done yet: why, in one line, and where the next step is."""

    text: str
    href: str = ""
    link_text: str = ""


@dataclass(frozen=True, slots=True)
class CasePage:
    """A case for its pages. `may` holds the verbs that may be done now; `blocked` says why others cannot yet.

    `reason` is why it stands where it stands: "Paused until Tue 4 March: …". Empty where its state says enough.
    """

    case_id: str
    number: str
    state: str
    reason: str
    student: Student
    attendance: Attendance
    caregivers: Sequence[cases_pb2.Caregiver]
    school: str
    school_id: str
    manager: str
    contact_id: str
    opened: date | None
    opened_by: str
    concern: str
    last_contact: date | None
    minutes: int
    open_tasks: int
    version: int
    may: frozenset[str]
    blocked: Mapping[str, Blocked]


def present_case(case: cases_pb2.Case, names: Names, *, reason: str = "") -> CasePage:
    """A case for its page."""
    actions = case.allowed_actions
    return CasePage(
        case_id=case.case_id,
        number=case.number,
        state=STATES.get(case.state, ""),
        reason=reason,
        student=present_student(case.student, today=today()),
        attendance=present_attendance(case.attendance),
        caregivers=list(case.caregivers),
        school=names.organisation(case.school_id),
        school_id=case.school_id,
        manager=names.person(case.case_manager_id),
        contact_id=case.primary_contact_id,
        opened=_day(case.opened_at),
        opened_by=names.person(case.opened_by),
        concern=case.concern,
        last_contact=day_of(case.last_contact_on),
        minutes=case.minutes,
        open_tasks=case.open_tasks,
        version=case.version,
        may=frozenset(action.action for action in actions if action.allowed),
        blocked={action.action: found for action in actions if (found := _blocked(case, action))},
    )


def _blocked(case: cases_pb2.Case, action: cases_pb2.AllowedAction) -> Blocked | None:
    """One line for what cannot be done yet; None where nothing needs saying."""
    if action.reason == "closing-needs-tasks":
        words = ngettext(
            "Closing needs: %(num)s open task to be completed or cancelled.",
            "Closing needs: %(num)s open tasks to be completed or cancelled.",
            action.count,
        )
        return Blocked(str(words), url_for("cases.show", case_id=case.case_id, _anchor="due"), str(_("Show them")))
    if action.reason == "closing-needs-letters":
        words = ngettext(
            "Closing needs: %(num)s open letter to be finished or withdrawn.",
            "Closing needs: %(num)s open letters to be finished or withdrawn.",
            action.count,
        )
        return Blocked(str(words), url_for("letters.show_list", case_id=case.case_id), str(_("Show them")))
    if (action.action, action.reason) in ACTION_REASONS:
        return Blocked(str(ACTION_REASONS[action.action, action.reason]))
    return None


def state_reason(answer: cases_pb2.GetCaseResponse) -> str:
    """Why a case stands where it stands, in one sentence; empty where its state says enough."""
    case = answer.case
    if case.state == cases_pb2.CASE_STATE_PAUSED and answer.pauses:
        pause = answer.pauses[0]
        day = _say(pause.wakes_on)
        why = words_of(PAUSE_REASON, pause.reason)
        return str(_("Paused until %(day)s: %(why)s. It wakes by itself.", day=day, why=why))
    if case.state == cases_pb2.CASE_STATE_CLOSED and answer.closings:
        closing = answer.closings[0]
        day, why = _say(closing.closed_at), words_of(CLOSE_REASON, closing.reason)
        return str(_("Closed on %(day)s: %(why)s.", day=day, why=why))
    return ""


def _say(when: str | Timestamp) -> str:
    day = date.fromisoformat(when) if isinstance(when, str) else _day(when)
    return say_date(day, today=today(), language=current_language()) if day else ""


@dataclass(frozen=True, slots=True)
class MainActions:
    """What stands at the head of a case: one main action, the next ones, and why the main one is not there yet."""

    main: Mapping[str, str] | None
    others: Sequence[Mapping[str, str]]
    blocked: Sequence[Blocked]


def main_actions(case: CasePage) -> MainActions:
    """The main action is to record a visit; where that cannot be, what has to come before."""
    here = case.case_id
    links = [
        ("record", _("Record visit"), url_for("cases.record", case_id=here, kind="home-visit"), "plus"),
        ("assign", _("Choose a case manager"), url_for("cases.assign", case_id=here), "person"),
        ("reopen", _("Reopen the case"), url_for("cases_work.reopen", case_id=here), "swap"),
        ("resume", _("Wake the case"), url_for("cases_work.resume", case_id=here), "clock"),
        ("note", _("Write a note"), url_for("cases_work.note", case_id=here), "note"),
    ]
    skipped = {"assign"} if case.manager else set()
    possible = [
        {"text": str(text), "href": href, "icon": icon}
        for verb, text, href, icon in links
        if verb in case.may and verb not in skipped
    ]
    main, others = (possible[0], possible[1:]) if possible else (None, [])
    return MainActions(main, others, [case.blocked["record"]] if "record" in case.blocked else [])


@dataclass(frozen=True, slots=True)
class RestLine:
    """A pause. `ended` is None while it lasts; `ended_by` is empty where it ended by itself."""

    reason: str
    started: date
    wakes: date
    conditions: str
    agreed_by: str
    ended: date | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class EndLine:
    """A closing. `reopened_reason` is empty while it stands."""

    reason: str
    outcome: str
    summary: str
    closed: date | None
    closed_by: str
    reopened_reason: str
    reopened_by: str
    reopened: date | None


def present_pauses(pauses: Sequence[cases_pb2.Pause], names: Names) -> list[RestLine]:
    """Every pause, the latest first."""
    return [
        RestLine(
            reason=words_of(PAUSE_REASON, pause.reason),
            started=date.fromisoformat(pause.started_on),
            wakes=date.fromisoformat(pause.wakes_on),
            conditions=pause.conditions,
            agreed_by=pause.agreed_by,
            ended=day_of(pause.ended_on),
            ended_by=names.person(pause.ended_by),
        )
        for pause in pauses
    ]


def present_closings(closings: Sequence[cases_pb2.Closing], names: Names) -> list[EndLine]:
    """Every closing, the latest first."""
    return [
        EndLine(
            reason=words_of(CLOSE_REASON, closing.reason),
            outcome=words_of(CLOSE_OUTCOME, closing.outcome),
            summary=closing.summary,
            closed=_day(closing.closed_at),
            closed_by=names.person(closing.closed_by),
            reopened_reason=closing.reopened_reason,
            reopened_by=names.person(closing.reopened_by),
            reopened=_day(closing.reopened_at),
        )
        for closing in closings
    ]


@dataclass(frozen=True, slots=True)
class DueLine:
    """Something that is due in a case."""

    title: str
    href: str
    due: date
    note: str = ""


def present_due(answer: cases_pb2.GetCaseResponse, names: Names) -> list[DueLine]:
    """Open tasks and the next progress review, the most urgent first."""
    case, lines = answer.case, present_tasks(answer.open_tasks, names)
    reviews = [part for part in case.health if part.part == "monitoring" and part.last_on]
    if reviews and case.state == cases_pb2.CASE_STATE_ACTIVE:
        due = date.fromisoformat(reviews[0].last_on) + timedelta(days=reviews[0].days)
        where = url_for("cases.record", case_id=case.case_id, kind="progress-review")
        lines.append(DueLine(title=kind_name(cases_pb2.EVENT_KIND_PROGRESS_REVIEW), href=where, due=due))
    return sorted(lines, key=lambda line: line.due)


def present_tasks(tasks: Iterable[cases_pb2.Task], names: Names) -> list[DueLine]:
    """Open tasks of a case, in the order they came."""
    return [
        DueLine(
            title=task.title,
            href=url_for("tasks.show", task_id=task.task_id),
            due=date.fromisoformat(task.due_on),
            note=_note(task, names),
        )
        for task in tasks
    ]


def _note(task: cases_pb2.Task, names: Names) -> str:
    urgent = [str(_("urgent"))] if task.priority == cases_pb2.TASK_PRIORITY_HIGH else []
    return ", ".join([names.person(task.owner_id), *urgent])


@dataclass(frozen=True, slots=True)
class RecordPart:
    """One part of the record guide: how it stands, the last day of it, and where to add to it."""

    label: str
    state: str
    last: date | None
    days: int
    slug: str


def present_health(case: cases_pb2.Case) -> list[RecordPart]:
    """How complete the record is, as the service judges it; nothing for a closed case."""
    return [
        RecordPart(
            label=str(_PARTS[part.part][0]),
            state=HEALTH.get(part.health, "ok"),
            last=day_of(part.last_on),
            days=part.days,
            slug=_PARTS[part.part][1],
        )
        for part in case.health
        if part.part in _PARTS
    ]


def other_kinds() -> list[tuple[str, str]]:
    """What can be recorded besides a visit, whose button stands at the head: where and in which words."""
    return [(slug, kind_name(kind)) for kind, slug in SLUGS.items() if slug != "home-visit"]


def everyone_in(answer: cases_pb2.GetCaseResponse) -> set[str]:
    """Everyone besides those of its timeline whose name the case page shows."""
    case = answer.case
    return {
        case.case_manager_id,
        case.opened_by,
        *(task.owner_id for task in answer.open_tasks),
        *(pause.ended_by for pause in answer.pauses),
        *(one for closing in answer.closings for one in (closing.closed_by, closing.reopened_by)),
    }
