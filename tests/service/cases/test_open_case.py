"""A provider accepts a request and opens its case; a lead gives it to someone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, requests_pb2

from kit.errors import (
    ConflictError,
    DomainError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from kit.ids import uuid7
from services.cases.events import hash_student
from tests.service.cases.conftest import (
    ATTENDANCE_LEAD,
    COLLEAGUE,
    HASH_KEY,
    LEAD,
    MANAGER,
    OTHER_LEAD,
    PROVIDER,
    SCHOOL,
    UNTRAINED,
)
from tests.support.rpc import Caller
from tests.unit.cases.people import student

Make = Callable[..., Any]


def opening(request_id: str, **fields: Any) -> cases_pb2.OpenCaseRequest:
    return cases_pb2.OpenCaseRequest(request_id=request_id, **fields)


def assigning(case_id: str, who: Any = MANAGER, **fields: Any) -> cases_pb2.AssignCaseRequest:
    return cases_pb2.AssignCaseRequest(case_id=case_id, case_manager_id=str(who.person_id), **fields)


def test_a_request_becomes_a_case_with_what_the_school_said(call: Caller, submitted: Make, rows: Make) -> None:
    request = submitted()
    case = call("OpenCase", opening(request.request_id), as_=LEAD).case

    assert (case.number, case.state, case.version) == ("26-00001", cases_pb2.CASE_STATE_NEW, 1)
    assert (case.student, list(case.caregivers)) == (request.student, list(request.caregivers))
    assert (case.attendance, case.concern) == (request.attendance, request.concern)
    assert (case.school_id, case.request_id) == (str(SCHOOL), request.request_id)
    allowed = {each.action: (each.allowed, each.reason) for each in case.allowed_actions}
    assert (allowed["assign"], allowed["record"]) == ((True, ""), (False, "not-assigned"))
    [row] = rows("SELECT tenant_id, guest_id, state FROM case_record")
    assert row == {"tenant_id": PROVIDER, "guest_id": SCHOOL, "state": "new"}
    [row] = rows("SELECT tenant_id, state, case_id::text, version FROM request")
    assert row == {"tenant_id": SCHOOL, "state": "accepted", "case_id": case.case_id, "version": 2}
    assert rows("SELECT * FROM deadline WHERE kind <> 'check-owners'") == []


def test_both_sides_are_audited_and_the_event_is_the_providers(call: Caller, submitted: Make, rows: Make) -> None:
    request = submitted(nsn="0123456789")
    answer = call("OpenCase", opening(request.request_id, case_manager_id=str(MANAGER.person_id)), as_=LEAD)

    audited = rows("SELECT tenant_id, action, subject_id::text, actor_tenant_id FROM audit ORDER BY id OFFSET 1")
    assert audited == [
        {
            "tenant_id": SCHOOL,
            "action": "accept-request",
            "subject_id": request.request_id,
            "actor_tenant_id": PROVIDER,
        },
        {"tenant_id": PROVIDER, "action": "open-case", "subject_id": answer.case.case_id, "actor_tenant_id": PROVIDER},
    ]
    accepted, opened, assigned = rows("SELECT * FROM outbox ORDER BY id OFFSET 1")
    assert events_pb2.RequestAccepted.FromString(accepted["payload"]) == events_pb2.RequestAccepted(
        request_id=request.request_id,
        kind=requests_pb2.REQUEST_KIND_CHRONIC_ABSENCE,
        school_id=str(SCHOOL),
        submitted_by=str(ATTENDANCE_LEAD.person_id),
        accepted_by=str(LEAD.person_id),
    )
    assert {(each["tenant_id"], each["key"]) for each in (opened, assigned)} == {(PROVIDER, answer.case.case_id)}
    assert assigned["id"] == answer.position
    assert events_pb2.CaseOpened.FromString(opened["payload"]) == events_pb2.CaseOpened(
        case_id=answer.case.case_id,
        request_id=request.request_id,
        school_id=str(SCHOOL),
        opened_on="2026-03-04",
        student_hash=hash_student(student(), HASH_KEY),
        opened_by=str(LEAD.person_id),
        kind=requests_pb2.REQUEST_KIND_CHRONIC_ABSENCE,
        year_level=9,
        age=13,
        gender=cases_pb2.GENDER_FEMALE,
        requested_on="2026-03-04",
        term="2026-T1",
        present_half_days=28,
        total_half_days=60,
    )
    assert events_pb2.CaseAssigned.FromString(assigned["payload"]).case_manager_id == str(MANAGER.person_id)
    assert answer.case.state == cases_pb2.CASE_STATE_ASSIGNED


def test_another_provider_does_not_find_the_request(call: Caller, submitted: Make, rows: Make) -> None:
    request = submitted()
    for request_id in (request.request_id, str(uuid7())):
        with pytest.raises(NotFoundError):
            call("OpenCase", opening(request_id), as_=OTHER_LEAD)
    assert rows("SELECT * FROM case_record") == []


@pytest.mark.parametrize("actor", [MANAGER, ATTENDANCE_LEAD], ids=["case manager", "school"])
def test_others_lack_the_permission(call: Caller, submitted: Make, actor: Any) -> None:
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("OpenCase", opening(submitted().request_id), as_=actor)


def test_a_request_is_opened_once(call: Caller, submitted: Make, rows: Make) -> None:
    request = submitted()

    def open_it(_: int) -> str:
        try:
            return str(call("OpenCase", opening(request.request_id), as_=LEAD).case.number)
        except DomainError as error:
            return error.reason

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(open_it, range(20)))
    numbers = [result for result in results if result != "already-answered"]
    assert numbers == [row["number"] for row in rows("SELECT number FROM case_record")]
    assert len(numbers) == 1


def test_a_stale_version_of_the_request_is_refused(call: Caller, submitted: Make) -> None:
    request = submitted()
    with pytest.raises(ConflictError) as raised:
        call("OpenCase", opening(request.request_id, expected_version=request.version + 1), as_=LEAD)
    assert raised.value.reason == "stale-version"
    call("OpenCase", opening(request.request_id, expected_version=request.version), as_=LEAD)


def test_one_key_twenty_times_at_once_opens_once(call: Caller, submitted: Make, rows: Make) -> None:
    request = opening(submitted().request_id, case_manager_id=str(MANAGER.person_id))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("OpenCase", request, as_=LEAD, idempotency_key="k"), range(20)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert len(rows("SELECT * FROM case_record")) == 1


@pytest.mark.parametrize("who", [UNTRAINED, LEAD, OTHER_LEAD], ids=["untrained", "not a case manager", "elsewhere"])
def test_only_a_working_case_manager_is_given_a_case(
    call: Caller, submitted: Make, opened: Make, rows: Make, who: Any
) -> None:
    request, case = submitted(), opened(manager=None)
    for method, message in (
        ("OpenCase", opening(request.request_id, case_manager_id=str(who.person_id))),
        ("AssignCase", assigning(case.case_id, who)),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            call(method, message, as_=LEAD)
        assert [each.field for each in raised.value.violations] == ["case_manager_id"]
    assert rows("SELECT count(*) AS n FROM case_record WHERE case_manager_id IS NOT NULL") == [{"n": 0}]


def test_numbers_count_up_per_provider_and_year_without_gaps(call: Caller, submitted: Make, clock: Any) -> None:
    requests = [submitted() for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        numbers = set(pool.map(lambda each: call("OpenCase", opening(each.request_id), as_=LEAD).case.number, requests))
    assert numbers == {f"26-{number:05d}" for number in range(1, 13)}
    clock.moment = clock.moment.replace(year=2027)
    assert call("OpenCase", opening(submitted().request_id), as_=LEAD).case.number == "27-00001"


def test_a_case_is_given_to_a_case_manager_and_to_another(call: Caller, opened: Make, rows: Make) -> None:
    case = opened(manager=None)
    first = call("AssignCase", assigning(case.case_id, MANAGER, expected_version=1), as_=LEAD)
    second = call("AssignCase", assigning(case.case_id, COLLEAGUE, expected_version=2), as_=LEAD)

    assert (first.case.state, first.case.version) == (cases_pb2.CASE_STATE_ASSIGNED, 2)
    assert second.case.case_manager_id == str(COLLEAGUE.person_id)
    told = [
        events_pb2.CaseAssigned.FromString(row["payload"])
        for row in rows("SELECT payload FROM outbox WHERE type LIKE '%%CaseAssigned' ORDER BY id")
    ]
    assert [each.previous_case_manager_id for each in told] == ["", str(MANAGER.person_id)]
    assert len(rows("SELECT * FROM audit WHERE action = 'assign-case'")) == 2
    assert rows("SELECT case_manager_id, state, items FROM case_count WHERE items > 0") == [
        {"case_manager_id": COLLEAGUE.person_id, "state": "assigned", "items": 1}
    ]


def test_assigning_is_refused_where_it_must_be(call: Caller, opened: Make) -> None:
    case = opened(manager=MANAGER)
    with pytest.raises(FailedPreconditionError) as already:
        call("AssignCase", assigning(case.case_id, MANAGER), as_=LEAD)
    assert already.value.reason == "already-assigned"
    with pytest.raises(ConflictError):
        call("AssignCase", assigning(case.case_id, COLLEAGUE, expected_version=9), as_=LEAD)
    for actor, case_id in ((OTHER_LEAD, case.case_id), (LEAD, str(uuid7()))):
        with pytest.raises(NotFoundError):
            call("AssignCase", assigning(case_id, COLLEAGUE), as_=actor)
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("AssignCase", assigning(case.case_id, COLLEAGUE), as_=MANAGER)
