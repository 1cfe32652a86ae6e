"""Calls between processes: too many at once, a bad network, servers that are replaced under load."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.errors import DomainError
from kit.rpc import client as rpc_client
from kit.rpc import server as rpc_server
from kit.rpc.client import Backend, Channels
from kit.rpc.server import Server, ServerOptions, serve
from tests.faults.history import Judge
from tests.support.stubs import Stub
from tests.support.tokens import person, token_for, verifier

LEAD = person(1, "cases:read", tenant=uuid4())
QUESTION = cases_pb2.GetCaseRequest(case_id=str(uuid4()))
WORK_SECONDS = 0.02
THREADS = 4


def start(address: str = "127.0.0.1:0", *, share_port: bool = False) -> Server:
    """A server whose calls take the time of some work."""
    stub = Stub("cases")
    answer = cases_pb2.GetCaseResponse()

    def work(_request: object) -> cases_pb2.GetCaseResponse:
        time.sleep(WORK_SECONDS)
        stub.received.clear()
        return answer

    stub.on("GetCase", work)
    options = ServerOptions(share_port=share_port)
    started = serve(address=address, servicers=[stub.servicer()], verifier=verifier(), threads=THREADS, options=options)
    started.set_ready(is_ready=True)
    return started


def ask(backend: Backend, *, seconds: float) -> tuple[str, float]:
    """One call: what came of it, and after how long."""
    began = time.monotonic()
    try:
        backend.call("GetCase", QUESTION, token=token_for(LEAD), timeout_seconds=seconds)
    except DomainError as error:
        return error.reason, time.monotonic() - began
    return "answered", time.monotonic() - began


def test_17_three_times_as_many_calls_as_it_can_do(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what it can do is done in time, the rest is refused at once. Control: it takes whatever comes."""
    if not judge.holds:
        monkeypatch.setattr(rpc_server, "_CALLS_A_THREAD", 10_000)
    seconds, patience = judge.size(2, 20), 0.4
    started = start()
    capacity = THREADS / WORK_SECONDS
    outcomes: list[tuple[str, float]] = []
    backend = Backend(Channels(f"127.0.0.1:{started.port}"), cases_pb2_grpc.CasesServiceStub)
    ask(backend, seconds=5)
    with ThreadPoolExecutor(200) as callers:
        began = time.monotonic()
        asked = []
        for number in range(int(3 * capacity * seconds)):
            time.sleep(max(0.0, began + number / (3 * capacity) - time.monotonic()))
            asked.append(callers.submit(ask, backend, seconds=patience))
        outcomes = [each.result() for each in asked]
    lasted = time.monotonic() - began
    backend.close()
    started.stop(0)
    told = Counter(reason for reason, _ in outcomes)
    useful = told["answered"] / (capacity * lasted)
    refusals = sorted(took for reason, took in outcomes if reason == "service-away") or [0.0]
    judge.say(f"{len(outcomes)} calls in {lasted:.1f} s for {capacity:.0f}/s: {dict(told)}, useful {useful:.0%}")
    judge.expect_that(
        "what is refused is refused as too much", is_so=set(told) <= {"answered", "service-away", "deadline-exceeded"}
    )
    judge.expect_that(
        "few wait in vain", is_so=told["deadline-exceeded"] <= (0.1 if judge.is_long else 0.5) * len(outcomes)
    )
    judge.expect_time("95 of 100 refusals", refusals[int(0.95 * len(refusals))], at_most=0.1)
    if judge.is_long:
        judge.expect_that("at least 80 % of what it can do is useful", is_so=useful >= 0.8)
    judge.decide()


def test_24_servers_are_replaced_under_load(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, and nobody notices. Control: the old one goes first, and what is lost is not repeated."""
    if not judge.holds:
        monkeypatch.setattr(rpc_client, "was_lost", lambda _error: False)
    rolls, enough = judge.size(4, 60), threading.Event()
    current = start(share_port=True)
    address = f"127.0.0.1:{current.port}"
    backend = Backend(Channels(address), cases_pb2_grpc.CasesServiceStub)
    ask(backend, seconds=10)

    def keep_asking() -> Counter[str]:
        told: Counter[str] = Counter()
        while not enough.is_set():
            told[ask(backend, seconds=10)[0]] += 1
        return told

    with ThreadPoolExecutor(THREADS) as callers:
        asking = [callers.submit(keep_asking) for _ in range(THREADS)]
        for _ in range(rolls):
            if not judge.holds:
                current.stop(5)
                enough.wait(0.3)
            following = start(address, share_port=True)
            if judge.holds:
                current.stop(5)
            current = following
            enough.wait(0.3)
        enough.set()
        told = sum((each.result() for each in asking), Counter[str]())
    backend.close()
    current.stop(0)
    judge.say(f"{rolls} servers replaced, {told.total()} calls: {dict(told)}")
    judge.expect("calls that were not answered", {reason: n for reason, n in told.items() if reason != "answered"}, {})
    judge.decide()
