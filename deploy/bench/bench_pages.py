"""How long pages take with 1 and with 20 people: the case page and the list of cases, over HTTP.

Needs a running system with cases in it (`make up`, `make story`): `python deploy/bench/bench_pages.py --state .state`.
People are one signed-in workflow lead with as many browsers as asked for; each opens pages one after another without
pause. Prints one JSON object with the 50th and 95th percentile in milliseconds.
"""

import argparse
import json
import os
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from deploy.story.browser import Browser
from deploy.story.cast import read_cast
from deploy.story.signin import sign_in

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 8.0
PEOPLE = (1, 20)


def main() -> None:
    """Measure each page with each number of people."""
    parser = argparse.ArgumentParser(prog="bench_pages")
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("ASCMS_STATE") or ROOT / ".state"))
    cast = read_cast(parser.parse_args().state / "demo.json")
    browser = Browser(cast.base_url)
    sign_in(browser, cast.one("workflow_lead"))
    listing = browser.get("/cases")
    case = next(address for address, _ in listing.links if re.search(r"/cases/[0-9a-f-]{36}$", address))
    cookies = browser.cookies()
    pages = {"list": f"{cast.base_url}/cases", "case": case}
    found = {
        f"{name}_with_{people}": _measure(url, cookies=cookies, people=people)
        for name, url in pages.items()
        for people in PEOPLE
    }
    print(json.dumps({"measure": "pages over HTTP, milliseconds", **found}))


def _measure(url: str, *, cookies: dict[str, str], people: int) -> dict[str, float]:
    ends_at = time.perf_counter() + SECONDS

    def read(_number: int) -> list[float]:
        took = []
        with requests.Session() as session:
            session.trust_env = False
            session.cookies.update(cookies)
            while (started := time.perf_counter()) < ends_at:
                response = session.get(url, timeout=30)
                took.append((time.perf_counter() - started) * 1000)
                response.raise_for_status()
        return took

    with ThreadPoolExecutor(people) as pool:
        times = [one for took in pool.map(read, range(people)) for one in took]
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "per_second": round(len(times) / SECONDS)}


if __name__ == "__main__":
    main()
