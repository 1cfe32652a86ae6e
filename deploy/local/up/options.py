"""Where things are and what the person asked for, read once from the environment. Standard library only."""

import os
from collections.abc import Mapping, Sequence
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
_SERVERS: Mapping[str, Sequence[str]] = {
    "postgres_url": ("postgresql",),
    "broker_url": ("kafka", "postgresql"),
    "store_url": ("s3", "folder"),
}
"""What may be taken from elsewhere, each by the variable of its name, and how its address begins."""


class Complaint(Exception):  # noqa: N818 - not a fault of ours: something the person can put right
    """Why the system cannot start, in one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for.

    `state` is the folder everything is kept in; `port` is the gateway's, the others follow from it. `postgres_url` is
    an administrator's connection, empty for the embedded PostgreSQL; `broker_url` is empty for the broker on
    PostgreSQL; `store_url` is empty for a folder of files. `is_real` starts a server of each kind and takes those;
    `seeds` tells whether lived-in demo data is wanted.
    """

    state: Path
    port: int
    postgres_url: str = ""
    broker_url: str = ""
    store_url: str = ""
    is_real: bool = False
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
    is_real = environment.get("ASCMS_REAL") == "1"
    # Data on other servers are other data: what was noted about the one must not be believed of the other.
    state = Path(environment.get("ASCMS_STATE") or ROOT / (".state-real" if is_real else ".state"))
    return Options(
        state=state.absolute(),
        port=int(port),
        is_real=is_real,
        seeds=environment.get("ASCMS_SEED", "1") != "0",
        **{name: _server(environment, f"ASCMS_{name.upper()}", schemes) for name, schemes in _SERVERS.items()},
    )


def _server(environment: Mapping[str, str], name: str, schemes: Sequence[str]) -> str:
    """A server's address; its value may hold a secret and is not repeated."""
    url = environment.get(name, "")
    if url and urlsplit(url).scheme not in schemes:
        raise Complaint(
            f"{name} begins with {' or '.join(f'{one}://' for one in schemes)}: put it right, or leave it out"
        )
    return url
