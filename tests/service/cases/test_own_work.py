"""Cases that no school asked for: the enrolment register tells of a child, or a provider opens one itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ascms.cases.v1 import caseloads_pb2, cases_pb2, events_pb2, letters_pb2, requests_pb2

from kit.errors import AlreadyExistsError, DomainError, FailedPreconditionError, InvalidArgumentError
from kit.ids import uuid7
from tests.service.cases.conftest import (
    ATTENDANCE_LEAD,
    LEAD,
    MANAGER,
    MINISTRY,
    OTHER_LEAD,
    OTHER_PROVIDER,
    OTHER_SCHOOL,
    PROVIDER,
    REGISTER,
    SCHOOL,
)
from tests.support.rpc import Caller

Make = Callable[..., Any]


def child(**fields: Any) -> cases_pb2.Student:
    known = {"nsn": "0000000077", "given_names": "Māia", "date_of_birth": "2016-05-06", "year_level": 5, **fields}
    return cases_pb2.Student(**known)


def notice(student: cases_pb2.Student | None = None, **fields: Any) -> cases_pb2.NotifyNonEnrolmentRequest:
    told = {"last_school_id": str(SCHOOL), "not_enrolled_since": "2026-01-30", "is_domestic": True, **fields}
    return cases_pb2.NotifyNonEnrolmentRequest(student=student or child(), **told)


def own(student: cases_pb2.Student | None = None, **fields: Any) -> cases_pb2.OpenOwnCaseRequest:
    said = {"reason": "whanau_asked", "concern": "Her nan asked us.", **fields}
    return cases_pb2.OpenOwnCaseRequest(student=student or child(), **said)


def test_a_child_whom_no_school_has_becomes_an_incoming_request_and_a_case(call: Caller, rows: Make) -> None:
    told = call("NotifyNonEnrolment", notice(), as_=REGISTER)
    assert (told.provider_id, told.answer_due_on) == (str(PROVIDER), "2026-03-11")
    assert told.position > 0
    [row] = rows("SELECT tenant_id, guest_id, kind FROM request")
    assert row == {"tenant_id": MINISTRY, "guest_id": PROVIDER, "kind": "non_enrolment"}

    asked = cases_pb2.GetIncomingRequestRequest(request_id=told.request_id)
    request = call("GetIncomingRequest", asked, as_=LEAD).request
    assert (request.kind, request.school_id) == (requests_pb2.REQUEST_KIND_NON_ENROLMENT, "")
    assert (request.last_school_id, request.not_enrolled_since) == (str(SCHOOL), "2026-01-30")
    assert not request.HasField("attendance")
    assert {each.action for each in request.allowed_actions if each.allowed} == {"accept", "decline"}
    with pytest.raises(FailedPreconditionError, match="no school to ask"):
        call("ReturnRequest", requests_pb2.ReturnRequestRequest(request_id=told.request_id, question="Who?"), as_=LEAD)

    case = call("OpenCase", cases_pb2.OpenCaseRequest(request_id=told.request_id), as_=LEAD).case
    assert (case.kind, case.school_id) == (requests_pb2.REQUEST_KIND_NON_ENROLMENT, "")
    contact = next(each for each in case.allowed_actions if each.action == "contact")
    assert (contact.allowed, contact.reason) == (False, "no-school")
    [opened] = rows("SELECT payload FROM outbox WHERE type = 'ascms.cases.v1.CaseOpened'")
    assert events_pb2.CaseOpened.FromString(opened["payload"]).age == 9


def test_a_letter_about_a_child_whom_no_school_has_names_the_last_one(call: Caller) -> None:
    told = call("NotifyNonEnrolment", notice(), as_=REGISTER)
    opening = cases_pb2.OpenCaseRequest(request_id=told.request_id, case_manager_id=str(MANAGER.person_id))
    case = call("OpenCase", opening, as_=LEAD).case
    asked = letters_pb2.DraftLetterRequest(
        case_id=case.case_id,
        family=letters_pb2.LETTER_FAMILY_NON_ENROLMENT,
        stage=1,
        text=letters_pb2.LetterText(language=letters_pb2.LETTER_LANGUAGE_BOTH),
    )

    letter = call("DraftLetter", asked, as_=LEAD).letter

    seen = call("GetLetter", letters_pb2.GetLetterRequest(letter_id=letter.letter_id), as_=LEAD)
    assert seen.print.school_id == str(SCHOOL)


def test_cases_of_many_students_are_opened_at_once_and_each_has_its_number(call: Caller, rows: Make) -> None:
    students = [child(nsn=f"{number:010d}", family_name=f"Test {number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda student: call("OpenOwnCase", own(student), as_=LEAD).case, students))
    assert sorted(case.number for case in opened) == [f"26-{number:05d}" for number in range(1, 25)]
    [count] = rows("SELECT items FROM case_count WHERE state = 'new'")
    assert count["items"] == 24


def test_one_student_twenty_times_at_once_has_one_case(call: Caller, rows: Make) -> None:
    def open_case(_: int) -> str:
        try:
            return str(call("OpenOwnCase", own(), as_=LEAD).case.case_id)
        except AlreadyExistsError as error:
            return error.metadata["case_id"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_case, range(20)))) == 1
    assert len(rows("SELECT id FROM case_record")) == 1


def test_what_is_refused_uses_up_no_number(call: Caller) -> None:
    first = call("OpenOwnCase", own(), as_=LEAD).case
    with pytest.raises(AlreadyExistsError):
        call("OpenOwnCase", own(), as_=LEAD)
    second = call("OpenOwnCase", own(child(nsn="0000000078")), as_=LEAD).case
    assert (first.number, second.number) == ("26-00001", "26-00002")


def test_a_notification_that_comes_again_changes_nothing(call: Caller, rows: Make) -> None:
    first = call("NotifyNonEnrolment", notice(), as_=REGISTER)
    call("OpenCase", cases_pb2.OpenCaseRequest(request_id=first.request_id), as_=LEAD)
    with pytest.raises(AlreadyExistsError) as raised:
        call("NotifyNonEnrolment", notice(), as_=REGISTER)
    assert raised.value.metadata == {"request_id": first.request_id}
    # Another spell without a school is another matter.
    again = call("NotifyNonEnrolment", notice(not_enrolled_since="2026-02-02"), as_=REGISTER)
    with pytest.raises(AlreadyExistsError):
        call("NotifyNonEnrolment", notice(not_enrolled_since="2026-02-03"), as_=REGISTER)
    assert again.request_id != first.request_id
    assert len(rows("SELECT * FROM request")) == 2


def test_a_named_provider_gets_it(call: Caller) -> None:
    told = call("NotifyNonEnrolment", notice(provider_id=str(OTHER_PROVIDER)), as_=REGISTER)
    assert told.provider_id == str(OTHER_PROVIDER)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (notice(child(date_of_birth="2020-03-05")), "student.date_of_birth"),
        (notice(child(date_of_birth="2010-03-04")), "student.date_of_birth"),
        (notice(child(nsn="")), "student.nsn"),
        (notice(is_domestic=False), "is_domestic"),
        (notice(not_enrolled_since="2026-02-05"), "not_enrolled_since"),
        (notice(not_enrolled_since="2026-03-09"), "not_enrolled_since"),
        (notice(last_school_id=""), "provider_id"),
        (notice(provider_id=str(SCHOOL)), "provider_id"),
    ],
)
def test_what_the_register_may_not_tell_of(call: Caller, message: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("NotifyNonEnrolment", message, as_=REGISTER)
    assert [each.field for each in raised.value.violations] == [field]


def test_a_last_school_in_no_catchment_leads_nowhere(call: Caller) -> None:
    with pytest.raises(FailedPreconditionError, match="no provider's catchment"):
        call("NotifyNonEnrolment", notice(last_school_id=str(uuid7())), as_=REGISTER)


def test_only_the_register_notifies(call: Caller) -> None:
    for actor in (LEAD, ATTENDANCE_LEAD):
        with pytest.raises(DomainError, match="Your role does not allow this"):
            call("NotifyNonEnrolment", notice(), as_=actor)


def test_a_provider_opens_a_case_of_its_own(call: Caller, rows: Make) -> None:
    message = own(school_id=str(SCHOOL), case_manager_id=str(MANAGER.person_id))
    once = [call("OpenOwnCase", message, as_=LEAD, idempotency_key="own") for _ in range(2)]
    assert once[0] == once[1]
    case = once[0].case
    assert (case.kind, case.request_id) == (requests_pb2.REQUEST_KIND_OWN_WORK, "")
    assert (case.school_id, case.case_manager_id) == (str(SCHOOL), str(MANAGER.person_id))
    assert case.concern == "Her nan asked us."
    assert rows("SELECT * FROM request") == []
    [opened, assigned] = rows("SELECT * FROM outbox ORDER BY id")
    assert events_pb2.CaseOpened.FromString(opened["payload"]).request_id == ""
    assert assigned["id"] == once[0].position
    [audited] = rows("SELECT tenant_id, action, reason FROM audit")
    assert audited == {"tenant_id": PROVIDER, "action": "open-own-case", "reason": "whanau_asked"}


def test_a_student_who_has_a_case_gets_no_second_one(call: Caller) -> None:
    first = call("OpenOwnCase", own(), as_=LEAD).case
    with pytest.raises(AlreadyExistsError) as raised:
        call("OpenOwnCase", own(child(given_names="Written otherwise"), is_another_student=True), as_=LEAD)
    assert (raised.value.reason, raised.value.metadata) == ("case-already-open", {"case_id": first.case_id})
    # Without an NSN, name and birth date may be another's: whoever opens the case says so.
    with pytest.raises(AlreadyExistsError) as raised:
        call("OpenOwnCase", own(child(nsn="", given_names="MAIA")), as_=LEAD)
    assert raised.value.reason == "case-perhaps-open"
    # Two NSNs are two students, and another provider knows nothing of them.
    call("OpenOwnCase", own(child(nsn="0000000078")), as_=LEAD)
    call("OpenOwnCase", own(child(nsn=""), is_another_student=True), as_=LEAD)
    call("OpenOwnCase", own(), as_=OTHER_LEAD)


def test_faults_of_own_work_are_named(call: Caller) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("OpenOwnCase", own(reason="because", school_id=str(OTHER_SCHOOL)), as_=LEAD)
    assert [each.field for each in raised.value.violations] == ["school_id", "reason"]
    with pytest.raises(InvalidArgumentError, match="case_manager_id"):
        call("OpenOwnCase", own(case_manager_id=str(uuid7())), as_=LEAD)
    with pytest.raises(DomainError, match="Your role does not allow this"):
        call("OpenOwnCase", own(), as_=MANAGER)


def test_a_case_without_a_school_waits_for_a_case_manager_and_names_no_school(call: Caller) -> None:
    call("OpenOwnCase", own(), as_=LEAD)
    [waiting] = call("ListCaseloads", caseloads_pb2.ListCaseloadsRequest(), as_=LEAD).new_cases
    assert waiting.school_id == ""
