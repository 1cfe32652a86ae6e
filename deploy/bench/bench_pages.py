"""How long pages take with 1 and with 20 people: the list of fifty cases, a case, a search, over HTTP.

Needs a running system with cases in it (`make up`, `make seed`): `python -m deploy.bench.bench_pages --state .state`.
People are one signed-in workflow lead with as many browsers as asked for; each opens pages one after another without
pause. Prints one JSON object: the 50th and 95th percentile in milliseconds, and what a page costs the whole system in
processor time, which means the same on a machine that does other work besides.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import requests

from deploy.bench.measuring import Seen, measure
from deploy.story.browser import Browser
from deploy.story.cast import read_cast
from deploy.story.signin import sign_in

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 6.0
PEOPLE = (1, 20)
WORDS = "tama kereru"
"""What is searched for: a given name that many have, and a part of a family name that many have."""


def main() -> None:
    """Measure each page with each number of people."""
    parser = argparse.ArgumentParser(prog="bench_pages")
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("ASCMS_STATE") or ROOT / ".state"))
    state = parser.parse_args().state
    cast = read_cast(state / "demo.json")
    browser = Browser(cast.base_url)
    sign_in(browser, cast.one("workflow_lead"))
    listing = browser.get("/cases")
    case = next(address for address, _ in listing.links if re.search(r"/cases/[0-9a-f-]{36}$", address))
    form = browser.get("/search").form("q")
    fields = {**form.values, "q": [WORDS]}
    origin = {"Origin": cast.base_url, "Referer": f"{cast.base_url}/"}
    opened: dict[str, Callable[[requests.Session], requests.Response]] = {
        "list": lambda session: session.get(f"{cast.base_url}/cases", timeout=30),
        "case": lambda session: session.get(case, timeout=30),
        "search": lambda session: session.post(form.action, data=fields, headers=origin, timeout=30),
    }
    found = {
        f"{name}_with_{people}": _measure(ask, state=state, cookies=browser.cookies(), people=people)
        for name, ask in opened.items()
        for people in PEOPLE
    }
    print(json.dumps({"measure": "pages over HTTP, milliseconds", **found}))


def _measure(
    ask: Callable[[requests.Session], requests.Response], *, state: Path, cookies: dict[str, str], people: int
) -> Seen:
    ends_at = time.perf_counter() + SECONDS

    def read(_number: int) -> list[float]:
        took = []
        with requests.Session() as session:
            session.trust_env = False
            session.cookies.update(cookies)
            while (started := time.perf_counter()) < ends_at:
                response = ask(session)
                took.append(time.perf_counter() - started)
                response.raise_for_status()
        return took

    return measure(state, read, clients=people)


if __name__ == "__main__":
    main()
