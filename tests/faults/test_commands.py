"""Commands of a real service: called over a bad network, and by a clock that is wrong."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.clock import FixedClock
from kit.errors import DomainError
from kit.paging import PageTokens
from kit.rpc.client import Backend, Channels
from kit.rpc.server import serve
from kit.tokens import Verifier
from services.cases.commands.deps import Deps
from services.cases.rpc import servicer
from tests.faults.history import Judge
from tests.service.cases import conftest as cases_conftest
from tests.service.cases.conftest import MANAGER
from tests.support.proxy import Fault, tcp_proxy
from tests.support.rpc import Caller
from tests.support.tokens import public_keys, token_for, verifier

Make = Callable[..., Any]
call, cases_url, database, deps, directory = (
    cases_conftest.call,
    cases_conftest.cases_url,
    cases_conftest.database,
    cases_conftest.deps,
    cases_conftest.directory,
)
draft, opened, rows, submitted, visit = (
    cases_conftest.draft,
    cases_conftest.opened,
    cases_conftest.rows,
    cases_conftest.submitted,
    cases_conftest.visit,
)

FAULTS = [Fault.LATENCY, Fault.RESET, Fault.BLACK_HOLE, Fault.DRIP]
PATIENCE_SECONDS = 1.0


def test_16_between_a_caller_and_a_service(judge: Judge, deps: Deps, call: Caller, opened: Make, visit: Make) -> None:
    """A write that is repeated with its key until it is answered happens once. Control: a new key each time."""
    case, written, refused = opened(), 0, 0
    server = serve(
        address="127.0.0.1:0",
        servicers=[servicer(deps, PageTokens("tests"))],
        verifier=verifier(),
        database=deps.database,
    )
    with tcp_proxy(server.port) as (network, port):
        backend = Backend(Channels(f"127.0.0.1:{port}", count=1), cases_pb2_grpc.CasesServiceStub)

        def record(note: str, key: str, seconds: float) -> bool:
            try:
                backend.call(
                    "RecordEvent",
                    visit(case.case_id, note=note, minutes=0),
                    token=token_for(MANAGER),
                    idempotency_key=key if judge.holds else str(uuid4()),
                    timeout_seconds=seconds,
                )
            except DomainError as error:
                judge.expect_that(
                    f"{error.reason} is a word for it", is_so=error.kind.value in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
                )
                return False
            return True

        for fault in FAULTS * judge.size(1, 10):
            key, note = str(uuid4()), f"{written} {fault.value}"
            record(f"{note}, before", str(uuid4()), 5)
            network.fault = fault
            if not record(note, key, PATIENCE_SECONDS):
                refused += 1
            network.mend()
            while not record(note, key, 5):
                refused += 1
            written += 2
        backend.close()
    server.stop(0)
    page = call("ListEvents", cases_pb2.ListEventsRequest(case_id=case.case_id, page_size=200), as_=MANAGER)
    notes = sorted(entry.note for entry in page.entries)
    judge.say(f"{written} writes, {refused} attempts without an answer")
    judge.expect("entries that are there twice", len(notes) - len(set(notes)), 0)
    judge.expect("entries", len(set(notes)), written)
    judge.decide()


@pytest.mark.parametrize("skew_seconds", [-30, 30])
def test_19_clocks_that_differ(judge: Judge, skew_seconds: int) -> None:
    """A service half a minute off takes a new token, and one of 25 seconds. Control: five minutes off."""
    off = skew_seconds if judge.holds else 10 * skew_seconds
    token = token_for(MANAGER)
    for age in (0, 25):
        far = Verifier(public_keys, now=lambda: time.time() + off + age)  # noqa: B023
        try:
            far.verify(token)
        except DomainError as error:
            judge.broken.append(f"a token of {age} s is refused by a clock {off} s off: {error.reason}")
    judge.decide()


def test_19_a_clock_that_is_put_back(
    judge: Judge, call: Caller, opened: Make, visit: Make, rows: Make, clock: FixedClock
) -> None:
    """An hour back in the middle of the work, and the work goes on. Control: a day, to before what is recorded."""
    case, answers, refused = opened(), [], 0
    for step in (timedelta(), -timedelta(hours=1) if judge.holds else -timedelta(days=1), timedelta(minutes=1)):
        clock.moment += step
        try:
            answers.append(
                call("RecordEvent", visit(case.case_id, minutes=1), as_=MANAGER, idempotency_key=str(uuid4()))
            )
        except DomainError:
            refused += 1
    page = call("ListEvents", cases_pb2.ListEventsRequest(case_id=case.case_id), as_=MANAGER)
    judge.say(f"{len(answers)} of 3 commands done, the clock put back once")
    judge.expect("refused", refused, 0)
    judge.expect("entries", len(page.entries), 3)
    judge.expect_that("versions rise", is_so=(found := [one.version for one in answers]) == sorted(set(found)))
    judge.expect_that("positions rise", is_so=(found := [one.position for one in answers]) == sorted(set(found)))
    judge.expect("audit entries", len(rows("SELECT 1 FROM audit WHERE action = 'record-event'")), 3)
    judge.decide()
