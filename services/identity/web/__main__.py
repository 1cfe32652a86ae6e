"""`python -m services.identity.web`: the provider under gunicorn, in this process."""

import socket
import sys
from typing import NoReturn

from gunicorn.app.wsgiapp import run

from kit.config import SettingsError, load
from services.identity.web.settings import ProviderSettings

_WRONG_SETTINGS = 2


def main() -> None:
    """Check what a person can put right, then run gunicorn; exits with 2 and one clear line if it cannot."""
    try:
        settings = load(ProviderSettings)
    except SettingsError as error:
        _stop(f"wrong settings\n{error}")
    host, _, port = settings.bind.rpartition(":")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except OSError as error:
        _stop(f"cannot listen on {settings.bind}: {error.strerror}. Is another copy running?")
    # Here and not in another interpreter: everything it serves has been imported on the way to this line.
    command = ["gunicorn", "--bind", settings.bind]
    # One worker: memory is what a small machine lacks, and hashing passphrases leaves the interpreter to others anyway.
    command += ["--workers", "1", "--threads", str(settings.web_threads)]
    command += ["--worker-class", "kit.web.worker.PlainWorker"]
    command += ["--graceful-timeout", "5", "--log-level", "warning", "services.identity.web:create_app()"]
    sys.argv = command
    run()


def _stop(why: str) -> NoReturn:
    print(f"services.identity.web: {why}", file=sys.stderr)  # noqa: T201 - before there is a log
    sys.exit(_WRONG_SETTINGS)


if __name__ == "__main__":
    main()
