"""Requests against the rules in their contract: every fault named by field and rule, text normalised."""

import unicodedata
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from google.protobuf import json_format

from kit.errors import InvalidArgumentError
from kit.rpc.validation import validate

CASE = "01890a5d-ac96-774b-bcce-b302099a8057"
VISIT: dict[str, Any] = {"case_id": CASE, "kind": "EVENT_KIND_HOME_VISIT", "happened_on": "2026-03-04", "minutes": 40}
STUDENT: dict[str, Any] = {"given_names": "Demo", "date_of_birth": "2012-05-06"}
ATTENDANCE: dict[str, Any] = {"term": "2026-T1", "present_half_days": 10, "total_half_days": 80}


def visit(**changes: Any) -> cases_pb2.RecordEventRequest:
    return json_format.ParseDict({**VISIT, **changes}, cases_pb2.RecordEventRequest())


def request_for(student: dict[str, Any], **changes: Any) -> cases_pb2.SubmitRequestRequest:
    body = {"student": {**STUDENT, **student}, "attendance": ATTENDANCE, "concern": "Away since week two.", **changes}
    return json_format.ParseDict(body, cases_pb2.SubmitRequestRequest())


def faults(request: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgumentError) as caught:
        validate(request)
    return [(violation.field, violation.reason) for violation in caught.value.violations]


def test_a_good_request_passes() -> None:
    validate(visit())
    validate(request_for({"nsn": "012345678"}))


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"case_id": "7"}, "case_id", "format"),
        ({"case_id": CASE.upper()}, "case_id", "format"),
        ({"case_id": ""}, "case_id", "required"),
        ({"kind": "EVENT_KIND_UNSPECIFIED"}, "kind", "required"),
        ({"happened_on": "4 March"}, "happened_on", "format"),
        ({"happened_on": "2026-02-30"}, "happened_on", "format"),
        ({"happened_on": "20260304"}, "happened_on", "format"),
        ({"minutes": -1}, "minutes", "too-small"),
        ({"minutes": 1441}, "minutes", "too-large"),
        ({"note": "x" * 10_001}, "note", "too-long"),
        ({"note": "a\x00b"}, "note", "characters"),
        ({"note": "a\u202eb"}, "note", "characters"),
        ({"kind": 99}, "kind", "unknown-value"),
        ({"outcome": 99}, "outcome", "unknown-value"),
    ],
)
def test_a_fault_names_its_field_and_rule(changes: dict[str, Any], field: str, reason: str) -> None:
    assert faults(visit(**changes)) == [(field, reason)]


@pytest.mark.parametrize(
    ("student", "field", "reason"),
    [
        ({"nsn": "12345678"}, "student.nsn", "pattern"),
        ({"nsn": "12345678A"}, "student.nsn", "pattern"),
        ({"given_names": "   "}, "student.given_names", "required"),
        ({"given_names": "Two\nlines"}, "student.given_names", "characters"),
        ({"date_of_birth": ""}, "student.date_of_birth", "required"),
        ({"year_level": 14}, "student.year_level", "too-large"),
    ],
)
def test_a_fault_inside_a_message_has_its_path(student: dict[str, Any], field: str, reason: str) -> None:
    assert faults(request_for(student)) == [(field, reason)]


def test_a_fault_in_a_list_has_its_index() -> None:
    caregivers = [{"name": "Mere"}, {"name": "Rewi", "email": "not an address"}]
    assert faults(request_for({}, caregivers=caregivers)) == [("caregivers[1].email", "format")]


def test_a_list_has_a_bound() -> None:
    assert faults(request_for({}, caregivers=[{"name": "Mere"}] * 7)) == [("caregivers", "too-many")]
    ids = identity_pb2.BatchGetPeopleRequest(person_ids=[CASE] * 201)
    assert faults(ids) == [("person_ids", "too-many")]


def test_a_missing_message_is_named() -> None:
    assert faults(cases_pb2.SubmitRequestRequest(concern="Away.")) == [
        ("student", "required"),
        ("attendance", "required"),
    ]


def test_every_fault_is_told_at_once() -> None:
    assert len(faults(visit(case_id="7", minutes=-1, happened_on="never"))) == 3


@pytest.mark.parametrize("name", ["Hēmi", "Te Aonūi", "Ngāmotu"])
def test_a_macron_typed_in_two_parts_becomes_one_letter(name: str) -> None:
    request = request_for({"given_names": unicodedata.normalize("NFD", name)})
    validate(request)
    assert request.student.given_names == name


def test_several_lines_are_kept_where_they_are_allowed() -> None:
    request = visit(note="First line.\nSecond line.\tIndented.")
    validate(request)
    assert request.note == "First line.\nSecond line.\tIndented."
