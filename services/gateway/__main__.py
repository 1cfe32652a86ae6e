"""`python -m services.gateway`: the gateway under gunicorn, in this process's place."""

import os
import socket
import sys
import tempfile
from typing import NoReturn

from kit.config import SettingsError, load
from services.gateway.config import GatewaySettings

_WRONG_SETTINGS = 2


def main() -> None:
    """Check what a person can put right, then become gunicorn; exits with 2 and one clear line if it cannot start."""
    try:
        settings = load(GatewaySettings)
    except SettingsError as error:
        _stop(f"wrong settings\n{error}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        _stop(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. Is another copy running?")
    # Workers add their counts up in files: prometheus_client looks for this before it is imported.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="ascms-gateway-metrics-"))
    conf = "python:services.gateway.gunicorn_conf"
    command = [sys.executable, "-m", "gunicorn", "--config", conf, "services.gateway.app:create_app()"]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, nothing from outside


def _stop(why: str) -> NoReturn:
    print(f"services.gateway: {why}", file=sys.stderr)  # noqa: T201 - before there is a log
    sys.exit(_WRONG_SETTINGS)


if __name__ == "__main__":
    main()
