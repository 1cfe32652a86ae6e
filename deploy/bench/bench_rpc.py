"""One RPC through the whole edge, divided by a bare grpcio call of the same messages.

Both servers run in processes of their own, four threads each; one client process keeps 12 calls in flight. The answer
is about 1 KB. The client costs as much as the server, so calls a second say little about either: what is compared is
the processor time that the server spends on a call, and the calls that one core can therefore answer in a second. Aim:
the edge (token, permission, field rules, metrics, error mapping) keeps at least 0.6 of the bare rate.

`python deploy/bench/bench_rpc.py` prints one JSON object.
"""

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent import futures
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.actor import Actor
from kit.rpc.server import Call, Servicer, read, serve
from tests.support.tokens import person, token_for, verifier

SECONDS = 4.0
IN_FLIGHT = 12
ROUNDS = 3


def answer() -> cases_pb2.GetCaseResponse:
    """A case of about 1 KB."""
    case = cases_pb2.Case(case_id=str(uuid4()), number="26-00001", concern="x" * 800)
    return cases_pb2.GetCaseResponse(case=case)


class Behind(cases_pb2_grpc.CasesServiceServicer):
    """Answers through the edge."""

    @read
    def GetCase(self, _request: cases_pb2.GetCaseRequest, _call: Call) -> cases_pb2.GetCaseResponse:
        """The same case each time."""
        return answer()


class Bare(cases_pb2_grpc.CasesServiceServicer):
    """Answers with nothing in between."""

    def GetCase(self, _request: cases_pb2.GetCaseRequest, _context: object) -> cases_pb2.GetCaseResponse:
        """The same case each time."""
        return answer()


def serve_behind(port: Connection) -> None:
    """Run the edge's server and tell its port."""
    servicer = Servicer(
        Behind(),  # type: ignore[abstract]  # one method is all that is called
        cases_pb2_grpc.add_CasesServiceServicer_to_server,
        cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    )
    # The client's key is made in this process's parent and passed by fork.
    server = serve(address="127.0.0.1:0", servicers=[servicer], verifier=verifier(), threads=4)
    port.send(server.port)
    server.server.wait_for_termination()


def serve_bare(port: Connection) -> None:
    """Run a plain grpcio server and tell its port."""
    server = grpc.server(futures.ThreadPoolExecutor(4), maximum_concurrent_rpcs=16 * 4)
    cases_pb2_grpc.add_CasesServiceServicer_to_server(Bare(), server)  # type: ignore[abstract]
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    port.send(number)
    server.wait_for_termination()


def processor_seconds(process: multiprocessing.process.BaseProcess) -> float:
    """User and system time that a process has spent so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(target: Callable[[Connection], None], actor: Actor) -> dict[str, float]:
    """Calls a core answers in a second, calls seen in a second, and the median of a lone call in milliseconds."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs,), daemon=True)
    process.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{ours.recv()}")
    call: Any = cases_pb2_grpc.CasesServiceStub(channel).GetCase
    metadata = [("authorization", f"Bearer {token_for(actor)}"), ("x-request-id", "bench")]
    request = cases_pb2.GetCaseRequest(case_id=str(uuid4()))
    for _ in range(200):
        call(request, metadata=metadata)
    alone = []
    for _ in range(300):
        started = time.perf_counter()
        call(request, metadata=metadata)
        alone.append(time.perf_counter() - started)
    started = time.perf_counter()
    ends_at = started + SECONDS

    def keep_calling(_number: int) -> int:
        done = 0
        while time.perf_counter() < ends_at:
            call(request, metadata=metadata)
            done += 1
        return done

    before = processor_seconds(process)
    with futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
        done = sum(pool.map(keep_calling, range(IN_FLIGHT)))
    spent = processor_seconds(process) - before
    elapsed = time.perf_counter() - started
    channel.close()
    process.kill()
    process.join()
    return {
        "per_core": round(done / spent),
        "seen": round(done / elapsed),
        "alone_ms": round(statistics.median(alone) * 1000, 3),
    }


def main() -> None:
    """Measure both in turn, and print the medians and their ratio."""
    actor = person(1, "cases:read", tenant=UUID(int=1))
    token_for(actor)
    bare, edge = [], []
    for _ in range(ROUNDS):
        bare.append(rate(serve_bare, actor))
        edge.append(rate(serve_behind, actor))
    middle_bare = statistics.median(one["per_core"] for one in bare)
    middle_edge = statistics.median(one["per_core"] for one in edge)
    print(
        json.dumps(
            {
                "measure": "one RPC through the edge / bare grpcio",
                "edge_per_core_second": middle_edge,
                "bare_per_core_second": middle_bare,
                "ratio": round(middle_edge / middle_bare, 2),
                "edge_alone_ms": statistics.median(one["alone_ms"] for one in edge),
                "bare_alone_ms": statistics.median(one["alone_ms"] for one in bare),
                "aim": 0.6,
            }
        )
    )


if __name__ == "__main__":
    main()
