"""What every method behind the gRPC door shares."""

from dataclasses import dataclass

from ascms.cases.v1 import cases_pb2

from kit.paging import PageTokens
from kit.rpc.client import Backend
from kit.rpc.server import Call
from services.documents.commands.deps import Deps
from services.documents.letters import Letters


@dataclass(frozen=True)
class Methods:
    """What the methods of every noun share."""

    deps: Deps
    cases: Backend
    page_tokens: PageTokens
    letters: Letters

    def check_case(self, case_id: str, call: Call) -> None:
        """Ask cases, with the caller's own token, whether they may see a case; raises NotFoundError."""
        # A copy of who works on what would refuse the worker just assigned and admit the one just removed.
        self.cases.call("CheckCase", cases_pb2.CheckCaseRequest(case_id=case_id), token=call.token)
