"""Which address each process listens on: everything follows from ASCMS_PORT. Standard library only."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterable

from deploy.local.up.options import HOST, Complaint

_RPC_OFFSET = 10
_HEALTH_OFFSET = 20
_PATIENCE_SECONDS = 0.2


def rpc_address(base: int, place: int) -> str:
    """Where the gRPC of the service in a place listens."""
    return f"{HOST}:{base + _RPC_OFFSET + place}"


def health_address(base: int, place: int) -> str:
    """Where its /health and /metrics are."""
    return f"{HOST}:{base + _HEALTH_OFFSET + place}"


def require_free(addresses: Iterable[str], *, patience_seconds: float) -> None:
    """Raise Complaint for the first address that something else listens on, after waiting for it a while."""
    deadline = time.monotonic() + patience_seconds
    for address in addresses:
        port = int(address.rpartition(":")[2])
        while not _is_free(port):
            if time.monotonic() > deadline:
                raise Complaint(
                    f"port {port} is busy: stop what listens there, or move everything with ASCMS_PORT, "
                    "for example `make up ASCMS_PORT=9080`"
                )
            time.sleep(_PATIENCE_SECONDS)


def _is_free(port: int) -> bool:
    for family, host in ((socket.AF_INET, HOST), (socket.AF_INET, "0.0.0.0")):  # noqa: S104 - to see who else listens there
        with socket.socket(family) as probe:
            # As the servers do: a port that a closed connection lingers on is not busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def answers(url: str) -> bool:
    """Whether a health address says 200 now."""
    address, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=2)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", f"/{path}")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False
