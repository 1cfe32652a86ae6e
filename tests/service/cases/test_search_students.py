"""A student is found before anything is created: without macrons, in either order, and by nobody who may not know."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.errors import DomainError, InvalidArgumentError
from tests.service.cases.conftest import (
    ANALYST,
    ATTENDANCE_LEAD,
    COLLEAGUE,
    LEAD,
    MANAGER,
    OTHER_ATTENDANCE_LEAD,
    OTHER_LEAD,
)
from tests.support.rpc import Caller

Make = Callable[..., Any]
NAMES = {"given_names": "Āwhina Rose", "family_name": "Ngata-O’Brien", "preferred_name": "Āwhi"}


def search(call: Caller, query: str, *, as_: Any = LEAD) -> list[requests_pb2.FoundStudent]:
    asked = requests_pb2.SearchStudentsRequest(query=query)
    return list(call("SearchStudents", asked, as_=as_).students)


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        ("awhina ngata", {"given_names", "family_name"}),
        ("Ngata, Āwhina", {"given_names", "family_name"}),
        ("  OBRI ros ", {"given_names", "family_name"}),
        ("āwhi", {"given_names", "preferred_name"}),
        ("0000000123", {"nsn"}),
        ("0000 000 123", {"nsn"}),
        ("26-00001", {"number"}),
    ],
)
def test_a_case_is_found_and_says_by_what(call: Caller, opened: Make, query: str, matched: set[str]) -> None:
    case = opened(nsn="0000000123", **NAMES)
    opened(given_names="Hēmi", family_name="Walker")
    [found] = search(call, query)
    assert (found.id, found.kind, found.number) == (case.case_id, requests_pb2.FOUND_KIND_CASE, "26-00001")
    assert (found.student_name, found.full_name) == ("Āwhi Ngata-O’Brien", "Āwhina Rose Ngata-O’Brien")
    assert (found.state, found.date_of_birth) == ("case-assigned", "2012-08-15")
    assert set(found.matched) == matched


@pytest.mark.parametrize("query", ["hemi ngata", "gata", "000000012", "0000000124", "26-00009", "a' OR 1=1 --"])
def test_what_is_not_there_is_not_found(call: Caller, opened: Make, query: str) -> None:
    opened(nsn="0000000123", **NAMES)
    assert search(call, query) == []


def test_everyone_finds_what_they_may_know_of(call: Caller, opened: Make, submitted: Make) -> None:
    case = opened(**NAMES)
    waiting = submitted(**NAMES)
    assert {found.id for found in search(call, "awhina")} == {case.case_id, waiting.request_id}
    assert [found.id for found in search(call, "awhina", as_=MANAGER)] == [case.case_id]
    # The school knows its requests, and not which case one became.
    own = search(call, "awhina", as_=ATTENDANCE_LEAD)
    assert {found.id for found in own} == {case.request_id, waiting.request_id}
    assert {found.kind for found in own} == {requests_pb2.FOUND_KIND_REQUEST}
    for stranger in (COLLEAGUE, OTHER_LEAD, OTHER_ATTENDANCE_LEAD):
        assert search(call, "awhina", as_=stranger) == []
    with pytest.raises(DomainError, match="Your role does not allow this"):
        search(call, "awhina", as_=ANALYST)


def test_a_schools_drafts_are_found(call: Caller) -> None:
    content = cases_pb2.SubmitRequestRequest(student=cases_pb2.Student(given_names="Kōwhai"))
    saved = call("SaveDraft", cases_pb2.SaveDraftRequest(content=content), as_=ATTENDANCE_LEAD).draft
    [found] = search(call, "kowhai", as_=ATTENDANCE_LEAD)
    assert (found.id, found.state, found.date_of_birth) == (saved.draft_id, "draft", "")
    content.student.given_names = "Rātā"
    call("SaveDraft", cases_pb2.SaveDraftRequest(draft_id=saved.draft_id, content=content), as_=ATTENDANCE_LEAD)
    assert search(call, "kowhai", as_=ATTENDANCE_LEAD) == []
    assert len(search(call, "rata", as_=ATTENDANCE_LEAD)) == 1
    assert search(call, "rata") == []


def test_likenesses_are_explained_and_nothing_is_merged(call: Caller, opened: Make, submitted: Make) -> None:
    first = opened(nsn="0000000001", **NAMES).case_id
    without = submitted(nsn="", **NAMES, date_of_birth="2012-08-16").request_id
    twin = submitted(nsn="0000000002", **NAMES).request_id
    found = {each.id: {like.other_id: like.reason for like in each.likenesses} for each in search(call, "ngata")}
    assert found == {first: {twin: "differing-nsn"}, twin: {first: "differing-nsn"}, without: {}}


@pytest.mark.parametrize(
    ("query", "who", "reason"),
    [
        ("a", LEAD, "too-short"),
        ("- '%", LEAD, "too-short"),
        ("aa bb cc dd ee ff gg hh ii", LEAD, "too-many"),
        ("0000000123", MANAGER, "nsn-not-allowed"),
    ],
)
def test_a_query_that_cannot_be_is_explained(call: Caller, query: str, who: Any, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        search(call, query, as_=who)
    assert [(each.field, each.reason) for each in raised.value.violations] == [("query", reason)]


def test_more_than_fit_are_said_to_be_there(call: Caller, submitted: Make) -> None:
    for number in range(52):
        submitted(family_name=f"Samename{number}")
    answer = call("SearchStudents", requests_pb2.SearchStudentsRequest(query="samename"), as_=ATTENDANCE_LEAD)
    assert (len(answer.students), answer.has_more) == (50, True)
