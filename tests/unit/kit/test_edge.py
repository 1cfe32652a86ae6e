"""The edge in front of a handler: who may call, what a request must be, what an error looks like."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.actor import system_actor
from kit.errors import (
    DomainError,
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
    StaleVersionError,
    UnauthenticatedError,
)
from kit.rpc.server import Call, Servicer, read
from tests.support.rpc import Caller, running
from tests.support.tokens import person

TENANT = UUID(int=7)
READER = person(1, "cases:read", tenant=TENANT)
REQUEST = cases_pb2.CheckCaseRequest(case_id="01890a5d-ac96-774b-bcce-b302099a8057")


class Saying(cases_pb2_grpc.CasesServiceServicer):
    """Answers, or raises what it was told to."""

    raises: Exception | None = None
    seen: Call | None = None

    @read
    def CheckCase(self, _request: cases_pb2.CheckCaseRequest, call: Call) -> cases_pb2.CheckCaseResponse:
        self.seen = call
        if self.raises is not None:
            raise self.raises
        return cases_pb2.CheckCaseResponse(number="26-00001")


@pytest.fixture
def saying() -> Saying:
    return Saying()  # type: ignore[abstract]  # one method is all that is called


@pytest.fixture
def call(saying: Saying) -> Iterator[Caller]:
    servicer = Servicer(
        saying,
        cases_pb2_grpc.add_CasesServiceServicer_to_server,
        cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    )
    with running(servicer, cases_pb2_grpc.CasesServiceStub) as caller:
        yield caller


def test_a_caller_with_the_permission_is_answered(call: Caller, saying: Saying) -> None:
    assert call("CheckCase", REQUEST, as_=READER).number == "26-00001"
    assert saying.seen is not None
    assert saying.seen.actor == READER


def test_nobody_is_refused(call: Caller, saying: Saying) -> None:
    with pytest.raises(UnauthenticatedError):
        call("CheckCase", REQUEST, as_=None)
    assert saying.seen is None


@pytest.mark.parametrize("actor", [person(2, tenant=TENANT), system_actor("documents", TENANT)])
def test_a_caller_without_the_permission_is_refused(call: Caller, saying: Saying, actor: object) -> None:
    with pytest.raises(PermissionDeniedError):
        call("CheckCase", REQUEST, as_=actor)  # type: ignore[arg-type]
    assert saying.seen is None


def test_a_request_that_breaks_its_contract_never_reaches_the_handler(call: Caller, saying: Saying) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call("CheckCase", cases_pb2.CheckCaseRequest(case_id="7"), as_=READER)
    assert [violation.field for violation in caught.value.violations] == ["case_id"]
    assert saying.seen is None


@pytest.mark.parametrize(
    "raised",
    [
        FailedPreconditionError("open-tasks", "Two tasks are open.", metadata={"count": "2"}),
        StaleVersionError(expected=3, actual=5),
    ],
)
def test_an_error_arrives_as_it_was_raised(call: Caller, saying: Saying, raised: DomainError) -> None:
    saying.raises = raised
    with pytest.raises(DomainError) as caught:
        call("CheckCase", REQUEST, as_=READER)
    seen = caught.value
    assert (seen.kind, seen.reason, seen.message, seen.metadata) == (
        raised.kind,
        raised.reason,
        raised.message,
        raised.metadata,
    )


def test_an_unexpected_error_tells_nothing_of_its_text(call: Caller, saying: Saying) -> None:
    saying.raises = ValueError("the name of a student")
    with pytest.raises(DomainError) as caught:
        call("CheckCase", REQUEST, as_=READER)
    assert caught.value.reason == "internal"
    assert "student" not in str(caught.value)
