"""Office staff send requests and see those that they sent; a lead of the school sees all of them."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.errors import AlreadyExistsError, NotFoundError
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, OFFICE, SCHOOL
from tests.service.cases.test_import_requests import FILE, counts_of
from tests.support.rpc import Caller
from tests.support.tokens import person

Make = Callable[..., Any]
COLLEAGUE = person(5, "requests:submit", "students:search", tenant=SCHOOL, tenant_kind="school")


def listed(call: Caller, who: Any, **fields: Any) -> cases_pb2.ListSubmittedRequestsResponse:
    asked = cases_pb2.ListSubmittedRequestsRequest(**fields)
    answer: cases_pb2.ListSubmittedRequestsResponse = call("ListSubmittedRequests", asked, as_=who)
    return answer


def ids_and_counts(answer: cases_pb2.ListSubmittedRequestsResponse) -> tuple[list[str], dict[str, int]]:
    counted = {each.filter: each.count for each in answer.counts if each.count}
    return [each.request_id for each in answer.requests], counted


def test_office_staff_list_count_and_read_their_own(call: Caller, submitted: Make) -> None:
    of_lead, own, later = submitted(), submitted(as_=OFFICE), submitted(as_=OFFICE)
    call("ReturnRequest", requests_pb2.ReturnRequestRequest(request_id=own.request_id, question="Why?"), as_=LEAD)

    assert ids_and_counts(listed(call, OFFICE)) == (
        [later.request_id, own.request_id],
        {"all": 2, "submitted": 1, "returned": 1},
    )
    assert ids_and_counts(listed(call, OFFICE, state=cases_pb2.REQUEST_STATE_RETURNED))[0] == [own.request_id]
    first = listed(call, OFFICE, page_size=1)
    rest = listed(call, OFFICE, page_size=1, page_token=first.next_page_token)
    assert [each.request_id for each in (*first.requests, *rest.requests)] == [later.request_id, own.request_id]
    assert ids_and_counts(listed(call, COLLEAGUE)) == ([], {})
    assert ids_and_counts(listed(call, ATTENDANCE_LEAD))[1] == {"all": 3, "submitted": 2, "returned": 1}
    for colleagues in (of_lead, own):
        asked = cases_pb2.GetSubmittedRequestRequest(request_id=colleagues.request_id)
        with pytest.raises(NotFoundError):
            call("GetSubmittedRequest", asked, as_=COLLEAGUE)


def test_office_staff_reply_to_their_own(call: Caller, submitted: Make) -> None:
    request_id = submitted(as_=OFFICE).request_id
    call("ReturnRequest", requests_pb2.ReturnRequestRequest(request_id=request_id, question="Why?"), as_=LEAD)
    answer = cases_pb2.ResubmitRequestRequest(request_id=request_id, reply="So.")
    with pytest.raises(NotFoundError):
        call("ResubmitRequest", answer, as_=COLLEAGUE)
    assert call("ResubmitRequest", answer, as_=OFFICE).request.state == cases_pb2.REQUEST_STATE_SUBMITTED


def test_drafts_and_what_is_found_are_their_own_too(call: Caller, submitted: Make) -> None:
    begun = cases_pb2.SubmitRequestRequest(student=cases_pb2.Student(given_names="Kōwhai"))
    drafts = {
        who: call("SaveDraft", cases_pb2.SaveDraftRequest(content=begun), as_=who).draft.draft_id
        for who in (ATTENDANCE_LEAD, OFFICE)
    }
    own = submitted(as_=OFFICE, given_names="Kōwhai").request_id
    theirs = submitted(given_names="Kōwhai").request_id

    def found(who: Any) -> set[str]:
        asked = requests_pb2.SearchStudentsRequest(query="kowhai")
        return {each.id for each in call("SearchStudents", asked, as_=who).students}

    def begun_by(who: Any) -> set[str]:
        return {each.draft_id for each in call("ListDrafts", requests_pb2.ListDraftsRequest(), as_=who).drafts}

    assert found(OFFICE) == {own, drafts[OFFICE]}
    assert found(ATTENDANCE_LEAD) == {own, theirs, *drafts.values()}
    assert begun_by(OFFICE) == {drafts[OFFICE]}
    assert begun_by(ATTENDANCE_LEAD) == set(drafts.values())
    draft_id = drafts[ATTENDANCE_LEAD]
    for method, asked in (
        ("GetDraft", requests_pb2.GetDraftRequest(draft_id=draft_id)),
        ("SaveDraft", cases_pb2.SaveDraftRequest(draft_id=draft_id, content=begun)),
        ("SubmitDraft", requests_pb2.SubmitDraftRequest(draft_id=draft_id)),
        ("DiscardDraft", requests_pb2.DiscardDraftRequest(draft_id=draft_id)),
    ):
        with pytest.raises(NotFoundError):
            call(method, asked, as_=OFFICE)


def test_a_student_is_still_asked_for_once_and_nobody_elses_request_is_named(call: Caller, draft: Make) -> None:
    asked = draft()
    first = call("SubmitRequest", asked, as_=ATTENDANCE_LEAD).request
    for who, told in ((OFFICE, {}), (ATTENDANCE_LEAD, {"request_id": first.request_id})):
        with pytest.raises(AlreadyExistsError) as raised:
            call("SubmitRequest", asked, as_=who)
        assert raised.value.metadata == told


def test_a_file_sent_again_by_office_staff_names_no_request_of_a_colleague(call: Caller) -> None:
    call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    again = call("ImportRequests", FILE, as_=OFFICE)
    assert counts_of(again) == (0, 189, 11)
    assert {row.request_id for row in again.rows} == {""}
