"""Who at the student's school gets the notices about a case."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, events_pb2

from kit.errors import ConflictError, DomainError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from tests.service.cases.conftest import (
    ATTENDANCE_LEAD,
    LEAD,
    MANAGER,
    OTHER_ATTENDANCE_LEAD,
    OTHER_LEAD,
    SCHOOL,
)
from tests.support.rpc import Caller

Make = Callable[..., Any]
TOLD = "SELECT payload FROM outbox WHERE type = 'ascms.cases.v1.PrimaryContactSet' ORDER BY id"


def naming(case_id: str, who: Any = ATTENDANCE_LEAD, **fields: Any) -> cases_pb2.SetPrimaryContactRequest:
    person_id = str(who.person_id) if who else ""
    return cases_pb2.SetPrimaryContactRequest(case_id=case_id, person_id=person_id, **fields)


def test_one_person_of_the_school_is_named_and_can_be_taken_back(call: Caller, opened: Make, rows: Make) -> None:
    case = opened()
    answer = call("SetPrimaryContact", naming(case.case_id), as_=LEAD, idempotency_key="c")
    assert call("SetPrimaryContact", naming(case.case_id), as_=LEAD, idempotency_key="c") == answer
    assert (answer.case.primary_contact_id, answer.case.version) == (str(ATTENDANCE_LEAD.person_id), case.version + 1)
    [event] = rows(TOLD)
    assert events_pb2.PrimaryContactSet.FromString(event["payload"]) == events_pb2.PrimaryContactSet(
        case_id=case.case_id,
        school_id=str(SCHOOL),
        person_id=str(ATTENDANCE_LEAD.person_id),
        set_by=str(LEAD.person_id),
    )
    assert rows("SELECT actor_id FROM audit WHERE action = 'set-primary-contact'") == [{"actor_id": LEAD.person_id}]
    with pytest.raises(FailedPreconditionError):
        call("SetPrimaryContact", naming(case.case_id), as_=LEAD)
    assert call("SetPrimaryContact", naming(case.case_id, None), as_=LEAD).case.primary_contact_id == ""
    seen = call("GetCase", cases_pb2.GetCaseRequest(case_id=case.case_id), as_=MANAGER).case
    assert seen.primary_contact_id == ""
    assert len(rows(TOLD)) == 2


@pytest.mark.parametrize("who", [OTHER_ATTENDANCE_LEAD, MANAGER], ids=["another school", "the provider's own"])
def test_it_is_someone_of_the_students_school(call: Caller, opened: Make, who: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        call("SetPrimaryContact", naming(opened().case_id, who), as_=LEAD)
    assert [(each.field, each.reason) for each in raised.value.violations] == [("person_id", "not-a-contact")]


def test_others_find_nothing_and_a_stale_version_is_refused(call: Caller, opened: Make, rows: Make) -> None:
    case_id = opened().case_id
    with pytest.raises(NotFoundError):
        call("SetPrimaryContact", naming(case_id), as_=OTHER_LEAD)
    with pytest.raises(DomainError, match="Your role does not allow this"):
        call("SetPrimaryContact", naming(case_id), as_=MANAGER)
    with pytest.raises(ConflictError):
        call("SetPrimaryContact", naming(case_id, expected_version=7), as_=LEAD)
    assert rows(TOLD) == []
