"""A school imports a file of requests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.errors import InvalidArgumentError
from tests.service.cases.conftest import ATTENDANCE_LEAD, LEAD, MANAGER, OTHER_ATTENDANCE_LEAD, PROVIDER, SCHOOL
from tests.support.rpc import Caller

Make = Callable[..., Any]
CONTENT = (Path(__file__).parents[3] / "deploy" / "demo" / "requests.csv").read_bytes()
FILE = cases_pb2.ImportRequestsRequest(content=CONTENT)


def counts_of(answer: Any) -> tuple[int, int, int]:
    return answer.submitted, answer.already_open, answer.refused


def test_good_rows_are_submitted_and_bad_ones_explained(call: Caller, rows: Make) -> None:
    answer = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)

    assert counts_of(answer) == (188, 1, 11)
    assert len(answer.rows) == 200
    refused = {
        violation.column: violation.reason
        for row in answer.rows
        if row.result == cases_pb2.ROW_RESULT_REFUSED
        for violation in row.violations
    }
    assert refused == {
        "date_of_birth": "format",
        "nsn": "pattern",
        "present_half_days": "more-than-total",
        "school_number": "other-school",
        "given_names": "required",
        "year_level": "too-large",
        "caregiver_email": "format",
        "caregiver_name": "required",
        "term": "pattern",
        "caregiver_phone": "pattern",
        "concern": "required",
    }
    assert len(rows("SELECT * FROM request WHERE tenant_id = %s AND guest_id = %s", SCHOOL, PROVIDER)) == 188
    assert rows("SELECT state, items FROM request_count") == [{"state": "submitted", "items": 188}]


def test_each_row_has_its_audit_event_and_deadline(call: Caller, rows: Make) -> None:
    answer = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    submitted = {row.request_id for row in answer.rows if row.result == cases_pb2.ROW_RESULT_SUBMITTED}
    assert {
        row["subject_id"] for row in rows("SELECT subject_id::text FROM deadline WHERE kind <> 'check-owners'")
    } == submitted
    told = rows("SELECT key, id FROM outbox WHERE type = 'ascms.cases.v1.RequestSubmitted'")
    assert {row["key"] for row in told} == submitted
    assert max(row["id"] for row in told) == answer.position
    audited = rows("SELECT subject_id::text FROM audit WHERE action = 'submit-request' AND reason = 'import'")
    assert {row["subject_id"] for row in audited} == submitted
    assert len(rows("SELECT * FROM audit WHERE action = 'import-requests'")) == 1


def test_a_repeated_row_names_the_request_that_is_open(call: Caller) -> None:
    answer = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    assert answer.rows[199].result == cases_pb2.ROW_RESULT_ALREADY_OPEN
    assert answer.rows[199].request_id == answer.rows[11].request_id


def test_importing_twice_doubles_nothing(call: Caller, rows: Make) -> None:
    first = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    second = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    assert counts_of(second) == (0, 189, 11)
    assert second.position == 0
    assert [row.request_id for row in second.rows] == [row.request_id for row in first.rows]
    assert len(rows("SELECT * FROM request")) == len(rows("SELECT * FROM outbox")) == 188


def test_importing_again_after_cases_were_opened_doubles_nothing(call: Caller) -> None:
    first = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)
    call("OpenCase", cases_pb2.OpenCaseRequest(request_id=first.rows[0].request_id), as_=LEAD)
    assert counts_of(call("ImportRequests", FILE, as_=ATTENDANCE_LEAD)) == (0, 189, 11)


def test_one_key_gives_one_answer(call: Caller, rows: Make) -> None:
    first = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD, idempotency_key="file-1")
    second = call("ImportRequests", FILE, as_=ATTENDANCE_LEAD, idempotency_key="file-1")
    assert first == second
    assert counts_of(second) == (188, 1, 11)
    assert len(rows("SELECT * FROM request")) == 188


def test_another_schools_file_is_refused_row_by_row(call: Caller, rows: Make) -> None:
    answer = call("ImportRequests", FILE, as_=OTHER_ATTENDANCE_LEAD)
    assert counts_of(answer) == (0, 0, 200)
    assert all("school_number" in {each.column for each in row.violations} for row in answer.rows)
    assert rows("SELECT * FROM request") == []


def test_only_schools_import(call: Caller) -> None:
    with pytest.raises(Exception, match="Your role does not allow this"):
        call("ImportRequests", FILE, as_=MANAGER)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "required"),
        (b"x" * (1024 * 1024 + 1), "too-long"),
        (CONTENT[:500] + b"\0" + CONTENT[500:], "nul"),
        (CONTENT + b"\xff", "not-utf-8"),
        (CONTENT.partition(b"\n")[2], "header"),
    ],
    ids=["empty", "too large", "NUL", "broken UTF-8", "no header"],
)
def test_what_is_no_such_file_leaves_nothing(call: Caller, rows: Make, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD)
    assert {(each.field, each.reason) for each in raised.value.violations} >= {("content", reason)}
    assert rows("SELECT * FROM request") == rows("SELECT * FROM audit") == []


def test_a_thousand_rows_go_in_at_once(call: Caller, rows: Make) -> None:
    header, first = CONTENT.splitlines()[:2]
    lines = [first.replace(b"0000012345", b"%010d" % number) for number in range(1000)]
    content = b"\n".join([header, *lines])
    answer = call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD)
    assert counts_of(answer) == (1000, 0, 0)
    assert len(rows("SELECT id FROM outbox")) == 1000


def test_optional_columns_say_what_the_form_can_say(call: Caller, rows: Make) -> None:
    header, first = CONTENT.decode("utf-8-sig").splitlines()[:2]
    more = {
        "steps": "calls_home, home_visit",
        "barriers": "transport",
        "ethnicities": "211 111",
        "iwi": "0601 0104",
        "is_sensitive": "yes",
        "justified_half_days": "1",
        "unjustified_half_days": "2",
        "caregiver_2_name": "Nanny Pretend",
        "caregiver_2_safe_ways": "text visit",
        "caregiver_2_safe_note": "After five",
        "term_2": "2025-T4",
        "present_half_days_2": "70",
        "total_half_days_2": "98",
    }
    cells = ",".join(f'"{value}"' for value in more.values())
    content = f"{header},{','.join(more)}\n{first},{cells}\n".encode()
    answer = call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD)
    assert counts_of(answer) == (1, 0, 0), answer
    asked = cases_pb2.GetSubmittedRequestRequest(request_id=answer.rows[0].request_id)
    request = call("GetSubmittedRequest", asked, as_=ATTENDANCE_LEAD).request
    assert (list(request.steps), list(request.barriers)) == (["calls_home", "home_visit"], ["transport"])
    assert (list(request.student.ethnicities), list(request.student.iwi)) == (["211", "111"], ["0601", "0104"])
    assert (request.is_sensitive, request.attendance.justified_half_days) == (True, 1)
    assert [term.term for term in request.earlier_terms] == ["2025-T4"]
    second = request.caregivers[1]
    assert (second.name, second.safe_note) == ("Nanny Pretend", "After five")
    assert list(second.safe_ways) == [requests_pb2.CONTACT_WAY_TEXT, requests_pb2.CONTACT_WAY_VISIT]
    again = call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD)
    assert counts_of(again) == (0, 1, 0)

    wrong = more | {
        "steps": "magic",
        "iwi": "9",
        "caregiver_2_safe_ways": "owl",
        "term_2": "2026-T4",
        "is_sensitive": "?",
    }
    cells = ",".join(f'"{value}"' for value in wrong.values())
    content = f"{header},{','.join(wrong)}\n{first},{cells}\n".encode()
    refused = call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD).rows[0]
    assert {(each.column, each.reason) for each in refused.violations} == {
        ("caregiver_2_safe_ways", "unknown-value"),
        ("is_sensitive", "unknown-value"),
    }
    wrong |= {"caregiver_2_safe_ways": "text", "is_sensitive": ""}
    cells = ",".join(f'"{value}"' for value in wrong.values())
    content = f"{header},{','.join(wrong)}\n{first},{cells}\n".encode()
    refused = call("ImportRequests", cases_pb2.ImportRequestsRequest(content=content), as_=ATTENDANCE_LEAD).rows[0]
    assert {(each.column, each.reason) for each in refused.violations} == {
        ("steps", "unknown-value"),
        ("iwi", "unknown-value"),
        ("term_2", "not-earlier"),
    }
