"""A provider sends a request back with a question or declines it; the school replies."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2, requests_pb2

from kit.clock import FixedClock
from kit.errors import ConflictError, DomainError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import ANSWER_DEADLINE, REPLY_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, MANAGER, OTHER_ATTENDANCE_LEAD, OTHER_LEAD, SCHOOL
from tests.support.rpc import Caller

Make = Callable[..., Any]
FRIDAY = datetime(2026, 3, 5, 21, 0, tzinfo=UTC)  # 6 March in New Zealand: two working days after submission
TUESDAY = datetime(2026, 3, 9, 21, 0, tzinfo=UTC)  # 10 March
OVER = datetime(2026, 3, 13, 21, 0, tzinfo=UTC)  # 14 March: the reply was due on the 13th
EVENTS = "SELECT tenant_id, type, payload FROM outbox ORDER BY id DESC LIMIT 1"


def back(request_id: str, **fields: Any) -> requests_pb2.ReturnRequestRequest:
    return requests_pb2.ReturnRequestRequest(request_id=request_id, question="Does she come by bus?", **fields)


def no(request_id: str, **fields: Any) -> requests_pb2.DeclineRequestRequest:
    said = {"reason": "try_more_first", "words": "Try a hui first.", **fields}
    return requests_pb2.DeclineRequestRequest(request_id=request_id, **said)


def reply(request_id: str, **fields: Any) -> cases_pb2.ResubmitRequestRequest:
    return cases_pb2.ResubmitRequestRequest(request_id=request_id, reply="Yes, the 7.40.", **fields)


def for_school(call: Caller, request_id: str) -> cases_pb2.RequestForSupport:
    asked = cases_pb2.GetSubmittedRequestRequest(request_id=request_id)
    request: cases_pb2.RequestForSupport = call("GetSubmittedRequest", asked, as_=ATTENDANCE_LEAD).request
    return request


def may(request: cases_pb2.RequestForSupport) -> set[str]:
    return {each.action for each in request.allowed_actions if each.allowed}


def test_the_providers_clock_stands_still_while_a_question_waits(
    call: Caller, submitted: Make, clock: FixedClock, rows: Make
) -> None:
    request = submitted()
    assert (request.answer_due_on, may(request)) == ("2026-03-11", set())
    clock.moment = FRIDAY
    returned = call("ReturnRequest", back(request.request_id), as_=LEAD).request
    assert (returned.state, returned.reply_due_on) == (cases_pb2.REQUEST_STATE_RETURNED, "2026-03-13")
    assert may(returned) == {"accept", "decline"}
    [told] = rows(EVENTS)
    assert events_pb2.RequestReturned.FromString(told["payload"]) == events_pb2.RequestReturned(
        request_id=request.request_id,
        school_id=str(SCHOOL),
        submitted_by=str(ATTENDANCE_LEAD.person_id),
        reply_due_on="2026-03-13",
        returned_by=str(LEAD.person_id),
    )
    assert {row["kind"] for row in rows("SELECT kind FROM deadline")} == {REPLY_DEADLINE}
    seen = for_school(call, request.request_id)
    assert ([each.question for each in seen.questions], may(seen)) == (["Does she come by bus?"], {"resubmit"})

    # Three of the five working days were left on Friday; they count from the day of the reply.
    clock.moment = TUESDAY
    again = call("ResubmitRequest", reply(request.request_id, expected_version=2), as_=ATTENDANCE_LEAD).request
    assert (again.state, again.answer_due_on) == (cases_pb2.REQUEST_STATE_SUBMITTED, "2026-03-13")
    assert (again.questions[0].reply, again.version) == ("Yes, the 7.40.", 3)
    [told] = rows(EVENTS)
    assert told["tenant_id"] == SCHOOL
    assert events_pb2.RequestResubmitted.FromString(told["payload"]).returned_by == str(LEAD.person_id)
    assert {row["kind"] for row in rows("SELECT kind FROM deadline")} == {ANSWER_DEADLINE}


def test_the_school_reads_why_a_request_was_declined(call: Caller, submitted: Make, rows: Make) -> None:
    request = submitted(nsn="0000000001")
    declined = call("DeclineRequest", no(request.request_id), as_=LEAD).request
    assert (declined.state, may(declined)) == (cases_pb2.REQUEST_STATE_DECLINED, set())
    seen = for_school(call, request.request_id)
    assert (seen.decline_reason, seen.decline_words) == ("try_more_first", "Try a hui first.")
    assert seen.HasField("answered_at")
    [told] = rows(EVENTS)
    assert events_pb2.RequestDeclined.FromString(told["payload"]).reason == "try_more_first"
    assert rows("SELECT * FROM deadline") == []
    counts = call("ListSubmittedRequests", cases_pb2.ListSubmittedRequestsRequest(), as_=ATTENDANCE_LEAD).counts
    assert {each.filter: each.count for each in counts}["declined"] == 1
    # It stands in nobody's way any more.
    assert submitted(nsn="0000000001").request_id != request.request_id


def test_a_request_is_answered_once(call: Caller, submitted: Make) -> None:
    request_id = submitted().request_id
    with pytest.raises(ConflictError):
        call("DeclineRequest", no(request_id, expected_version=7), as_=LEAD)
    with pytest.raises(InvalidArgumentError, match="decline_reason"):
        call("DeclineRequest", no(request_id, reason="because"), as_=LEAD)
    with pytest.raises(FailedPreconditionError, match="Nothing was asked"):
        call("ResubmitRequest", reply(request_id), as_=ATTENDANCE_LEAD)
    call("ReturnRequest", back(request_id), as_=LEAD)
    with pytest.raises(FailedPreconditionError, match="waits for its reply"):
        call("ReturnRequest", back(request_id), as_=LEAD)
    call("DeclineRequest", no(request_id), as_=LEAD)
    for method, message, who in (
        ("ReturnRequest", back(request_id), LEAD),
        ("DeclineRequest", no(request_id), LEAD),
        ("ResubmitRequest", reply(request_id), ATTENDANCE_LEAD),
        ("OpenCase", cases_pb2.OpenCaseRequest(request_id=request_id), LEAD),
    ):
        with pytest.raises(FailedPreconditionError, match="answered already"):
            call(method, message, as_=who)


def test_strangers_find_nothing_to_answer(call: Caller, submitted: Make) -> None:
    request_id = submitted().request_id
    for method, message in (("ReturnRequest", back(request_id)), ("DeclineRequest", no(request_id))):
        with pytest.raises(NotFoundError):
            call(method, message, as_=OTHER_LEAD)
        with pytest.raises(DomainError, match="Your role does not allow this"):
            call(method, message, as_=MANAGER)
    call("ReturnRequest", back(request_id), as_=LEAD)
    with pytest.raises(NotFoundError):
        call("ResubmitRequest", reply(request_id), as_=OTHER_ATTENDANCE_LEAD)


def test_the_school_is_reminded_once_of_a_question(
    call: Caller, submitted: Make, clock: FixedClock, deps: Deps, rows: Make
) -> None:
    request_id = submitted().request_id
    clock.moment = FRIDAY
    call("ReturnRequest", back(request_id), as_=LEAD)
    sweep = Sweep(
        deps.database,
        clock,
        {REPLY_DEADLINE: lambda actor, subject: commands.answers.note_reply_overdue(deps, actor, subject)},
    )
    assert sweep.sweep_once() == 0
    clock.moment = OVER
    assert (sweep.sweep_once(), sweep.sweep_once()) == (1, 0)
    [told] = rows(EVENTS)
    assert told["tenant_id"] == SCHOOL
    assert events_pb2.RequestReplyOverdue.FromString(told["payload"]).reply_due_on == "2026-03-13"
    assert for_school(call, request_id).state == cases_pb2.REQUEST_STATE_RETURNED


def test_a_student_whose_case_was_closed_may_be_asked_for_again(call: Caller, opened: Make, submitted: Make) -> None:
    case = opened(nsn="0000000001")
    with pytest.raises(DomainError, match="open already"):
        submitted(nsn="0000000001")
    closing = cases_pb2.CloseCaseRequest(
        case_id=case.case_id, reason="enrolled", outcome="back_in_education", summary="Back."
    )
    call("CloseCase", closing, as_=LEAD)
    assert submitted(nsn="0000000001").request_id != case.request_id


def test_the_school_amends_its_request_with_the_reply_and_what_it_said_before_is_kept(
    call: Caller, submitted: Make, rows: Make
) -> None:
    request = submitted()
    call("ReturnRequest", back(request.request_id), as_=LEAD)
    now = cases_pb2.RequestAmendment(
        caregivers=[cases_pb2.Caregiver(name="Kererū", safe_ways=[requests_pb2.CONTACT_WAY_TEXT])],
        attendance=cases_pb2.Attendance(term="2026-T1", present_half_days=58, total_half_days=60),
        earlier_terms=[cases_pb2.Attendance(term="2025-T4", present_half_days=90, total_half_days=90)],
        concern="Away some mornings.",
        steps=["calls_home"],
        barriers=["transport"],
    )
    answer = call("ResubmitRequest", reply(request.request_id, amendment=now), as_=ATTENDANCE_LEAD)

    asked = cases_pb2.GetIncomingRequestRequest(request_id=request.request_id)
    seen = call("GetIncomingRequest", asked, as_=LEAD).request
    assert (seen.version, seen.state) == (3, cases_pb2.REQUEST_STATE_SUBMITTED)
    assert (seen.concern, list(seen.steps), seen.attendance.band) == ("Away some mornings.", ["calls_home"], "regular")
    assert (seen.student, [term.term for term in seen.earlier_terms]) == (request.student, ["2025-T4"])
    # It is judged anew, and how it looked before stays with what was said before.
    assert (request.assessment.criterion, seen.assessment.criterion) == ("chronic", "regular")
    [before] = seen.earlier_versions
    assert (before.said.attendance, before.said.concern) == (request.attendance, request.concern)
    assert (list(before.said.caregivers), before.said.steps_tried) == (list(request.caregivers), request.steps_tried)
    assert (before.assessment, before.replaced_by) == (request.assessment, str(ATTENDANCE_LEAD.person_id))
    assert before.replaced_at == seen.questions[0].replied_at
    assert answer.request.earlier_versions == seen.earlier_versions
    assert rows("SELECT count(*) FROM outbox WHERE type LIKE '%%Resubmitted'") == [{"count": 1}]

    # Said once more the same, nothing is replaced; the case takes what was said last.
    call("ReturnRequest", back(request.request_id), as_=LEAD)
    again = call("ResubmitRequest", reply(request.request_id, amendment=now), as_=ATTENDANCE_LEAD).request
    assert len(again.earlier_versions) == 1
    case = call("OpenCase", cases_pb2.OpenCaseRequest(request_id=request.request_id), as_=LEAD).case
    assert case.concern == "Away some mornings."


def test_an_amendment_that_breaks_a_rule_is_named_and_changes_nothing(call: Caller, submitted: Make) -> None:
    request_id = submitted().request_id
    call("ReturnRequest", back(request_id), as_=LEAD)
    broken = cases_pb2.RequestAmendment(
        attendance=cases_pb2.Attendance(term="2026-T1", present_half_days=61, total_half_days=60),
        concern="Away.",
        steps=["magic"],
    )
    with pytest.raises(InvalidArgumentError) as raised:
        call("ResubmitRequest", reply(request_id, amendment=broken), as_=ATTENDANCE_LEAD)
    assert [(each.field, each.reason) for each in raised.value.violations] == [
        ("amendment.attendance.present_half_days", "more-than-total"),
        ("amendment.steps[0]", "unknown-value"),
    ]
    assert for_school(call, request_id).state == cases_pb2.REQUEST_STATE_RETURNED
