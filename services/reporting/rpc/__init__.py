"""The doors of reporting: decode, one call, encode."""

from ascms.reporting.v1 import reporting_pb2, reporting_pb2_grpc

from kit.paging import PageTokens
from kit.rpc.server import Servicer
from services.reporting.commands.returns import Deps
from services.reporting.directory import Directory
from services.reporting.rpc.figures import FigureMethods
from services.reporting.rpc.national import NationalMethods
from services.reporting.rpc.returns import ReturnMethods


class ReportingServicer(FigureMethods, NationalMethods, ReturnMethods, reporting_pb2_grpc.ReportingServiceServicer):
    """Every method of the contract, one class per noun."""


def servicer(deps: Deps, directory: Directory, page_tokens: PageTokens) -> Servicer:
    """The service, ready to be served."""
    return Servicer(
        ReportingServicer(deps, directory, page_tokens),
        reporting_pb2_grpc.add_ReportingServiceServicer_to_server,
        reporting_pb2.DESCRIPTOR.services_by_name["ReportingService"],
    )
