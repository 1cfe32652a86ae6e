"""Work over the REST API with 8 clients: create a case, complete a task, list a person's 20 tasks, read one case.

Needs a running system with cases in it (`make up`, `make seed`): `python -m deploy.bench.bench_work --state .state`.
The clients are a workflow lead's program, all in one process on the same machine as the system. A case is created by
`POST /v1/cases`, for nobody yet, with the look for the same student's open cases that it entails; one case is read with
its student, tasks, pauses and the newest of its entries, and who read it is logged. Prints one JSON object.
"""

import argparse
import itertools
import json
import os
import random
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from deploy.bench.measuring import Seen, measure
from deploy.story.cast import read_cast
from deploy.story.signin import Program

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 6.0
CLIENTS = 8
_PAGE = 200
_TASKS, _CASES = 4_000, 1_000
"""How many are asked for beforehand, so that asking is not measured."""
_OK = 200

Work = Callable[["Client"], object]


class Client:
    """One connection of a program that is signed in."""

    def __init__(self, base_url: str, token: str) -> None:
        """Connects with the first call."""
        self._http = HTTPConnection(urlsplit(base_url).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str, **query: str | int) -> Any:
        """Read."""
        return self._ask("GET", f"/api/v1{path}?{urlencode(query)}" if query else f"/api/v1{path}")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Write, with a key of its own."""
        return self._ask("POST", f"/api/v1{path}", json.dumps(body), {"Idempotency-Key": str(uuid4())})

    def every(self, path: str, what: str, *, most: int, **query: str | int) -> list[dict[str, Any]]:
        """A list, page by page, up to so many."""
        found: list[dict[str, Any]] = []
        token = ""
        while len(found) < most:
            answer = self.get(path, page_size=_PAGE, **query, **({"page_token": token} if token else {}))
            found += answer.get(what, [])
            token = answer.get("next_page_token", "")
            if not token:
                break
        return found[:most]

    def _ask(self, method: str, path: str, body: str = "", more: dict[str, str] | None = None) -> Any:
        self._http.request(method, path, body=body or None, headers=self._headers | (more or {}))
        response = self._http.getresponse()
        content = response.read()
        if response.status != _OK:
            raise SystemExit(f"bench: {method} {path.partition('?')[0]} answered {response.status}: {content[:300]!r}")
        return json.loads(content)


def main() -> None:
    """Measure each kind of work."""
    parser = argparse.ArgumentParser(prog="bench_work")
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("ASCMS_STATE") or ROOT / ".state"))
    state = parser.parse_args().state
    cast = read_cast(state / "demo.json")
    token = Program(cast.issuer).tokens_of(cast.one("workflow_lead")).access_token
    first = Client(cast.base_url, token)
    tasks = first.every("/tasks", "tasks", most=_TASKS)
    cases = [case["case_id"] for case in first.every("/cases", "cases", most=_CASES)]
    owners = sorted({task["owner_id"] for task in tasks})
    chance = random.Random(1)  # noqa: S311 - which case is read
    chance.shuffle(tasks)
    # What several threads draw from, one thing each: the next of a list, and the next number.
    to_complete = iter([task["task_id"] for task in tasks])
    numbers = itertools.count(int(time.time()))
    work: dict[str, Work] = {
        "list": lambda client: client.get("/tasks", owner_id=chance.choice(owners), page_size=20),
        "one": lambda client: client.get(f"/cases/{chance.choice(cases)}"),
        "complete": lambda client: client.post(f"/tasks/{next(to_complete)}:complete", {"outcome": "Done."}),
        "create": lambda client: client.post("/cases", _case(next(numbers))),
    }
    found: dict[str, Any] = {name: _measure(state, cast.base_url, token, one) for name, one in work.items()}
    print(json.dumps({"measure": "work over REST, 8 clients", **found}))


def _measure(state: Path, base_url: str, token: str, work: Work) -> Seen:
    ends_at = time.perf_counter() + SECONDS

    def run(_number: int) -> list[float]:
        client, took = Client(base_url, token), []
        while (started := time.perf_counter()) < ends_at:
            try:
                work(client)
            except StopIteration:  # Every task that was asked for is done.
                break
            took.append(time.perf_counter() - started)
        return took

    return measure(state, run, clients=CLIENTS)


def _case(number: int) -> dict[str, Any]:
    return {
        "student": {
            "given_names": "Tama",
            "family_name": f"Bench{number}",
            "date_of_birth": "2014-05-06",
            "year_level": 7,
            "gender": "GENDER_MALE",
        },
        "reason": "whanau_asked",
        "concern": "Away most mornings since the start of term.",
    }


if __name__ == "__main__":
    main()
