"""What a student's school sees of a case, and who there is told."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.clock import FixedClock
from kit.errors import NotFoundError, PermissionDeniedError
from tests.service.cases.conftest import (
    ATTENDANCE_LEAD,
    LEAD,
    MANAGER,
    OFFICE,
    OTHER_ATTENDANCE_LEAD,
    PRIMARY_CONTACT,
    PROVIDER,
    SCHOOL,
)
from tests.service.cases.test_notes import correcting
from tests.support.rpc import Caller

Make = Callable[..., Any]
SHARED, KEPT = cases_pb2.VISIBILITY_SCHOOL, cases_pb2.VISIBILITY_PROVIDER
TOLD = "SELECT tenant_id, payload FROM outbox WHERE type = 'ascms.cases.v1.SharedCaseChanged' ORDER BY id"


def seen(call: Caller, case_id: str, *, as_: Any = ATTENDANCE_LEAD, **fields: Any) -> cases_pb2.GetSharedCaseResponse:
    answer: cases_pb2.GetSharedCaseResponse = call(
        "GetSharedCase", cases_pb2.GetSharedCaseRequest(case_id=case_id, **fields), as_=as_
    )
    return answer


def listed(call: Caller, *, as_: Any = ATTENDANCE_LEAD, **fields: Any) -> cases_pb2.ListSharedCasesResponse:
    answer: cases_pb2.ListSharedCasesResponse = call(
        "ListSharedCases", cases_pb2.ListSharedCasesRequest(**fields), as_=as_
    )
    return answer


def name_contact(call: Caller, case_id: str) -> None:
    request = cases_pb2.SetPrimaryContactRequest(case_id=case_id, person_id=str(PRIMARY_CONTACT.person_id))
    call("SetPrimaryContact", request, as_=LEAD)


def test_a_school_reads_what_was_shared_and_nothing_else(
    call: Caller, opened: Make, visit: Make, clock: FixedClock
) -> None:
    case = opened(preferred_name="Tū")
    shared = call("RecordEvent", visit(case.case_id, note="Hui with nan.", visibility=SHARED), as_=MANAGER).entry
    call("RecordEvent", visit(case.case_id, note="Kept.", visibility=KEPT), as_=MANAGER)
    call("AddNote", cases_pb2.AddNoteRequest(case_id=case.case_id, note="Kept too."), as_=MANAGER)

    answer = seen(call, case.case_id)
    [entry] = answer.entries
    assert (entry.entry_id, entry.note, entry.outcome) == (shared.entry_id, "Hui with nan.", shared.outcome)
    assert entry.shared_at.ToDatetime() == clock.now().replace(tzinfo=None)
    assert not entry.HasField("corrected_at")
    assert answer.case == cases_pb2.SharedCase(
        case_id=case.case_id,
        number=case.number,
        student_name="Tū Testperson 1",
        year_level=9,
        state=cases_pb2.SHARED_STATE_WORKING,
        provider_id=str(PROVIDER),
        case_manager_id=str(MANAGER.person_id),
        opened_at=case.opened_at,
        last_shared_at=entry.shared_at,
    )
    assert list(listed(call).cases) == [answer.case]


def test_what_an_entry_said_before_it_was_shared_stays_with_the_provider(
    call: Caller, opened: Make, visit: Make
) -> None:
    case = opened()
    entry = call("RecordEvent", visit(case.case_id, note="Not for school."), as_=MANAGER).entry
    assert list(seen(call, case.case_id).entries) == []

    call("CorrectEntry", correcting(case.case_id, entry.entry_id, note="For school.", visibility=SHARED), as_=MANAGER)
    assert [each.note for each in seen(call, case.case_id).entries] == ["For school."]
    call("CorrectEntry", correcting(case.case_id, entry.entry_id, note="For school, better."), as_=MANAGER)
    [now_is] = seen(call, case.case_id).entries
    assert (now_is.note, now_is.HasField("corrected_at")) == ("For school, better.", True)

    call("CorrectEntry", correcting(case.case_id, entry.entry_id, visibility=KEPT), as_=MANAGER)
    assert list(seen(call, case.case_id).entries) == []
    assert not seen(call, case.case_id).case.HasField("last_shared_at")


def test_an_attendance_lead_sees_every_case_a_primary_contact_those_that_name_them(call: Caller, opened: Make) -> None:
    named, other = opened(), opened()
    name_contact(call, named.case_id)

    everything = listed(call)
    assert [each.case_id for each in everything.cases] == [other.case_id, named.case_id]
    own = listed(call, as_=PRIMARY_CONTACT)
    assert [each.case_id for each in own.cases] == [named.case_id]
    assert {each.filter: each.count for each in own.counts} == {"all": 1, "working": 1, "paused": 0, "ended": 0}
    assert seen(call, named.case_id, as_=PRIMARY_CONTACT).case.primary_contact_id == str(PRIMARY_CONTACT.person_id)
    for method, kind in (
        ("GetSharedCase", cases_pb2.GetSharedCaseRequest),
        ("CheckSharedCase", cases_pb2.CheckSharedCaseRequest),
    ):
        call(method, kind(case_id=named.case_id), as_=PRIMARY_CONTACT)
        for case_id, stranger in (
            (other.case_id, PRIMARY_CONTACT),
            (named.case_id, OTHER_ATTENDANCE_LEAD),
        ):
            with pytest.raises(NotFoundError):
                call(method, kind(case_id=case_id), as_=stranger)
        for outsider in (OFFICE, LEAD, MANAGER):
            with pytest.raises(PermissionDeniedError):
                call(method, kind(case_id=named.case_id), as_=outsider)
    assert list(listed(call, as_=OTHER_ATTENDANCE_LEAD).cases) == []


def test_the_list_goes_on_and_filters_by_state(call: Caller, opened: Make) -> None:
    cases = [opened() for _ in range(3)]
    call("CloseCase", closing(cases[1].case_id), as_=LEAD)

    ended = listed(call, state=cases_pb2.SHARED_STATE_ENDED)
    assert [(each.case_id, each.state) for each in ended.cases] == [(cases[1].case_id, cases_pb2.SHARED_STATE_ENDED)]
    assert ended.cases[0].HasField("closed_at")
    first = listed(call, page_size=2)
    rest = listed(call, page_size=2, page_token=first.next_page_token)
    shown = [each.case_id for each in (*first.cases, *rest.cases)]
    assert (shown, rest.next_page_token) == ([each.case_id for each in reversed(cases)], "")


def test_entries_go_on_newest_first(call: Caller, opened: Make, visit: Make) -> None:
    case = opened()
    for day in (1, 2, 3):
        call("RecordEvent", visit(case.case_id, happened_on=f"2026-03-0{day}", visibility=SHARED), as_=MANAGER)
    first = seen(call, case.case_id, page_size=2)
    rest = seen(call, case.case_id, page_size=2, page_token=first.next_page_token)
    days = [each.happened_on for each in (*first.entries, *rest.entries)]
    assert (days, rest.next_page_token) == (["2026-03-03", "2026-03-02", "2026-03-01"], "")


def test_the_providers_access_log_says_who_at_the_school_opened_it(call: Caller, opened: Make, rows: Make) -> None:
    case = opened()
    seen(call, case.case_id)
    listed(call)
    assert rows("SELECT tenant_id, subject, subject_id::text, actor_id, actor_tenant_id FROM access_log") == [
        {
            "tenant_id": PROVIDER,
            "subject": "case",
            "subject_id": case.case_id,
            "actor_id": ATTENDANCE_LEAD.person_id,
            "actor_tenant_id": SCHOOL,
        }
    ]


def test_who_is_named_is_told_of_what_the_school_sees(call: Caller, opened: Make, visit: Make, rows: Make) -> None:
    case = opened()
    call("RecordEvent", visit(case.case_id, visibility=SHARED), as_=MANAGER)
    assert rows(TOLD) == []

    name_contact(call, case.case_id)
    call("RecordEvent", visit(case.case_id, visibility=KEPT), as_=MANAGER)
    call("AddNote", cases_pb2.AddNoteRequest(case_id=case.case_id, note="Kia ora.", visibility=SHARED), as_=MANAGER)
    rest = cases_pb2.PauseCaseRequest(
        case_id=case.case_id, reason="school_holidays", wakes_on="2026-03-20", agreed_by="Nan"
    )
    call("PauseCase", rest, as_=MANAGER)
    call("ResumeCase", cases_pb2.ResumeCaseRequest(case_id=case.case_id), as_=MANAGER)
    call("CloseCase", closing(case.case_id), as_=LEAD)
    call("ReopenCase", cases_pb2.ReopenCaseRequest(case_id=case.case_id, reason="Away again."), as_=LEAD)

    found = rows(TOLD)
    assert {row["tenant_id"] for row in found} == {SCHOOL}
    told = [events_pb2.SharedCaseChanged.FromString(row["payload"]) for row in found]
    assert [events_pb2.SharedChange.Name(each.change).removeprefix("SHARED_CHANGE_") for each in told] == [
        *("NAMED", "ENTRY", "PAUSED", "RESUMED", "CLOSED", "REOPENED")
    ]
    assert {(each.case_id, each.person_id) for each in told} == {(case.case_id, str(PRIMARY_CONTACT.person_id))}
    audited = rows("SELECT reason FROM audit WHERE action = 'tell-school' AND tenant_id = %s", SCHOOL)
    assert len(audited) == len(told)


def closing(case_id: str) -> cases_pb2.CloseCaseRequest:
    return cases_pb2.CloseCaseRequest(
        case_id=case_id, reason="enrolled", outcome="back_in_education", summary="Enrolled elsewhere."
    )
