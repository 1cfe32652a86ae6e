"""The rules of requests and cases."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.calendar import WorkingDays
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, StaleVersionError
from services.cases import domain
from services.cases.domain.cases import Action, CaseState
from services.cases.domain.entries import EventKind, Outcome
from services.cases.domain.requests import OpenRequests, RequestState
from services.cases.domain.students import Attendance, Band
from tests.unit.cases.people import (
    COLLEAGUE,
    COLLEAGUE_ID,
    LEAD,
    LEAD_ID,
    MANAGER,
    MANAGER_ID,
    NOW,
    OTHER_PROVIDER,
    PROVIDER,
    REFERENCE,
    TODAY,
    case,
    draft,
    entry,
    occasion,
    request,
    student,
)

ASSIGNED = case(case_manager_id=MANAGER_ID, assigned_at=NOW)


@pytest.mark.parametrize(
    ("present", "total", "band"),
    [
        (91, 100, Band.REGULAR),
        (90, 100, Band.IRREGULAR),
        (81, 100, Band.IRREGULAR),
        (80, 100, Band.MODERATE),
        (71, 100, Band.MODERATE),
        (70, 100, Band.CHRONIC),
        (0, 100, Band.CHRONIC),
        (9, 10, Band.IRREGULAR),
        (7, 10, Band.CHRONIC),
        (19, 21, Band.REGULAR),
        (1, 1, Band.REGULAR),
    ],
)
def test_bands_meet_where_the_rule_says(present: int, total: int, band: Band) -> None:
    assert Attendance("2026-T1", present, total).band == band


@given(st.integers(1, 200).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_bands_agree_with_exact_fractions(half_days: tuple[int, int]) -> None:
    present, total = half_days
    limits = {Band.REGULAR: (90, 101), Band.IRREGULAR: (80, 90), Band.MODERATE: (70, 80), Band.CHRONIC: (-1, 70)}
    over, up_to = limits[Attendance("2026-T1", present, total).band]
    assert over < Fraction(100 * present, total) <= up_to


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, []),
        ({"present": 60}, []),
        ({"present": 61}, [("attendance.present_half_days", "more-than-total")]),
        ({"date_of_birth": TODAY + timedelta(days=1)}, [("student.date_of_birth", "in-future")]),
        ({"date_of_birth": TODAY}, [("student.date_of_birth", "age")]),
        ({"date_of_birth": date(2021, 3, 4)}, []),  # five today
        ({"date_of_birth": date(2021, 3, 5)}, [("student.date_of_birth", "age")]),
        ({"date_of_birth": date(2010, 3, 4)}, []),  # sixteen today: no duty to attend any more, and still supported
        ({"date_of_birth": date(2004, 3, 5)}, []),
        (
            {"date_of_birth": date(2004, 3, 4), "present": 61},
            [("student.date_of_birth", "age"), ("attendance.present_half_days", "more-than-total")],
        ),
    ],
)
def test_rules_of_a_draft(changes: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    found = domain.requests.draft_violations(draft(**changes), reference=REFERENCE, today=TODAY)
    assert [(each.field, each.reason) for each in found] == broken


def test_someone_born_on_a_leap_day_is_older_on_the_first_of_march() -> None:
    assert domain.students.age(date(2020, 2, 29), date(2025, 2, 28)) == 4
    assert domain.students.age(date(2020, 2, 29), date(2025, 3, 1)) == 5


def test_an_answer_is_due_after_five_working_days() -> None:
    assert domain.requests.answer_due_on(date(2026, 4, 1), WorkingDays("02")) == date(2026, 4, 10)


def test_a_request_is_overdue_once_its_day_has_passed_and_never_once_accepted() -> None:
    asked = request()
    assert not asked.is_overdue(asked.answer_due_on)
    assert asked.is_overdue(asked.answer_due_on + timedelta(days=1))
    accepted = replace(asked, accepted_at=NOW, case_id=UUID(int=5))
    assert not accepted.is_overdue(asked.answer_due_on + timedelta(days=100))


def accept(
    asked: domain.requests.Request, *, provider_id: UUID = PROVIDER, expected_version: int = 0
) -> domain.requests.Request:
    by = occasion(tenant_id=provider_id, expected_version=expected_version)
    return domain.requests.accept(asked, by, case_id=UUID(int=5))


def test_accepting_a_request_names_its_case_and_raises_its_version() -> None:
    accepted = accept(request(), expected_version=1)
    assert (accepted.state, accepted.case_id, accepted.version) == (RequestState.ACCEPTED, UUID(int=5), 2)


def test_a_request_is_accepted_once_by_its_provider_as_it_stands() -> None:
    with pytest.raises(NotFoundError):
        accept(request(), provider_id=OTHER_PROVIDER)
    with pytest.raises(StaleVersionError):
        accept(request(), expected_version=7)
    with pytest.raises(FailedPreconditionError, match="answered already"):
        accept(accept(request()))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"nsn": "0123456789"}, {"nsn": "0123456789", "given_names": "Written Otherwise"}, True),
        ({"nsn": ""}, {"nsn": ""}, True),
        ({"nsn": ""}, {"nsn": "0123456789"}, True),
        ({"nsn": "0123456789"}, {"nsn": "0123456780"}, False),  # twins who share a name
        ({"nsn": ""}, {"nsn": "", "date_of_birth": date(2012, 8, 16)}, False),
        ({"nsn": "", "given_names": "TUI  Ā"}, {"nsn": "", "given_names": "Tūī a"}, True),
        ({"nsn": "", "family_name": "O'Demo"}, {"nsn": "", "family_name": "O\u2019demo"}, True),
        ({"nsn": "", "family_name": ""}, {"nsn": "", "family_name": "Testperson"}, False),
    ],
)
def test_two_descriptions_of_one_student(one: dict[str, Any], other: dict[str, Any], is_same: bool) -> None:  # noqa: FBT001 - a column
    known = OpenRequests()
    known.add(UUID(int=7), student(**one))
    assert known.find(student(**other)) == (UUID(int=7) if is_same else None)


@pytest.mark.parametrize(
    ("names", "shown"),
    [(("Tūī", "Testperson", ""), "Tūī Testperson"), (("Tūī", "", ""), "Tūī"), (("Tūī", "O'Demo", "Kā"), "Kā O'Demo")],
)
def test_the_preferred_name_is_shown_first(names: tuple[str, str, str], shown: str) -> None:
    given_names, family_name, preferred = names
    assert (
        domain.students.shown_name(given_names=given_names, family_name=family_name, preferred_name=preferred) == shown
    )


def test_a_case_number_is_as_people_say_it() -> None:
    assert domain.cases.case_number(2026, 817) == "26-00817"
    assert domain.cases.case_number(2031, 123_456) == "31-123456"


def test_a_lead_sees_every_case_and_a_case_manager_their_own() -> None:
    assert domain.cases.check_visible(ASSIGNED, LEAD) is ASSIGNED
    assert domain.cases.check_visible(ASSIGNED, MANAGER) is ASSIGNED
    for unseen, caller in ((ASSIGNED, COLLEAGUE), (case(), MANAGER), (None, LEAD)):
        with pytest.raises(NotFoundError):
            domain.cases.check_visible(unseen, caller)


def allowed(of: domain.cases.Case, caller: domain.shared.Caller) -> dict[Action, str]:
    return {each.action: each.reason for each in domain.cases.allowed_actions(of, caller)}


def test_what_someone_may_do_says_why_not() -> None:
    asked = (Action.ASSIGN, Action.RECORD)
    assert [allowed(case(), LEAD)[action] for action in asked] == ["", "not-assigned"]
    assert [allowed(ASSIGNED, LEAD)[action] for action in asked] == ["", ""]
    assert [allowed(ASSIGNED, MANAGER)[action] for action in asked] == ["permission-missing", ""]


def test_assigning_keeps_work_that_has_begun() -> None:
    active = replace(ASSIGNED, began_at=NOW)
    moved = domain.cases.assign(active, LEAD, case_manager_id=COLLEAGUE_ID, now=NOW)
    assert (moved.state, moved.case_manager_id, moved.version) == (CaseState.ACTIVE, COLLEAGUE_ID, 2)


def test_assigning_to_whom_has_it_is_refused() -> None:
    with pytest.raises(FailedPreconditionError) as raised:
        domain.cases.assign(ASSIGNED, LEAD, case_manager_id=MANAGER_ID, now=NOW)
    assert raised.value.reason == "already-assigned"


@pytest.mark.parametrize(
    ("changes", "minutes_of_day", "broken"),
    [
        ({}, 45, []),
        ({"happened_on": TODAY + timedelta(days=1)}, 45, [("happened_on", "in-future")]),
        ({"happened_on": date(2012, 8, 15)}, 45, []),
        ({"happened_on": date(2012, 8, 14)}, 45, [("happened_on", "before-birth")]),
        ({"outcome": Outcome.UNSPECIFIED}, 45, [("outcome", "required")]),
        ({"kind": EventKind.CONTACT_ATTEMPT, "outcome": Outcome.UNSPECIFIED}, 45, [("outcome", "required")]),
        ({"kind": EventKind.HUI, "outcome": Outcome.UNSPECIFIED}, 45, []),
        ({"minutes": 1440}, 1440, []),
        ({"minutes": 1440}, 1441, [("minutes", "day-full")]),
        ({"minutes": 1441}, 1441, [("minutes", "range")]),
        ({"minutes": -1}, 0, [("minutes", "range")]),
    ],
)
def test_rules_of_an_entry(changes: dict[str, Any], minutes_of_day: int, broken: list[tuple[str, str]]) -> None:
    found = domain.entries.entry_violations(
        entry(**changes), born_on=date(2012, 8, 15), minutes_of_day=minutes_of_day, today=TODAY
    )
    assert [(each.field, each.reason) for each in found] == broken


def test_the_first_entry_of_the_case_manager_begins_the_work() -> None:
    by_lead = domain.cases.record(ASSIGNED, LEAD, entry=entry(recorded_by=LEAD_ID), minutes_of_day=45, today=TODAY)
    assert by_lead.state == CaseState.ASSIGNED
    by_manager = domain.cases.record(by_lead, MANAGER, entry=entry(), minutes_of_day=45, today=TODAY)
    assert (by_manager.state, by_manager.minutes, by_manager.version) == (CaseState.ACTIVE, 90, 3)


def test_the_last_contact_is_the_latest_day_someone_was_reached() -> None:
    days = [
        (date(2026, 3, 2), Outcome.REACHED),
        (date(2026, 3, 1), Outcome.REACHED),
        (date(2026, 3, 3), Outcome.NO_ANSWER),
    ]
    current = ASSIGNED
    for happened_on, outcome in days:
        happening = entry(happened_on=happened_on, outcome=outcome)
        current = domain.cases.record(current, MANAGER, entry=happening, minutes_of_day=45, today=TODAY)
    assert current.last_contact_on == date(2026, 3, 2)


def test_a_broken_rule_refuses_the_entry_naming_all() -> None:
    wrong = entry(outcome=Outcome.UNSPECIFIED, happened_on=date(2026, 3, 5))
    with pytest.raises(InvalidArgumentError) as raised:
        domain.cases.record(ASSIGNED, MANAGER, entry=wrong, minutes_of_day=45, today=TODAY)
    assert {each.field for each in raised.value.violations} == {"happened_on", "outcome"}
