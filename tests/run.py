"""`make test`: every suite this machine can run, in groups, and at the end a loud word about what was skipped and why.

Groups run one after the other, because whole systems started beside all other tests would be judged by a busy machine.
What is given on the command line is handed to each group's pytest.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
_E2E, _BROWSER, _FAULTS = "tests/e2e", "tests/browser", "tests/faults"
GROUPS = {
    "rules, services, pages, contracts, conventions": [
        *("-n", "2", "--dist", "loadfile", "tests", f"--ignore={_E2E}", f"--ignore={_BROWSER}"),
        f"--ignore={_FAULTS}",
    ],
    # Each worker has a system and a Chromium of its own: journeys count what others must not change.
    "browser": ["-n", "2", "--dist", "loadfile", _BROWSER],
    # Two systems at most at a time. In the order of their names, which leaves no long file to the end.
    "whole systems": ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", _E2E, _FAULTS],
}
_NO_TESTS = 5


@dataclass(eq=False)
class Totals:
    """Counts over all groups."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Run every group; 0 when nothing failed."""
    totals, worst, began = Totals(), 0, time.monotonic()
    for name, group in GROUPS.items():
        _say(f"\n=== {name}")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *group, *arguments]
            status = subprocess.run(command, cwd=ROOT, check=False).returncode
            if status not in {0, _NO_TESTS}:
                worst = 1
            if report.exists():
                _add(totals, report)
            elif status not in {0, _NO_TESTS}:
                totals.failed.append(f"{name}: pytest ended with {status} and no report")
    _tell(totals, seconds=time.monotonic() - began)
    return worst or int(bool(totals.failed))


def _add(totals: Totals, report: Path) -> None:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            totals.failed.append(name)
        elif (skipped := case.find("skipped")) is not None:
            totals.skipped.append((name, skipped.get("message", "")))
        else:
            totals.passed += 1


def _tell(totals: Totals, *, seconds: float) -> None:
    for line in _lines(totals):
        _say(line)
    counted = f"{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped"
    _say(f"=== {counted} in {seconds:.0f} s")


def _lines(totals: Totals) -> Iterator[str]:
    if totals.skipped:
        yield f"\n!!! SKIPPED, so not proved on this machine: {len(totals.skipped)} tests"
        for name, why in sorted(totals.skipped):
            yield f"    {name}: {why}"
    if totals.failed:
        yield f"\n!!! FAILED: {len(totals.failed)} tests"
        for name in sorted(totals.failed):
            yield f"    {name}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
