"""Where things are and what the person asked for, read once from the environment. Standard library only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
BROKER = "ascms_broker"
"""Database of the embedded broker, and the user that owns it."""
_DEFAULT_PORT = 8080
_HIGHEST_PORT = 65_000
_LOWEST_PORT = 1


class Complaint(Exception):  # noqa: N818 - not a fault of ours: something the person can put right
    """Why the system cannot start, in one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for.

    `state` is the folder everything is kept in; `port` is the gateway's, the others follow from it; `broker_url` is
    empty for the broker on the embedded PostgreSQL; `seeds` tells whether lived-in demo data is wanted.
    """

    state: Path
    port: int
    broker_url: str = ""
    seeds: bool = True

    @property
    def mail_url(self) -> str:
        """Where the mail of this system can be read."""
        return f"http://{HOST}:{self.port + 2}"

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def issuer(self) -> str:
        """The address of identity's pages."""
        return f"http://{HOST}:{self.port + 1}"


def database(service: str) -> str:
    """The name of a service's database."""
    return f"ascms_{service}"


def read(environment: Mapping[str, str] = os.environ) -> Options:
    """Read the ASCMS_* variables; raise Complaint for a wrong one."""
    port = environment.get("ASCMS_PORT") or str(_DEFAULT_PORT)
    if not port.isdecimal() or not _LOWEST_PORT <= int(port) <= _HIGHEST_PORT:
        raise Complaint(f"ASCMS_PORT is a number from {_LOWEST_PORT} to {_HIGHEST_PORT}, not {port!r}: put it right")
    broker_url = environment.get("ASCMS_BROKER_URL", "")
    if broker_url and urlsplit(broker_url).scheme not in {"kafka", "postgresql"}:
        raise Complaint("ASCMS_BROKER_URL begins with kafka:// or postgresql://: put it right, or leave it out")
    state = Path(environment.get("ASCMS_STATE") or ROOT / ".state")
    return Options(
        state=state.absolute(),
        port=int(port),
        broker_url=broker_url,
        seeds=environment.get("ASCMS_SEED", "1") != "0",
    )
