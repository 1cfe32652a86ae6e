"""Each indicator, defined once: list, dashboard, download and return all read what this makes.

Facts add to *counters*, each with the day that decides its quarter. An *indicator* is a number that is reported: how it
is measured from a counter. A rule that changes gets a new version, and its figures stand
beside the old ones until they are counted anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from services.reporting.domain.figures import CaseFact, Contribution, EntryFact, Quarter

HOME_VISIT, CONTACT_ATTEMPT, HUI, SCHOOL_MEETING, REFERRAL = (
    "home-visit",
    "contact-attempt",
    "hui",
    "school-meeting",
    "referral",
)
REACHED = "reached"
CONTACTS = frozenset({HOME_VISIT, CONTACT_ATTEMPT, HUI})
"""Kinds of entries in which a student or their whānau can be reached."""


class Measure(StrEnum):
    """How an indicator is measured from its counter."""

    IN_QUARTER = "in-quarter"  # what was added in the quarter
    AT_START = "at-start"  # the balance of everything before the quarter
    AT_END = "at-end"  # that, and the quarter
    MEDIAN = "median"  # of the values added in the quarter; of an even number the lower of the two in the middle
    WITHIN = "within"  # per cent of the values added in the quarter that are at most the target, rounded down
    RATE = "rate"  # per cent of what another counter added in the quarter, rounded down


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number that is reported. `of`: the counter that a rate is a share of; `target`: days, of a share in time.

    `counts_requests`: behind it stand requests for support, which are no cases (yet).

    `is_national`: whether the ministry sees it. Not every number may go out: "open at end" would, with what opened and
    closed and the quarter before, give hidden numbers away, whatever `confidentiality` hides in each table.
    """

    code: str
    unit: str
    section: str
    counter: str
    measure: Measure = Measure.IN_QUARTER
    rule_version: int = 1
    dimensions: tuple[str, ...] = ()
    of: str = ""
    target: int = 0
    counts_requests: bool = False
    is_national: bool = False


SECTIONS = ("cases", "days", "contact", "work")
_STUDENT = ("route", "school", "year-level", "age", "gender", "ethnicity")
MANY = frozenset({"ethnicity"})
"""Dimensions by which one fact may stand in several parts: its label is a list with commas."""
_DAYS_TO_ASSIGN, _DAYS_TO_CONTACT = 5, 10

INDICATORS: Mapping[str, Indicator] = MappingProxyType(
    {
        indicator.code: indicator
        for indicator in (
            Indicator(
                "requests-returned",
                "requests",
                "cases",
                "requests-returned",
                dimensions=("school",),
                counts_requests=True,
            ),
            Indicator(
                "requests-declined",
                "requests",
                "cases",
                "requests-declined",
                dimensions=("route", "reason"),
                counts_requests=True,
            ),
            Indicator("cases-open-at-start", "cases", "cases", "open", Measure.AT_START),
            Indicator("cases-opened", "cases", "cases", "cases-opened", dimensions=_STUDENT, is_national=True),
            Indicator("cases-reopened", "cases", "cases", "cases-reopened"),
            Indicator(
                "cases-closed", "cases", "cases", "cases-closed", dimensions=("reason", "outcome"), is_national=True
            ),
            Indicator("cases-open", "cases", "cases", "open", Measure.AT_END, dimensions=_STUDENT),
            Indicator("caseload", "cases", "cases", "held", Measure.AT_END, dimensions=("case-manager",)),
            Indicator("cases-paused", "cases", "cases", "paused", Measure.AT_END),
            Indicator("pauses", "pauses", "cases", "pauses", dimensions=("reason",)),
            Indicator("days-to-assign", "days", "days", "days-to-assign", Measure.MEDIAN),
            Indicator("assigned-in-time", "per-cent", "days", "days-to-assign", Measure.WITHIN, target=_DAYS_TO_ASSIGN),
            Indicator("days-to-contact", "days", "days", "days-to-contact", Measure.MEDIAN),
            Indicator(
                "contact-in-time", "per-cent", "days", "days-to-contact", Measure.WITHIN, target=_DAYS_TO_CONTACT
            ),
            Indicator(
                "contact-attempts", "attempts", "contact", "contact-attempts", dimensions=("outcome",), is_national=True
            ),
            Indicator("contact-rate", "per-cent", "contact", "contacts-reached", Measure.RATE, of="contact-attempts"),
            Indicator("home-visits", "visits", "contact", "home-visits", dimensions=("outcome",), is_national=True),
            Indicator("hui", "hui", "contact", "hui"),
            Indicator("school-meetings", "meetings", "contact", "school-meetings"),
            Indicator("letters-sent", "letters", "work", "letters-sent", dimensions=("family", "stage")),
            Indicator("referrals", "referrals", "work", "referrals", is_national=True),
            Indicator("minutes", "minutes", "work", "minutes", dimensions=("kind",), is_national=True),
            Indicator("tasks-overdue", "tasks", "work", "overdue", Measure.AT_END),
        )
    }
)

VERSIONS: Mapping[str, int] = MappingProxyType({each.counter: each.rule_version for each in INDICATORS.values()})
"""The present version of each counter's rule."""

PARTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {each.counter: each.dimensions for each in INDICATORS.values() if each.dimensions}
)
"""By what each counter is parted; no two indicators part the same one."""
BALANCES = frozenset(each.counter for each in INDICATORS.values() if each.measure in {Measure.AT_START, Measure.AT_END})
"""Counters of which everything before a quarter counts, too."""
SPREAD = frozenset(each.counter for each in INDICATORS.values() if each.measure in {Measure.MEDIAN, Measure.WITHIN})
"""Counters of which each value that a fact added counts, and not their sum."""

_COUNTED_KINDS = MappingProxyType(
    {
        CONTACT_ATTEMPT: "contact-attempts",
        HOME_VISIT: "home-visits",
        HUI: "hui",
        SCHOOL_MEETING: "school-meetings",
        REFERRAL: "referrals",
    }
)


def of_opening(case: CaseFact) -> list[Contribution]:
    """A case, in the quarter of the day it was opened, and open from then on."""
    assert case.opened_on is not None
    return [_one("cases-opened", case.opened_on, labels=case.labels), _one("open", case.opened_on, labels=case.labels)]


def of_assignment(case: CaseFact) -> list[Contribution]:
    """The days from request to first assignment, in the quarter of that; nothing while either is unknown."""
    return _days(case, "days-to-assign", case.requested_on, case.assigned_on)


def of_holding(case: CaseFact, *, on: date, before: UUID | None, now: UUID | None) -> list[Contribution]:
    """A case that passes from one case manager to another, or from and to nobody."""
    found = []
    if before is not None:
        found.append(_one("held", on, -1, labels={**case.labels, "case-manager": str(before)}))
    if now is not None:
        found.append(_one("held", on, labels={**case.labels, "case-manager": str(now)}))
    return found


def of_first_contact(case: CaseFact) -> list[Contribution]:
    """The days from first assignment to first contact, in the quarter of that; nothing while either is unknown."""
    return _days(case, "days-to-contact", case.assigned_on, case.first_contact_on)


def of_closing(case: CaseFact, *, closed_on: date, reason: str, outcome: str) -> list[Contribution]:
    """A closed case, in the quarter of the day it was closed, and not open from then on."""
    said = {**case.labels, "reason": reason, "outcome": outcome}
    return [_one("cases-closed", closed_on, labels=said), _one("open", closed_on, -1, labels=case.labels)]


def of_reopening(case: CaseFact, *, reopened_on: date) -> list[Contribution]:
    """A case that was taken up again, and is open from then on."""
    return [_one("cases-reopened", reopened_on, labels=case.labels), _one("open", reopened_on, labels=case.labels)]


def of_pause(case: CaseFact, *, paused_on: date, reason: str) -> list[Contribution]:
    """A pause, in the quarter of its first day; its case is paused from then on."""
    said = {**case.labels, "reason": reason}
    return [_one("pauses", paused_on, labels=said), _one("paused", paused_on, labels=case.labels)]


def of_waking(case: CaseFact, *, on: date) -> list[Contribution]:
    """A case that is not paused any more: it went on, or was closed."""
    return [_one("paused", on, -1, labels=case.labels)]


def of_overdue_task(case: CaseFact, *, due_on: date) -> list[Contribution]:
    """A task that was open when its day had passed, from the day after."""
    return [_one("overdue", due_on + timedelta(days=1), labels=case.labels)]


def of_late_task(case: CaseFact, *, ended_on: date) -> list[Contribution]:
    """An overdue task that was done, or is not needed any more."""
    return [_one("overdue", ended_on, -1, labels=case.labels)]


def of_returned_request(*, on: date, school_id: str) -> list[Contribution]:
    """A request that was sent back with a question, each time."""
    return [_one("requests-returned", on, labels={"school": school_id} if school_id else {})]


def of_declined_request(*, on: date, route: str, school_id: str, reason: str) -> list[Contribution]:
    """A request that was declined."""
    said = {"route": route, "school": school_id, "reason": reason}
    return [_one("requests-declined", on, labels={name: value for name, value in said.items() if value})]


def of_letter(case: CaseFact, *, sent_on: date, family: str, stage: int) -> list[Contribution]:
    """A letter that went out, in the quarter of that day."""
    return [_one("letters-sent", sent_on, labels={**case.labels, "family": family, "stage": str(stage)})]


def of_entry(case: CaseFact, entry: EntryFact) -> list[Contribution]:
    """What happened, in the quarter of its day, by its kind; and its minutes, whatever its kind."""
    labels = {**case.labels, "kind": entry.kind, "outcome": entry.outcome or "unspecified"}
    found = []
    if entry.kind in _COUNTED_KINDS:
        found.append(_one(_COUNTED_KINDS[entry.kind], entry.happened_on, labels=labels))
    if entry.kind == CONTACT_ATTEMPT and entry.outcome == REACHED:
        found.append(_one("contacts-reached", entry.happened_on, labels=labels))
    if entry.minutes > 0:
        found.append(
            Contribution("minutes", _version("minutes"), Quarter.of(entry.happened_on), entry.minutes, 1, labels)
        )
    return found


def is_contact(entry: EntryFact) -> bool:
    """Whether someone was reached."""
    return entry.kind in CONTACTS and entry.outcome == REACHED


def _days(case: CaseFact, counter: str, first: date | None, last: date | None) -> list[Contribution]:
    if first is None or last is None or last < first:
        return []
    return [Contribution(counter, _version(counter), Quarter.of(last), (last - first).days, 1, case.labels)]


def _one(counter: str, day: date, sign: int = 1, *, labels: Mapping[str, str]) -> Contribution:
    return Contribution(counter, _version(counter), Quarter.of(day), sign, sign, labels)


def _version(counter: str) -> int:
    return VERSIONS.get(counter, 1)
