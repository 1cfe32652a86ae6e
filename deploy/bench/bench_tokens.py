"""What tokens cost: an exchange, a refresh, client credentials, a sign-in, each beside the bare cryptography in it.

The provider and the gRPC server run as the processes that people run. One client asks one thing after another; what
counts is the processor time that the answering process spent (its database's stands beside it), so that neighbours on
the machine change little. The bare side is the same signatures and hashes, by the same libraries, in the same minutes.

`python deploy/bench/bench_tokens.py` prints one JSON object. It uses the test PostgreSQL (tests/support/postgres.py).
"""

import http.client
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from re import search
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil  # type: ignore[import-untyped]
from argon2 import PasswordHasher
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from kit.clock import SystemClock
from kit.db import Database
from kit.ids import uuid7
from kit.rpc.client import Backend, Channels
from services.identity import commands
from services.identity.commands import Attempt, CodeRequest, Deps
from services.identity.secrets import MasterSecret, Passphrases
from services.identity.store import EXTRA_ROLES
from tests.service.identity.world import LEAD, MACHINE, MACHINE_SECRET, SECRET, SERVICE_SECRET, settle
from tests.support.postgres import database_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
EXCHANGES, REFRESHES, CREDENTIALS, SIGN_INS = 300, 150, 150, 12
CLIENTS = 4
_IDLE_SECONDS = 1.0
CLIENT_SECRET = "the gateway's own secret, of thirty-two and more"  # noqa: S105 - of the bench alone
PASSPHRASE = LEAD.passphrase


def main() -> None:
    """Measure each in turn, in rounds, and print rates and ratios."""
    with database_of("identity", worker="bench", extra_roles=EXTRA_ROLES) as url:
        deps = Deps(Database(url, "identity", pool_size=2), SystemClock(), uuid7, MasterSecret(SECRET), Passphrases())
        settle(deps)
        with _running(url) as (provider, office, issuer, rpc):
            found = Bench(deps, url, provider, office, issuer, rpc).measure()
        deps.database.close()
    print(json.dumps(found))


class Bench:
    """The processes under measurement and the client that asks them."""

    def __init__(
        self, deps: Deps, url: str, provider: psutil.Process, office: psutil.Process, issuer: str, rpc: str
    ) -> None:
        """All of it runs already."""
        self.deps, self.provider, self.office, self.issuer = deps, provider, office, issuer
        self.database = urlsplit(url).path.strip("/")
        self.http = Http(issuer)
        self.backend = Backend(Channels(rpc, count=1), identity_pb2_grpc.IdentityServiceStub)
        self.refresh_token, self.access_token = self._tokens()

    def measure(self) -> dict[str, Any]:
        """Rounds of each, the bare things between them; medians."""
        each: dict[str, Callable[[], dict[str, float]]] = {
            "exchange": lambda: self._cost(self.office, EXCHANGES, self.exchange),
            "refresh": lambda: self._cost(self.provider, REFRESHES, self.refresh),
            "credentials": lambda: self._cost(self.provider, CREDENTIALS, self.credentials),
            "sign_in": lambda: self._cost(self.provider, SIGN_INS, self.sign_in),
            "es256": lambda: {"cpu": _seconds(2_000, _signer())},
            "argon2": lambda: {"cpu": _seconds(SIGN_INS, _hasher())},
        }
        for act in each.values():
            act()  # caches and prepared statements
        rounds = [{name: act() for name, act in each.items()} for _ in range(ROUNDS)]
        found: dict[str, Any] = {
            name: {
                what: round(statistics.median(one[name][what] for one in rounds) * 1e6, 1) for what in rounds[0][name]
            }
            for name in each
        }
        found["refresh_per_second"] = round(self._throughput(self.refresh_once))
        found["credentials_per_second"] = round(self._throughput(self.credentials_once))
        needs = {"exchange": found["es256"]["cpu"], "sign_in": found["argon2"]["cpu"]}
        found["ratios"] = {name: round(needed / found[name]["cpu"], 2) for name, needed in needs.items()}
        return found

    def exchange(self) -> None:
        """A session's access token for an internal token."""
        self.backend.call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=self.access_token))

    def refresh(self) -> None:
        """A refresh token for the next."""
        self.refresh_token = self._refreshed(self.http, self.refresh_token)

    def credentials(self) -> None:
        """A machine's credentials for a token."""
        _credentials(self.http)

    def sign_in(self) -> None:
        """The form with the right passphrase, in a fresh browser."""
        _sign_in(self.issuer)

    def refresh_once(self) -> Callable[[], None]:
        """A client with a session of its own."""
        http, token = Http(self.issuer), self._tokens()[0]

        def act() -> None:
            nonlocal token
            token = self._refreshed(http, token)

        return act

    def credentials_once(self) -> Callable[[], None]:
        """A client with a connection of its own."""
        http = Http(self.issuer)
        return lambda: _credentials(http)

    def _refreshed(self, http: "Http", token: str) -> str:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        form |= {"client_id": "gateway", "client_secret": CLIENT_SECRET}
        return str(http.post("/token", form)["refresh_token"])

    def _tokens(self) -> tuple[str, str]:
        """A session's tokens, by the commands: how they came is not what is measured."""
        attempt = Attempt(email=LEAD.email, passphrase=PASSPHRASE, place="bench")
        session = commands.sign_in(self.deps, attempt).session
        asked = CodeRequest("gateway", "http://127.0.0.1:1/return", "openid", "n", "c" * 43)
        code, refresh, access = (secrets.token_urlsafe(32) for _ in range(3))
        commands.give_code(self.deps, session, request=asked, code=code)
        claim = commands.claim_code(self.deps, code, client_id="gateway")
        assert claim is not None
        commands.give_tokens(self.deps, claim, access_token=access, refresh_token=refresh)
        return refresh, access

    def _cost(self, process: psutil.Process, times: int, act: Callable[[], None]) -> dict[str, float]:
        """Seconds of the answering process, of its database, and on the wall, for one."""
        before, database, started = _cpu(process), self._database_cpu(), time.perf_counter()
        for _ in range(times):
            act()
        wall = time.perf_counter() - started
        return {
            "cpu": (_cpu(process) - before) / times,
            "database_cpu": (self._database_cpu() - database) / times,
            "wall": wall / times,
        }

    def _database_cpu(self) -> float:
        backends = [one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == "postgres"]
        return sum(_cpu(one) for one in backends if self.database in " ".join(one.info["cmdline"] or []))

    def _throughput(self, client: Callable[[], Callable[[], None]], *, seconds: float = 5.0) -> float:
        """Answers a second to several clients at once, on this machine as it is."""
        acts = [client() for _ in range(CLIENTS)]
        counts = [0] * CLIENTS
        until = time.perf_counter() + seconds

        def run(number: int) -> None:
            while time.perf_counter() < until:
                acts[number]()
                counts[number] += 1

        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / seconds


class Http:
    """One kept connection."""

    def __init__(self, issuer: str) -> None:
        """Connects when it is used."""
        self._connection = http.client.HTTPConnection(urlsplit(issuer).netloc, timeout=30)
        self._used = 0.0

    def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """The JSON of an answer, which must be 200."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self._connection.close()  # the server has done so; it opens again by itself
        self._connection.request("POST", path, urlencode(form), headers)
        answer = self._connection.getresponse()
        self._used = time.monotonic()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)  # noqa: PLR2004 - OK
        found: dict[str, Any] = json.loads(body)
        return found


def _credentials(client: Http) -> None:
    client.post(
        "/token", {"grant_type": "client_credentials", "client_id": str(MACHINE), "client_secret": MACHINE_SECRET}
    )


def _sign_in(issuer: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(issuer).netloc, timeout=30)
    connection.request("GET", "/sign-in")
    page = connection.getresponse()
    body = page.read().decode()
    token = search(r'name="csrf_token" value="([^"]+)"', body)
    assert token is not None
    cookie = "; ".join(value.partition(";")[0] for value in page.headers.get_all("Set-Cookie") or [])
    form = urlencode({"csrf_token": unescape(token[1]), "email": LEAD.email, "passphrase": PASSPHRASE})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, "Origin": issuer}
    connection.request("POST", "/sign-in", form, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status  # noqa: PLR2004 - See Other
    connection.close()


def _signer() -> Callable[[], object]:
    key, text = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(500)
    return lambda: key.sign(text, ec.ECDSA(SHA256()))


def _hasher() -> Callable[[], object]:
    ours = Passphrases()
    hasher = PasswordHasher(time_cost=ours.passes, memory_cost=ours.memory_kib, parallelism=1)
    stored = hasher.hash(PASSPHRASE)
    return lambda: hasher.verify(stored, PASSPHRASE)


def _seconds(times: int, act: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - started) / times


def _cpu(process: psutil.Process) -> float:
    try:
        return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0.0


@contextmanager
def _running(url: str) -> Iterator[tuple[psutil.Process, psutil.Process, str, str]]:
    web, rpc, health = _free_port(), _free_port(), _free_port()
    issuer = f"http://127.0.0.1:{web}"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "proto" / "gen")]),
        "ASCMS_DATABASE_URL": url,
        "ASCMS_SECRET": SECRET,
        "ASCMS_SERVICE_SECRET": SERVICE_SECRET,
        "ASCMS_BROKER_URL": url,
        "ASCMS_RPC_ADDRESS": f"127.0.0.1:{rpc}",
        "ASCMS_HEALTH_ADDRESS": f"127.0.0.1:{health}",
        "ASCMS_ISSUER": issuer,
        "ASCMS_GATEWAY_CLIENT_SECRET": CLIENT_SECRET,
        "ASCMS_GATEWAY_REDIRECT_URIS": "http://127.0.0.1:1/return",
        "ASCMS_LOG_LEVEL": "WARNING",
    }
    started = [
        subprocess.Popen([sys.executable, "-m", *module.split()], env=environment, cwd=ROOT)
        for module in ("services.identity.web", "services.identity rpc")
    ]
    try:
        for port in (web, rpc):
            _wait(port)
        provider, office = (psutil.Process(one.pid) for one in started)
        yield provider, office, issuer, f"127.0.0.1:{rpc}"
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.wait(timeout=20)


def _wait(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"nothing listens on {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
