"""DomainError to gRPC status and back, with google.rpc ErrorInfo and BadRequest details. The only mapping there is."""

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from kit.errors import DomainError, Kind, UnavailableError, Violation, rebuild

DOMAIN = "ascms"
# None of us cancels a call: CANCELLED is what a server that is going says of those that it had not begun.
_LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
_AWAY = {*_LOST, grpc.StatusCode.RESOURCE_EXHAUSTED}


def to_status(error: DomainError) -> grpc.Status:
    """What `context.abort_with_status` takes."""
    code = grpc.StatusCode[error.kind.value]
    proto = status_pb2.Status(code=code.value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    proto.details.append(_packed(info))
    if error.violations:
        bad = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=violation.field, reason=violation.reason, description=violation.description
                )
                for violation in error.violations
            ]
        )
        proto.details.append(_packed(bad))
    status: grpc.Status = rpc_status.to_status(proto)
    return status


def from_rpc_error(error: grpc.RpcError) -> DomainError:
    """The DomainError that another service raised, or the nearest to a failure of transport."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    proto = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    kind = Kind(code.name) if code.name in Kind.__members__ else Kind.INTERNAL
    if proto is None:
        if code in _AWAY:
            return UnavailableError("service-away", "A part of the system cannot be reached. Try again in a moment.")
        message = "This took too long." if kind == Kind.DEADLINE_EXCEEDED else "Something went wrong."
        return rebuild(
            kind=kind, reason=kind.value.lower().replace("_", "-"), message=message, violations=(), metadata={}
        )
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in proto.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return rebuild(
        kind=kind,
        reason=info.reason or kind.value.lower().replace("_", "-"),
        message=proto.message,
        violations=[Violation(item.field, item.reason, item.description) for item in bad.field_violations],
        metadata=dict(info.metadata),
    )


def was_lost(error: grpc.RpcError) -> bool:
    """Whether a call met no service at all, or one that was going: the error is the transport's, and not an answer."""
    return isinstance(error, grpc.Call) and error.code() in _LOST and rpc_status.from_call(error) is None


def _packed(message: object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)  # type: ignore[arg-type]  # google.rpc has no types
    return packed
