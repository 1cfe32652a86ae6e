"""Runs the whole system until it is told to stop: `python -m deploy.local.up.run`, by `.venv`'s Python."""

import json
import os
import sys
import time
from urllib.parse import urlsplit, urlunsplit

from deploy.local.up import memory, options, ports, postgres, processes, real, state
from deploy.local.up.options import Complaint, Options
from deploy.local.up.processes import Plan
from deploy.local.up.supervisor import Program, Stopped, Supervisor

_READY_SECONDS = 180.0
_REST_SECONDS = 2.0
# A copy that was killed leaves processes that take a moment to end.
_ORPHAN_SECONDS = 15.0


def main() -> int:
    """Start everything, say where it is, keep it running; the status is 0 after a stop that was asked for."""
    began = time.monotonic()
    try:
        wanted = options.read()
        with state.held(wanted.state, about=wanted.base_url), real.servers(wanted) as found:
            return _run(found, began=began)
    except Complaint as complaint:
        print(f"ascms: {complaint}", file=sys.stderr)
        return 1


def _run(wanted: Options, *, began: float) -> int:
    record = wanted.state / "processes.json"
    ports.require_free(processes.listening(wanted), patience_seconds=_ORPHAN_SECONDS if record.exists() else 0.0)
    secrets = state.secrets_of(wanted.state)
    cluster = None if wanted.postgres_url else postgres.prepare(wanted.state)
    plan = Plan(options=wanted, cluster=cluster, secrets=secrets)
    (wanted.state / "demo.json").unlink(missing_ok=True)
    supervisor = Supervisor(record=record)
    supervisor.obey_signals()
    try:
        _start(supervisor, plan)
        _announce(supervisor, plan, seconds=time.monotonic() - began)
        while True:
            supervisor.turn()
    except Stopped as stopped:
        supervisor.say(f"{stopped}: ending everything")
        return 0
    finally:
        (wanted.state / "demo.json").unlink(missing_ok=True)
        supervisor.stop()
        supervisor.say("ended")


def _start(supervisor: Supervisor, plan: Plan) -> None:
    if plan.cluster is not None:
        supervisor.start(processes.database_server(plan.cluster))
    supervisor.run(processes.preparation(plan), seconds=_READY_SECONDS)
    programs = processes.services(plan)
    gateway = processes.gateway(plan)
    is_first = plan.options.seeds and not (plan.options.state / "seeded").exists()
    for program in programs if is_first else [*programs, gateway]:
        supervisor.start(program)
    addresses = {
        "base_url": plan.options.base_url,
        "rpc": plan.addresses(),
        "postgres_url": plan.admin_url,
        "broker_url": plan.broker_url,
        "store_url": plan.store_url,
    }
    state.write_json(plan.options.state / "addresses.json", addresses)
    if is_first:
        # Before the address answers: nobody sees a system that is half lived in.
        _wait(supervisor, programs)
        supervisor.run(processes.lived_in(plan), seconds=_READY_SECONDS)
        supervisor.start(gateway)
    _wait(supervisor, [*programs, gateway])
    supervisor.has_started = True


def _wait(supervisor: Supervisor, programs: list[Program]) -> None:
    waiting = {program.name: program for program in programs if program.ready_url}

    def all_ready() -> bool:
        for name, program in list(waiting.items()):
            if all(ports.answers(program.ready_url) for _ in range(program.ready_answers)):
                del waiting[name]
        return not waiting

    try:
        supervisor.until(all_ready, seconds=_READY_SECONDS, waiting_for="the system")
    except Complaint as complaint:
        if not waiting or "get ready" not in str(complaint):
            raise
        raise Complaint(
            f"{', '.join(waiting)} did not get ready in {_READY_SECONDS:.0f} s: see the lines above"
        ) from None


def _announce(supervisor: Supervisor, plan: Plan, *, seconds: float) -> None:
    """Say where everything is, who can sign in, and what it took."""
    demo = json.loads((plan.options.state / "people.json").read_text(encoding="utf-8"))
    demo["mail_url"] = plan.options.mail_url
    # The last thing to appear: whoever waits for this file finds a system that answers.
    state.write_json(plan.options.state / "demo.json", demo)
    supervisor.say()
    supervisor.say("People of the demonstration (made up; never for real use):")
    for person in demo["people"]:
        roles = ", ".join(person["roles"]) or "no role that works"
        supervisor.say(f"  {person['email']:<36} {person['passphrase']:<26} {roles} at {person['organisation']}")
    supervisor.say()
    supervisor.say(f"Address      {plan.options.base_url}")
    supervisor.say(f"Health       {plan.options.base_url}/health/ready")
    supervisor.say(f"REST API     {plan.options.base_url}/api/  (OpenAPI: /api/openapi.json)")
    supervisor.say(f"Sign-in      {plan.options.issuer}")
    supervisor.say(f"Mail         {plan.options.mail_url}")
    supervisor.say(f"PostgreSQL   {_place(plan.options.postgres_url) or 'the embedded one'}")
    supervisor.say(f"Broker       {_place(plan.options.broker_url) or 'on PostgreSQL'}")
    supervisor.say(f"Files        {_place(plan.options.store_url) or 'in the state folder'}")
    supervisor.say(f"State        {plan.options.state}")
    supervisor.say(f"Ready        in {seconds:.1f} s from installed")
    _rest(supervisor, plan)
    supervisor.say("Ctrl-C ends everything; `make story` in another terminal walks through it.")


def _place(url: str) -> str:
    """A server's address without what it is signed in with."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _rest(supervisor: Supervisor, plan: Plan) -> None:
    """Let the system come to rest, then say how much memory it takes."""
    rest = time.monotonic() + _REST_SECONDS
    while time.monotonic() < rest:
        supervisor.turn()
    pss = memory.pss_megabytes(supervisor.processes().values(), myself=os.getpid())
    count = len(supervisor.processes()) + 1
    told = "not measurable here" if pss is None else f"{pss:.0f} MB Pss in {count} processes and what they started"
    supervisor.say(f"Memory       {told}{', PostgreSQL included' if plan.cluster else ''}")


if __name__ == "__main__":
    sys.exit(main())
