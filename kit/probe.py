"""`python -m kit.probe`: whether the process of this container is ready, for a container's health check.

Asks the address that the process itself was told: ASCMS_HEALTH_ADDRESS of a service, ASCMS_PORT of the gateway, or
ASCMS_WEB_ADDRESS of the sign-in pages. Exit status 0 ready, 1 not.
"""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

_TIMEOUT_SECONDS = 3.0


def ready_url(environment: Mapping[str, str]) -> str:
    """Where readiness is told, on this machine's own loopback whatever interface it listens on."""
    address = environment.get("ASCMS_HEALTH_ADDRESS") or environment.get("ASCMS_WEB_ADDRESS") or ""
    port = address.rpartition(":")[2] or environment.get("ASCMS_PORT", "8080")
    return f"http://127.0.0.1:{int(port)}/health/ready"


def main() -> int:
    """Ask once."""
    try:
        with urllib.request.urlopen(ready_url(os.environ), timeout=_TIMEOUT_SECONDS):  # noqa: S310 - http, to ourselves
            return 0
    except OSError as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
