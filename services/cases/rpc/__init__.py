"""The gRPC door: decode, one call, encode. Reads of lists go straight to the store."""

from ascms.cases.v1 import cases_pb2, cases_pb2_grpc

from kit.paging import PageTokens
from kit.rpc.server import Servicer
from services.cases.commands.deps import Deps
from services.cases.rpc.answers import AnswerMethods
from services.cases.rpc.cases import CaseMethods
from services.cases.rpc.drafts import DraftMethods
from services.cases.rpc.entries import EntryMethods
from services.cases.rpc.leavers import LeaverMethods
from services.cases.rpc.letters import LetterMethods
from services.cases.rpc.overview import OverviewMethods
from services.cases.rpc.pauses import PauseMethods
from services.cases.rpc.requests import RequestMethods
from services.cases.rpc.searching import SearchMethods
from services.cases.rpc.sharing import SharingMethods
from services.cases.rpc.tasks import TaskMethods


class CasesServicer(
    RequestMethods,
    DraftMethods,
    AnswerMethods,
    SearchMethods,
    CaseMethods,
    EntryMethods,
    TaskMethods,
    PauseMethods,
    OverviewMethods,
    SharingMethods,
    LeaverMethods,
    LetterMethods,
    cases_pb2_grpc.CasesServiceServicer,
):
    """Every method of the contract, one class per noun."""


def servicer(deps: Deps, page_tokens: PageTokens) -> Servicer:
    """The service, ready to be served."""
    return Servicer(
        CasesServicer(deps, page_tokens),
        cases_pb2_grpc.add_CasesServiceServicer_to_server,
        cases_pb2.DESCRIPTOR.services_by_name["CasesService"],
    )
