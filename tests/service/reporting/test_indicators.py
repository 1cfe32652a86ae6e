"""What happens in cases becomes numbers: what is open, how long it took, who works on how many; and which cases."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, letter_events_pb2, letters_pb2, requests_pb2
from ascms.reporting.v1 import figures_pb2

from kit.errors import InvalidArgumentError
from kit.ids import uuid7
from tests.service.reporting.conftest import (
    LEAD,
    OTHER_LEAD,
    THEIRS,
    Reporting,
    case_opened,
    event_recorded,
    values_of,
)

SCHOOL, IN_MARCH = str(UUID(int=9)), datetime(2026, 3, 10, tzinfo=UTC)
CASE, MANAGER, COLLEAGUE, CLOSING, PAUSE = (str(UUID(int=number)) for number in range(70, 75))


def given_a_case(reporting: Reporting, case_id: str = CASE, **fields: Any) -> None:
    reporting.apply(case_opened(case_id=UUID(case_id), **fields))


def assigned(to: str, case_id: str = CASE, before: str = "") -> events_pb2.CaseAssigned:
    return events_pb2.CaseAssigned(case_id=case_id, case_manager_id=to, previous_case_manager_id=before)


def closed(on: str, case_id: str = CASE) -> events_pb2.CaseClosed:
    return events_pb2.CaseClosed(
        case_id=case_id, closing_id=CLOSING, reason="enrolled", outcome="returned", closed_on=on, closed_by=MANAGER
    )


def corrected(
    entry_id: UUID, number: int, *, minutes: int, happened_on: str = "2026-03-04"
) -> events_pb2.EntryCorrected:
    return events_pb2.EntryCorrected(
        case_id=CASE,
        entry_id=str(entry_id),
        number=number,
        kind=cases_pb2.EVENT_KIND_HOME_VISIT,
        happened_on=happened_on,
        outcome=cases_pb2.OUTCOME_REACHED,
        minutes=minutes,
    )


def parts(answer: Any, indicator: str, dimension: str) -> dict[str, int]:
    (found,) = [each for each in answer.breakdowns if (each.indicator, each.dimension) == (indicator, dimension)]
    return {row.key: row.value for row in found.rows}


def cases_of(
    reporting: Reporting, indicator: str, *, quarter: str = "2026-Q1", of: Any = LEAD, **more: Any
) -> list[str]:
    request = figures_pb2.ListFigureCasesRequest(quarter=quarter, indicator=indicator, **more)
    return list(reporting.call("ListFigureCases", request, as_=of).case_ids)


def test_what_is_open_is_carried_from_quarter_to_quarter(reporting: Reporting) -> None:
    given_a_case(reporting, opened_on="2025-12-20")
    given_a_case(reporting, str(UUID(int=80)), opened_on="2026-02-01")
    reporting.apply(closed("2026-03-01"))
    reopened = events_pb2.CaseReopened(case_id=CASE, closing_id=CLOSING, reopened_on="2026-04-02")
    reporting.apply(reopened)

    first, second = values_of(reporting.figures()), values_of(reporting.figures(quarter="2026-Q2"))

    assert {code: first[code] for code in ("cases-open-at-start", "cases-opened", "cases-closed", "cases-open")} == {
        "cases-open-at-start": 1, "cases-opened": 1, "cases-closed": 1, "cases-open": 1,
    }  # fmt: skip
    assert (second["cases-open-at-start"], second["cases-reopened"], second["cases-open"]) == (1, 1, 2)
    assert parts(reporting.figures(), "cases-closed", "reason") == {"enrolled": 1}


def test_days_are_counted_to_the_first_assignment_and_the_first_contact(reporting: Reporting) -> None:
    given_a_case(reporting, opened_on="2026-03-04", requested_on="2026-03-02")
    reporting.apply(assigned(MANAGER), told_at=datetime(2026, 3, 4, 21, tzinfo=UTC))
    reporting.apply(assigned(COLLEAGUE, before=MANAGER), told_at=datetime(2026, 3, 20, tzinfo=UTC))
    late = event_recorded(case_id=UUID(CASE), happened_on="2026-03-25")
    reporting.apply(late)
    reporting.apply(event_recorded(case_id=UUID(CASE), happened_on="2026-03-10"))

    values = values_of(reporting.figures())

    assert values["days-to-assign"] == 3, "the 5th in New Zealand"
    assert values["assigned-in-time"] == 100
    assert values["days-to-contact"] == 5, "the earlier contact counts, though it was recorded later"


def test_what_nothing_can_be_computed_from_is_absent_not_nought(reporting: Reporting) -> None:
    absent = {figure.indicator for figure in reporting.figures().figures if figure.absent}

    assert absent == {"days-to-assign", "assigned-in-time", "days-to-contact", "contact-in-time", "contact-rate"}


def test_the_contact_rate_is_of_attempts(reporting: Reporting) -> None:
    attempt = cases_pb2.EVENT_KIND_CONTACT_ATTEMPT
    for outcome in (cases_pb2.OUTCOME_REACHED, cases_pb2.OUTCOME_NO_ANSWER, cases_pb2.OUTCOME_REFUSED):
        reporting.apply(event_recorded(kind=attempt, outcome=outcome))

    assert values_of(reporting.figures())["contact-rate"] == 33


def test_a_correction_takes_back_what_held_before(reporting: Reporting) -> None:
    visit = uuid7()
    reporting.apply(event_recorded(entry_id=visit, case_id=UUID(CASE), minutes=45))
    reporting.apply(corrected(visit, 1, minutes=30))
    reporting.apply(corrected(visit, 2, minutes=20, happened_on="2025-12-31"))
    reporting.apply(corrected(visit, 1, minutes=30))
    reporting.apply(event_recorded(entry_id=visit, case_id=UUID(CASE), minutes=45))

    assert values_of(reporting.figures())["minutes"] == 0
    assert values_of(reporting.figures(quarter="2025-Q4"))["minutes"] == 20
    assert cases_of(reporting, "minutes") == []
    assert cases_of(reporting, "minutes", quarter="2025-Q4") == [CASE]


def test_who_works_on_how_many_cases_at_the_end(reporting: Reporting) -> None:
    other = str(UUID(int=80))
    given_a_case(reporting)
    given_a_case(reporting, other)
    for event in (assigned(MANAGER), assigned(MANAGER, other), assigned(COLLEAGUE, other, before=MANAGER)):
        reporting.apply(event)
        reporting.apply(event)

    assert parts(reporting.figures(), "caseload", "case-manager") == {MANAGER: 1, COLLEAGUE: 1}
    assert cases_of(reporting, "caseload", dimension="case-manager", key=COLLEAGUE) == [other]

    reporting.apply(closed("2026-03-04"))

    assert parts(reporting.figures(), "caseload", "case-manager") == {COLLEAGUE: 1}


def test_a_pause_ends_when_its_case_wakes_or_is_closed(reporting: Reporting) -> None:
    given_a_case(reporting)
    paused = events_pb2.CasePaused(case_id=CASE, pause_id=PAUSE, reason="away", paused_on="2026-03-04")
    reporting.apply(paused)
    assert values_of(reporting.figures())["cases-paused"] == 1

    reporting.apply(closed("2026-03-05"))
    reporting.apply(events_pb2.CaseResumed(case_id=CASE, pause_id=PAUSE, resumed_on="2026-03-05"))

    values = values_of(reporting.figures())
    assert (values["cases-paused"], values["pauses"]) == (0, 1)


def test_a_task_is_overdue_from_the_day_after_until_it_is_done(reporting: Reporting) -> None:
    task = str(uuid7())
    reporting.apply(events_pb2.TaskOverdue(case_id=CASE, task_id=task, due_on="2026-03-31"))
    assert values_of(reporting.figures())["tasks-overdue"] == 0
    assert values_of(reporting.figures(quarter="2026-Q2"))["tasks-overdue"] == 1

    done = events_pb2.TaskCompleted(case_id=CASE, task_id=task)
    reporting.apply(done, told_at=datetime(2026, 7, 3, tzinfo=UTC))
    in_time = events_pb2.TaskCompleted(case_id=CASE, task_id=str(uuid7()))
    reporting.apply(in_time, told_at=datetime(2026, 7, 3, tzinfo=UTC))

    assert values_of(reporting.figures(quarter="2026-Q2"))["tasks-overdue"] == 1
    assert values_of(reporting.figures(quarter="2026-Q3"))["tasks-overdue"] == 0


def test_figures_in_their_parts(reporting: Reporting) -> None:
    given_a_case(reporting, year_level=0)
    given_a_case(reporting, str(UUID(int=80)), year_level=9)
    before_anyone_listened = closed("2026-03-04", str(UUID(int=81)))
    reporting.apply(before_anyone_listened)

    answer = reporting.figures()

    assert parts(answer, "cases-opened", "year-level") == {"0": 1, "9": 1}
    assert parts(answer, "cases-opened", "gender") == {"female": 2}
    assert parts(answer, "cases-opened", "age") == {"13-to-15": 2}
    assert parts(answer, "cases-open", "route") == {"chronic-absence": 2, "": -1}
    assert cases_of(reporting, "cases-opened", dimension="year-level", key="9") == [str(UUID(int=80))]


def test_a_student_without_a_school_is_counted_under_no_school(reporting: Reporting) -> None:
    reporting.apply(case_opened(case_id=UUID(CASE), school_id=""))

    assert parts(reporting.figures(), "cases-opened", "school") == {"": 1}
    assert cases_of(reporting, "cases-opened", dimension="school", key="") == [CASE]


def test_a_student_counts_in_each_of_their_ethnicities(reporting: Reporting) -> None:
    for case_id, ethnicities in ((CASE, ["1", "2"]), (str(UUID(int=80)), ["2"]), (str(UUID(int=81)), [])):
        told = case_opened(case_id=UUID(case_id))
        told.ethnicities.extend(ethnicities)
        reporting.apply(told)

    answer = reporting.figures()

    assert parts(answer, "cases-opened", "ethnicity") == {"1": 1, "2": 2, "": 1}
    assert parts(answer, "cases-open", "ethnicity") == {"1": 1, "2": 2, "": 1}
    assert values_of(answer)["cases-opened"] == 3
    assert cases_of(reporting, "cases-opened", dimension="ethnicity", key="2") == [CASE, str(UUID(int=80))]
    assert cases_of(reporting, "cases-open", dimension="ethnicity", key="") == [str(UUID(int=81))]


def test_letters_are_counted_by_kind_and_stage(reporting: Reporting) -> None:
    given_a_case(reporting)
    for stage, sent_on in ((1, "2026-02-01"), (1, "2026-03-01"), (2, "2026-03-20"), (3, "2026-04-01")):
        reporting.apply(
            letter_events_pb2.LetterSent(
                case_id=CASE,
                letter_id=str(uuid7()),
                family=letters_pb2.LETTER_FAMILY_CHRONIC_ABSENCE,
                stage=stage,
                sent_on=sent_on,
            )
        )

    answer = reporting.figures()

    assert values_of(answer)["letters-sent"] == 3
    assert parts(answer, "letters-sent", "stage") == {"1": 2, "2": 1}
    assert parts(answer, "letters-sent", "family") == {"chronic-absence": 3}
    assert cases_of(reporting, "letters-sent", dimension="stage", key="2") == [CASE]


def test_requests_sent_back_and_declined_open_the_requests(reporting: Reporting) -> None:
    asked, declined = str(uuid7()), str(uuid7())
    for _ in range(2):
        reporting.apply(events_pb2.RequestReturned(request_id=asked, school_id=SCHOOL), told_at=IN_MARCH)
    no = events_pb2.RequestDeclined(
        request_id=declined, kind=requests_pb2.REQUEST_KIND_NON_ENROLMENT, reason="not_eligible"
    )
    reporting.apply(no, told_at=IN_MARCH)

    answer = reporting.figures()

    values = values_of(answer)
    assert (values["requests-returned"], values["requests-declined"]) == (2, 1)
    assert parts(answer, "requests-returned", "school") == {SCHOOL: 2}
    assert parts(answer, "requests-declined", "reason") == {"not_eligible": 1}
    assert parts(answer, "requests-declined", "route") == {"non-enrolment": 1}
    for indicator, expected in (("requests-returned", asked), ("requests-declined", declined)):
        question = figures_pb2.ListFigureCasesRequest(quarter="2026-Q1", indicator=indicator)
        found = reporting.call("ListFigureCases", question, as_=LEAD)
        assert (list(found.request_ids), list(found.case_ids)) == ([expected], [])


def test_the_cases_of_a_figure_come_page_by_page_each_once(reporting: Reporting) -> None:
    expected = [str(UUID(int=100 + number)) for number in range(5)]
    for case_id in expected:
        given_a_case(reporting, case_id)
    reporting.apply(case_opened(case_id=UUID(int=900)), tenant=THEIRS)
    request = figures_pb2.ListFigureCasesRequest(quarter="2026-Q1", indicator="cases-opened", page_size=2)
    pages = []
    for _ in range(3):
        answer = reporting.call("ListFigureCases", request, as_=LEAD)
        pages.append(list(answer.case_ids))
        request.page_token = answer.next_page_token

    assert pages == [expected[:2], expected[2:4], expected[4:]]
    assert answer.value == 5
    assert answer.next_page_token == ""
    assert cases_of(reporting, "cases-opened", of=OTHER_LEAD) == [str(UUID(int=900))]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"indicator": "nothing"}, "indicator"), ({"indicator": "hui", "dimension": "gender", "key": "x"}, "dimension")],
)
def test_what_is_no_figure_is_named(reporting: Reporting, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        reporting.call("ListFigureCases", figures_pb2.ListFigureCasesRequest(quarter="2026-Q1", **fields), as_=LEAD)

    assert [each.field for each in refused.value.violations] == [field]
