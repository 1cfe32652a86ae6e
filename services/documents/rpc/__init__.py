"""The doors of documents: decode, one call, encode. One class of methods per noun."""

from ascms.documents.v1 import documents_pb2, documents_pb2_grpc

from kit.paging import PageTokens
from kit.rpc.client import Backend
from kit.rpc.server import Servicer
from services.documents.commands.deps import Deps
from services.documents.letters import Letters
from services.documents.rpc.files import FileMethods
from services.documents.rpc.guides import GuideMethods
from services.documents.rpc.letters import LetterMethods
from services.documents.rpc.sharing import SharingMethods


class DocumentsServicer(
    FileMethods, SharingMethods, LetterMethods, GuideMethods, documents_pb2_grpc.DocumentsServiceServicer
):
    """Every method of the contract."""


def servicer(deps: Deps, cases: Backend, page_tokens: PageTokens, letters: Letters) -> Servicer:
    """The service, ready to be served."""
    return Servicer(
        DocumentsServicer(deps, cases, page_tokens, letters),
        documents_pb2_grpc.add_DocumentsServiceServicer_to_server,
        documents_pb2.DESCRIPTOR.services_by_name["DocumentsService"],
    )
