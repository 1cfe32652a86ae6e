"""The command line: `servers KIND ACTION`, one JSON document on standard output, progress on standard error."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .kafka import Kafka
from .minio import Minio
from .postgres import Postgres
from .s3 import S3
from .server import Kind, Running, ServerError

KINDS: tuple[Kind, ...] = (Kafka(), S3(), Minio(), Postgres())
"""Every kind this script can run. A new one is a module beside kafka.py and a line here."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; the status is 0, or 1 with one line on standard error that says what to do."""
    options = _parser().parse_args(arguments)
    kinds = KINDS if options.kind == "all" else tuple(kind for kind in KINDS if kind.name == options.kind)
    state = options.state.resolve()
    try:
        answers = [_run(kind, options=options, state=state) for kind in kinds]
    except ServerError as error:
        print(f"servers: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answers if options.kind == "all" else answers[0], indent=2))
    wants_running = options.action in {"start", "status"}
    return 1 if wants_running and not all(answer["healthy"] for answer in answers) else 0


def _run(kind: Kind, *, options: argparse.Namespace, state: Path) -> dict[str, Any]:
    server = Running(kind=kind, cache=options.cache, state=state)
    match options.action:
        case "fetch":
            kind.fetch(cache=options.cache)
        case "start":
            ports = {kind.ports[0]: options.port} if options.port else {}
            answer = server.start(ports=ports)
            if options.while_pid:
                _spawn_watch(kind, options=options, state=state)
            return answer
        case "stop":
            return server.stop(kill=options.kill)
        case "watch":
            server.watch(owner=options.while_pid)
    return {**server.status(), "fetched": kind.is_fetched(cache=options.cache)}


def _spawn_watch(kind: Kind, *, options: argparse.Namespace, state: Path) -> None:
    """Leave a small process behind that stops the server when its owner is gone, however the owner ended."""
    subprocess.Popen(
        [
            sys.executable, sys.argv[0], kind.name, "watch", "--while-pid", str(options.while_pid),
            "--state", str(state), "--cache", str(options.cache),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="servers", description="Real servers on this machine, without containers.")
    parser.add_argument("kind", choices=[*(kind.name for kind in KINDS), "all"])
    parser.add_argument("action", choices=["start", "stop", "status", "fetch", "watch"])
    parser.add_argument("--state", type=Path, default=Path(".state/servers"), help="data, logs and process records")
    parser.add_argument(
        "--cache", type=Path, default=home / "ascms", help="what is fetched once (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=0, help="the client port (default: last time's, else a free one)")
    parser.add_argument("--while-pid", type=int, default=0, help="start: stop it when this process is gone")
    parser.add_argument("--kill", action="store_true", help="stop: end it as a power cut would")
    return parser
