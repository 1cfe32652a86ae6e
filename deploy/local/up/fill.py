"""Fills the demonstration of a running system: `python -m deploy.local.up.fill --cases N`; `make seed` calls it.

The cases lie at the demonstration's first provider, whose own people have a share of them. For more cases than they
could work on it gets colleagues, made up as well. Identity and cases do it by their own command lines.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yaml

from deploy.local.up import demo, options, postgres, processes, state
from deploy.local.up.options import ROOT, Complaint
from deploy.local.up.processes import Plan
from deploy.local.up.supervisor import environment_of

_CASES_EACH = 150
"""How many cases a colleague comes for, closed ones included."""
_MOST_COLLEAGUES = 400
PASSPHRASE = "many paper kites"  # noqa: S105 - of people who are made up
_NAMES = ("Aria", "Bex", "Hana", "Īhaia", "Kōtiro", "Manaia", "Nīkau", "Oriana", "Pania", "Tāwhiri")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="deploy/local/up seed")
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--silent", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        plan = running_plan()
    except Complaint as complaint:
        print(f"ascms: {complaint}", file=sys.stderr)
        return 1
    return fill(plan, cases=asked.cases, seed=asked.seed, is_silent=asked.silent)


def running_plan() -> Plan:
    """The plan of the system that runs with these settings; raises Complaint where none does."""
    wanted = options.read()
    if not (wanted.state / "demo.json").exists():
        raise Complaint(f"no system runs with the state folder {wanted.state}: start one with `make up`")
    if wanted.is_real and not wanted.postgres_url:
        raise Complaint("servers of its own tell nobody where they are: name yours, ASCMS_POSTGRES_URL=…")
    cluster = None if wanted.postgres_url else postgres.find(wanted.state)
    return Plan(options=wanted, cluster=cluster, secrets=state.secrets_of(wanted.state))


def fill(plan: Plan, *, cases: int, seed: int = 1, is_silent: bool = False) -> int:
    """Make so many cases at the demonstration's first provider; the status is that of what went wrong, or 0."""
    organisations, people = (_read(name) for name in ("organisations", "people"))
    provider = next(one for one in organisations["organisations"] if one["kind"] == "provider")
    catchment = next(one for one in organisations["catchments"] if one["provider"] == provider["id"])
    colleagues = _colleagues(provider["id"], min(cases // _CASES_EACH, _MOST_COLLEAGUES))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "people.yaml"
        file.write_text(yaml.safe_dump({"people": colleagues}, allow_unicode=True), encoding="utf-8")
        status = _run(plan, "identity", "people", "apply", str(file)) if colleagues else 0
    if status:
        return status
    managers = [*_working(people["people"], provider["id"], "case_manager"), *(one["id"] for one in colleagues)]
    lead = next(iter(_working(people["people"], provider["id"], "workflow_lead")))
    words = {"--cases": cases, "--provider": provider["id"], "--region": provider["region"], "--lead": lead}
    named = [("--school", one["school"]) for one in catchment["schools"]] + [
        ("--case-manager", one) for one in managers
    ]
    told = [str(word) for pair in (*words.items(), *named, ("--seed", seed)) for word in pair]
    status = _run(plan, "cases", "seed", *told, *(["--silent"] if is_silent else []))
    if not status:
        _settle(plan)
    if colleagues and not status:
        print(f"{len(colleagues)} colleagues sign in with {PASSPHRASE!r}, from {colleagues[0]['email']} on")
    return status


def _settle(plan: Plan) -> None:
    """Tell the database what it holds now: by itself it would find out within minutes, and plan badly until then."""
    url = urlunsplit(urlsplit(plan.admin_url)._replace(path=f"/{options.database('cases')}"))
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("VACUUM (ANALYZE)")


def _run(plan: Plan, service: str, *words: str) -> int:
    """A service's command line, as that service would run here."""
    program = processes.command_line(plan, service, *words)
    sys.stdout.flush()
    environment = environment_of(program)
    return subprocess.run(program.command, cwd=ROOT, env=environment, check=False).returncode


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((demo.FOLDER / f"{name}.yaml").read_bytes())
    return content


def _working(people: Sequence[Mapping[str, Any]], organisation: str, role: str) -> list[str]:
    """Who has a role that works there."""
    return [
        person["id"]
        for person in people
        for grant in person["roles"]
        if (grant["organisation"], grant["role"]) == (organisation, role) and grant.get("training")
    ]


def _colleagues(provider: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"0190b000-0000-7000-8001-{number:012d}",
            "name": f"Demo {_NAMES[number % len(_NAMES)]} Colleague {number}",
            "email": f"colleague.{number}@putahi.example",
            "passphrase": PASSPHRASE,
            "roles": [_works_at(provider)],
        }
        for number in range(1, count + 1)
    ]


def _works_at(provider: str) -> dict[str, Any]:
    """Made anew for each: the file takes no aliases."""
    training = {"completed_on": date(2026, 1, 12), "ends_on": date(2030, 12, 31)}
    return {"organisation": provider, "role": "case_manager", "starts_on": date(2026, 1, 5), "training": training}


if __name__ == "__main__":
    sys.exit(main())
