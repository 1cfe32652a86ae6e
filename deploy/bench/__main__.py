"""Every measure, in turn, and a table of them in docs/performance.md: `make bench`.

Starts what it needs (a system of its own in a temporary folder, the test PostgreSQL, Kafka where Java and Maven are)
and leaves nothing behind. Ratios are against the raw thing in the same run, so that they mean something on any machine;
the rest is of the machine that the table names. `--only NAME` runs one measure and writes no table; `--sizes` says with
how many cases pages are measured, and work over REST with how many open ones: 300,000 take some minutes to make up.
"""

import argparse
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_READY_SECONDS = 240
_PAGE_SIZES, _WORK_SIZES = (300, 30_000, 300_000), (3_000, 50_000)
_OPEN_SHARE = 0.71
"""How many of those that are made up are open."""
_PEERS = {"create": 450, "complete": 300, "list": 325, "one": 830}
"""A second, of the engine Flowable 7.1 on two such cores: its worse figures, with the indexes it lacks."""
_TOKEN_PEERS = {"refresh": 517, "credentials": 1_026}
"""A second, of Keycloak 26.7 on two such cores."""
_PROJECTION_RATE = 5_000
_TOKEN_RATIO = 0.5
_UPLOAD_RATIO, _FLAT = 0.5, 1.5
_RELAY_RATIO, _START_SECONDS, _MEGABYTES, _PAGE_MILLISECONDS = 0.5, 20, 1200, 300


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    measure: str
    seen: str
    aim: str
    is_met: bool | None


def main() -> int:
    """Measure, print, and write the table; 1 where an aim is missed, so that it is seen."""
    parser = argparse.ArgumentParser(prog="bench")
    measures: dict[str, Callable[[], list[Line]]] = {
        "rpc": _rpc,
        "record": _record,
        "outbox": _outbox,
        "projection": _projection,
        "tokens": _tokens,
        "upload": _upload,
        "system": _system,
        "pages": lambda: _pages(sizes or _PAGE_SIZES),
        "work": lambda: _work(sizes or _WORK_SIZES),
    }
    parser.add_argument("--only", choices=measures)
    parser.add_argument("--sizes", help="numbers of cases, with commas between them: 300,30000")
    asked = parser.parse_args()
    only, sizes = asked.only, tuple(int(size) for size in (asked.sizes or "").split(",") if size)
    lines: list[Line] = []
    for name, measure in measures.items():
        if only in (None, name):
            print(f"measuring: {name}", flush=True)
            lines += measure()
    for line in lines:
        print(f"{_mark(line):>7}  {line.measure}: {line.seen} (aim: {line.aim})")
    if only is None:
        _write(lines)
    return 1 if any(line.is_met is False for line in lines) else 0


def _rpc() -> list[Line]:
    found = _run("bench_rpc.py")
    seen = f"**{found['ratio']}** ({found['edge_per_core_second']:,} ÷ {found['bare_per_core_second']:,} a core-second)"
    return [
        Line("one RPC through all interceptors ÷ a bare grpcio call", seen, "≥ 0.6", found["ratio"] >= found["aim"])
    ]


def _record() -> list[Line]:
    found = _run("bench_record.py")
    seen = (
        f"**{found['ratio']}** ({found['ours_per_second']:,} ÷ {found['bare_per_second']:,} a second, one connection)"
    )
    return [Line("record an event ÷ the same rows by bare psycopg", seen, "≥ 0.5", found["ratio"] >= found["aim"])]


def _outbox() -> list[Line]:
    found = _run("bench_outbox.py")
    relay, bare = found["relay_kafka_per_second"], found["kafka_bare_per_second"]
    seen = f"**{found['relay_to_bare']}** ({relay:,.0f} ÷ {bare:,.0f} events a second)"
    lines = [
        Line("outbox → Kafka ÷ a bare kafka-python producer", seen, "≥ 0.5", found["relay_to_bare"] >= _RELAY_RATIO)
    ]
    tuned = f"{found['relay_to_tuned']} ({found['kafka_tuned_per_second']:,.0f} a second)"
    lines.append(Line("the same ÷ that producer with the relay's own settings", tuned, "", None))
    for broker, latency in found["latency_ms"].items():
        seen = ", ".join(f"{name} {value} ms" for name, value in latency.items())
        lines.append(Line(f"commit → waiting consumer, {broker}", seen, "", None))
    return lines


def _projection() -> list[Line]:
    found = _run("bench_projection.py")
    lines = []
    for broker, name in (("kafka", "Kafka"), ("postgres", "PostgreSQL broker")):
        rate, (python, server) = found[f"{broker}_per_second"], found[f"{broker}_cpu_microseconds"]
        seen = f"**{rate:,}** events a second ({python} µs of Python and {server} µs of PostgreSQL for each)"
        is_met = rate >= _PROJECTION_RATE if broker == "kafka" else None
        lines.append(Line(f"{name} → reporting projection", seen, "≥ 5,000" if broker == "kafka" else "", is_met))
    return lines


def _tokens() -> list[Line]:
    found = _run("bench_tokens.py")
    lines = []
    for name, words, bare in (
        ("exchange", "exchange of a session for a token ÷ its ES256 signature", "es256"),
        ("sign_in", "sign-in ÷ its Argon2 hash", "argon2"),
    ):
        ratio, spent = found["ratios"][name], found[name]["cpu"] / 1_000
        seen = f"**{ratio}** ({found[bare]['cpu'] / 1_000:.2f} ÷ {spent:.2f} ms of processor)"
        lines.append(Line(words, seen, "≥ 0.5", ratio >= _TOKEN_RATIO))
    for name, words in (("refresh", "rotating refresh"), ("credentials", "client credentials")):
        rate, one = found[f"{name}_per_second"], found[name]
        spent = f"{one['cpu'] / 1_000:.1f} ms of processor, {one['database_cpu'] / 1_000:.1f} of its database's"
        aim = _TOKEN_PEERS[name]
        lines.append(Line(f"{words}, 4 clients", f"{rate} a second ({spent} each)", f"> {aim:,} a second", rate > aim))
    return lines


def _upload() -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="ascms-bench-") as folder:
        servers = [sys.executable, str(ROOT / "deploy" / "local" / "servers"), "s3"]
        at = ["--state", f"{folder}/servers"]
        started = json.loads(subprocess.run([*servers, "start", *at], check=True, stdout=subprocess.PIPE).stdout)
        store = f"s3://{started['access_key']}:{started['secret_key']}@{started['address']}/files"
        state = Path(folder) / "state"
        try:
            with _running(state, ASCMS_SEED="0", ASCMS_STORE_URL=store) as system:
                fill = [sys.executable, "-m", "deploy.local.up.fill", "--silent", "--cases", "40", "--seed", "1"]
                subprocess.run(fill, check=True, cwd=ROOT, env=system.environment, stdout=subprocess.DEVNULL)
                found = _run("-m", "deploy.bench.bench_upload", "--state", str(state), "--store", store)
        finally:
            subprocess.run([*servers, "stop", *at], check=True, stdout=subprocess.DEVNULL)
    ours, bare, alone, together = (
        found[name] for name in ("ours_seconds", "bare_seconds", "megabytes_alone", "megabytes_together")
    )
    return [
        Line(
            "upload of 25 MB through the gateway to S3 ÷ a bare `minio` put",
            f"**{found['ratio']}** ({ours} s, the bare one {bare} s)",
            "≥ 0.5",
            found["ratio"] >= _UPLOAD_RATIO,
        ),
        Line(
            f"gateway and documents, {found['at_once']} such uploads at once",
            f"{together} MB Pss, {alone} MB one at a time; {found['kept']} kept in {found['at_once_seconds']} s",
            "flat: < 1.5 times",
            together < _FLAT * alone and found["kept"] == found["at_once"],
        ),
    ]


def _system() -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="ascms-bench-") as folder:
        state = Path(folder) / "state"
        with _running(state) as first:
            pass
        with _running(state) as again:
            pass
    return [
        Line(
            "installed → ready, first start (migrations, demonstration)",
            f"{first.seconds} s",
            "< 20 s",
            first.seconds < _START_SECONDS,
        ),
        Line("installed → ready, later start", f"{again.seconds} s", "< 20 s", again.seconds < _START_SECONDS),
        Line("whole system at rest", f"{first.megabytes} MB Pss", "< 1,200 MB", first.megabytes < _MEGABYTES),
    ]


def _pages(sizes: Sequence[int]) -> list[Line]:
    lines = []
    for size, pages in _filled(sizes, "deploy.bench.bench_pages"):
        for name, words in (("list", "list of cases"), ("case", "case page"), ("search", "search")):
            for people in (1, 20):
                seen = pages[f"{name}_with_{people}"]
                told = f"p95 {seen['p95']} ms, p50 {seen['p50']} ms, {_spent(seen)}"
                who = "1 person" if people == 1 else f"{people} people without a pause"
                is_met = seen["p95"] < _PAGE_MILLISECONDS
                lines.append(Line(f"{words}, {size:,} cases, {who}", told, "p95 < 300 ms", is_met))
    return lines


def _work(sizes: Sequence[int]) -> list[Line]:
    lines = []
    words = {"create": "create a case", "complete": "complete a task", "list": "a person's 20 tasks", "one": "one case"}
    for size, work in _filled(sizes, "deploy.bench.bench_work", share=_OPEN_SHARE):
        for name, what in words.items():
            seen, peer = work[name], _PEERS[name]
            told = f"**{seen['per_second']:,.0f} a second**, p95 {seen['p95']} ms, {_spent(seen)}"
            is_met = seen["per_second"] >= peer
            lines.append(Line(f"over REST, {size:,} open cases: {what}", told, f"≥ {peer} a second", is_met))
    return lines


def _spent(seen: dict[str, float]) -> str:
    return f"{seen['cpu']} ms of processor time"


def _filled(sizes: Sequence[int], module: str, *, share: float = 1.0) -> Iterator[tuple[int, dict[str, Any]]]:
    """What a module measures at each size: of a system that is filled further and further, and tells nobody of it."""
    with tempfile.TemporaryDirectory(prefix="ascms-bench-") as folder:
        state = Path(folder) / "state"
        with _running(state, ASCMS_SEED="0") as system:
            there = 0
            for size in sorted(sizes):
                wanted = round(size / share)
                words = ["--silent", "--cases", str(wanted - there), "--seed", str(size)]
                fill = [sys.executable, "-m", "deploy.local.up.fill", *words]
                subprocess.run(fill, check=True, cwd=ROOT, env=system.environment, stdout=subprocess.DEVNULL)
                there = wanted
                yield size, _run("-m", module, "--state", str(state))


@dataclass(frozen=True, slots=True)
class Started:
    """What `make up` said of itself, and the settings it was given."""

    seconds: float
    megabytes: int
    environment: Mapping[str, str]


@contextmanager
def _running(state: Path, **settings: str) -> Iterator[Started]:
    environment = {**os.environ, "ASCMS_STATE": str(state), "ASCMS_PORT": str(_free_port()), **settings}
    log = state.with_suffix(".log")
    with log.open("w", encoding="utf-8") as output:
        up = subprocess.Popen(
            [sys.executable, str(ROOT / "deploy" / "local" / "up")], env=environment, stdout=output, stderr=output
        )
    try:
        yield _await(log, up, environment)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(timeout=60)


def _await(log: Path, up: subprocess.Popen[bytes], environment: Mapping[str, str]) -> Started:
    ends_at = time.monotonic() + _READY_SECONDS
    while time.monotonic() < ends_at:
        text = log.read_text(encoding="utf-8")
        seconds, megabytes = re.search(r"in ([0-9.]+) s from installed", text), re.search(r"([0-9]+) MB Pss", text)
        if seconds and megabytes:
            return Started(float(seconds[1]), int(megabytes[1]), environment)
        if up.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"bench: the system did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _run(script: str, *arguments: str) -> dict[str, Any]:
    """What a script of this folder, or with "-m" a module, prints last."""
    named = script if script == "-m" else str(ROOT / "deploy" / "bench" / script)
    done = subprocess.run(
        [sys.executable, named, *arguments],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _free_port() -> int:
    """The first of a range of forty free ports, as far as one can know beforehand."""
    for base in range(21_000, 29_000, 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", base)) != 0:
                return base
    sys.exit("bench: no free port")


def _write(lines: list[Line]) -> None:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    rows = "\n".join(f"| {line.measure} | {line.seen} | {line.aim} | {_mark(line)} |" for line in lines)
    machine = f"{os.cpu_count()} cores ({processor}), CPython {platform.python_version()}, loopback"
    measured = (
        f"{BEGIN}\nMeasured on {datetime.now(UTC):%d %B %Y} with `make bench`: {machine}.\n\n"
        f"| Measure | Seen | Aim | |\n|---|---|---|---|\n{rows}\n{END}"
    )
    text = TABLE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    TABLE.write_text(before + measured + rest.partition(END)[2], encoding="utf-8")


def _mark(line: Line) -> str:
    return {True: "met", False: "missed", None: ""}[line.is_met]


if __name__ == "__main__":
    sys.exit(main())
