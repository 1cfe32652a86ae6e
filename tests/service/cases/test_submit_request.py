"""A school asks for support for one student."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, requests_pb2

from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, UnavailableError
from tests.service.cases.conftest import (
    ANALYST,
    ATTENDANCE_LEAD,
    LEAD,
    MANAGER,
    OTHER_ATTENDANCE_LEAD,
    OTHER_PROVIDER,
    PROVIDER,
    SCHOOL,
)
from tests.service.cases.directory import FakeDirectory
from tests.support.rpc import Caller

Make = Callable[..., Any]


def test_the_catchment_decides_which_provider_gets_it(call: Caller, draft: Make, rows: Make) -> None:
    asked = draft(given_names="Ngā", family_name="")
    request = call("SubmitRequest", asked, as_=ATTENDANCE_LEAD).request

    assert (request.school_id, request.provider_id) == (str(SCHOOL), str(PROVIDER))
    assert (request.state, request.version, request.case_id) == (cases_pb2.REQUEST_STATE_SUBMITTED, 1, "")
    assert (request.student, list(request.caregivers)) == (asked.student, list(asked.caregivers))
    assert (request.concern, request.steps_tried) == (asked.concern, asked.steps_tried)
    assert (request.answer_due_on, request.overdue) == ("2026-03-11", False)
    assert request.attendance.band == "chronic"
    [row] = rows("SELECT tenant_id, guest_id, state FROM request")
    assert row == {"tenant_id": SCHOOL, "guest_id": PROVIDER, "state": "submitted"}


def test_audit_event_and_deadline_are_written_with_it(call: Caller, draft: Make, rows: Make) -> None:
    answer = call("SubmitRequest", draft(), as_=ATTENDANCE_LEAD)
    request = answer.request
    [audit] = rows("SELECT tenant_id, action, subject_id::text FROM audit")
    assert audit == {"tenant_id": SCHOOL, "action": "submit-request", "subject_id": request.request_id}
    [event] = rows("SELECT id, tenant_id, key, payload FROM outbox")
    assert (event["id"], event["tenant_id"], event["key"]) == (answer.position, SCHOOL, request.request_id)
    assert events_pb2.RequestSubmitted.FromString(event["payload"]) == events_pb2.RequestSubmitted(
        request_id=request.request_id,
        school_id=str(SCHOOL),
        provider_id=str(PROVIDER),
        answer_due_on="2026-03-11",
        kind=requests_pb2.REQUEST_KIND_CHRONIC_ABSENCE,
    )
    [deadline] = rows("SELECT kind, subject_id::text, due_at FROM deadline WHERE kind <> 'check-owners'")
    midnight = datetime(2026, 3, 11, 11, 0, tzinfo=UTC)  # 12 March, 0:00, in daylight time
    assert deadline == {"kind": "answer-request", "subject_id": request.request_id, "due_at": midnight}


def test_a_student_is_asked_for_once(call: Caller, draft: Make, rows: Make) -> None:
    first = call("SubmitRequest", draft(nsn="0000000001"), as_=ATTENDANCE_LEAD).request
    again = draft(nsn="0000000001", given_names="Written otherwise")
    with pytest.raises(AlreadyExistsError) as raised:
        call("SubmitRequest", again, as_=ATTENDANCE_LEAD)
    assert raised.value.metadata == {"request_id": first.request_id}
    other = call("SubmitRequest", again, as_=OTHER_ATTENDANCE_LEAD).request
    assert other.provider_id == str(OTHER_PROVIDER)
    assert len(rows("SELECT * FROM request")) == 2


def test_twenty_at_once_for_one_student_make_one_request(call: Caller, draft: Make, rows: Make) -> None:
    asked = draft()

    def submit(_: int) -> str:
        try:
            return str(call("SubmitRequest", asked, as_=ATTENDANCE_LEAD).request.request_id)
        except AlreadyExistsError as error:
            return error.metadata["request_id"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(submit, range(20)))) == 1
    assert len(rows("SELECT * FROM request")) == len(rows("SELECT * FROM outbox")) == 1


def test_one_key_twenty_times_at_once_submits_once(call: Caller, draft: Make, rows: Make) -> None:
    asked = draft()

    def submit(_: int) -> Any:
        return call("SubmitRequest", asked, as_=ATTENDANCE_LEAD, idempotency_key="request-1")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, range(20)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert answers[0].position > 0
    assert len(rows("SELECT * FROM request")) == len(rows("SELECT * FROM audit")) == 1


def test_a_key_used_for_another_request_is_refused(call: Caller, draft: Make) -> None:
    call("SubmitRequest", draft(), as_=ATTENDANCE_LEAD, idempotency_key="request-1")
    with pytest.raises(InvalidArgumentError) as raised:
        call("SubmitRequest", draft(), as_=ATTENDANCE_LEAD, idempotency_key="request-1")
    assert raised.value.reason == "idempotency-key-reused"


@pytest.mark.parametrize("actor", [LEAD, MANAGER, ANALYST], ids=["lead", "case manager", "analyst"])
def test_only_schools_submit(call: Caller, draft: Make, actor: Any) -> None:
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("SubmitRequest", draft(), as_=actor)


def test_a_school_without_catchment_is_told_so(call: Caller, draft: Make) -> None:
    lost = replace(ATTENDANCE_LEAD, tenant_id=UUID(int=0x999))
    with pytest.raises(FailedPreconditionError) as raised:
        call("SubmitRequest", draft(), as_=lost)
    assert raised.value.reason == "no-provider"


def test_when_identity_is_away_nothing_is_written(
    call: Caller, draft: Make, rows: Make, directory: FakeDirectory
) -> None:
    directory.is_away = True
    with pytest.raises(UnavailableError):
        call("SubmitRequest", draft(), as_=ATTENDANCE_LEAD)
    assert rows("SELECT * FROM request") == rows("SELECT * FROM outbox") == []


@pytest.mark.parametrize(
    ("student", "broken"),
    [
        ({"nsn": "12345678"}, [("student.nsn", "pattern")]),
        ({"given_names": "\x00"}, [("student.given_names", "characters")]),
        ({"given_names": "   "}, [("student.given_names", "required")]),
        ({"date_of_birth": "2012-02-30"}, [("student.date_of_birth", "format")]),
        ({"date_of_birth": "2027-01-01"}, [("student.date_of_birth", "in-future")]),
        ({"date_of_birth": "2024-01-01"}, [("student.date_of_birth", "age")]),
        ({"year_level": 14}, [("student.year_level", "too-large")]),
        ({"gender": 42}, [("student.gender", "unknown-value")]),
        ({"given_names": "", "nsn": "x"}, [("student.nsn", "pattern"), ("student.given_names", "required")]),
    ],
)
def test_broken_rules_name_their_fields_and_leave_nothing(
    call: Caller, draft: Make, rows: Make, student: dict[str, Any], broken: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("SubmitRequest", draft(**student), as_=ATTENDANCE_LEAD)
    assert [(each.field, each.reason) for each in raised.value.violations] == broken
    assert rows("SELECT * FROM request") == rows("SELECT * FROM audit") == []


@pytest.mark.parametrize("name", ["O'Demo", '"; --', "<b>x</b>", "%s %(x)s", "Ng\u0101ti \\ 🥝", "{{ 7*7 }}", "a,b;c"])
def test_hostile_names_are_kept_as_they_are(call: Caller, draft: Make, name: str) -> None:
    asked = draft(given_names=name, family_name=name, preferred_name=name)
    request = call("SubmitRequest", asked, as_=ATTENDANCE_LEAD).request
    found = call(
        "GetSubmittedRequest",
        cases_pb2.GetSubmittedRequestRequest(request_id=request.request_id),
        as_=ATTENDANCE_LEAD,
    ).request
    assert found == request
    assert found.student == asked.student
