"""gRPC as someone inside the network would try it: with the internal token of a person who has no business there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from ascms.cases.v1 import cases_pb2, cases_pb2_grpc
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc

_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Inside:
    """Where the services' gRPC listens: `{"identity": "127.0.0.1:8090", …}`."""

    addresses: dict[str, str]

    def status_of_case(self, case_id: str, *, access_token: str) -> str:
        """The status with which cases answers GetCase to whoever the access token stands for: "NOT_FOUND"."""
        token = self._internal(access_token)
        with grpc.insecure_channel(self.addresses["cases"]) as channel:
            stub = cases_pb2_grpc.CasesServiceStub(channel)
            return _status(stub.GetCase, cases_pb2.GetCaseRequest(case_id=case_id), token)

    def status_without_token(self, case_id: str) -> str:
        """The same for nobody at all."""
        with grpc.insecure_channel(self.addresses["cases"]) as channel:
            stub = cases_pb2_grpc.CasesServiceStub(channel)
            return _status(stub.GetCase, cases_pb2.GetCaseRequest(case_id=case_id), "")

    def _internal(self, access_token: str) -> str:
        with grpc.insecure_channel(self.addresses["identity"]) as channel:
            stub = identity_pb2_grpc.IdentityServiceStub(channel)
            request = identity_pb2.ExchangeTokenRequest(access_token=access_token)
            token: str = stub.ExchangeToken(request, timeout=_TIMEOUT_SECONDS).token
            return token


def read_inside(state: Path, *, base_url: str) -> Inside | None:
    """The addresses that `make up` wrote down, if they belong to the system at `base_url`."""
    path = state / "addresses.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Inside(found["rpc"]) if found["base_url"] == base_url else None


def _status(rpc: Any, request: Any, token: str) -> str:
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        rpc(request, timeout=_TIMEOUT_SECONDS, metadata=metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"
