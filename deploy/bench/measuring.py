"""Many clients at once, how long each of their calls took, and what the whole system spent on them."""

import contextlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from deploy.local.up.memory import family, fields_of

# After the name of a process: the ticks of its user and system time.
_USER_FIELD, _SYSTEM_FIELD = 11, 12
_TICKS = os.sysconf("SC_CLK_TCK")
_LEAST = 2


class Seen(TypedDict):
    """What was seen: milliseconds, calls a second, and milliseconds of processor time that the system spent on each."""

    p50: float
    p95: float
    per_second: float
    cpu: float


def measure(state: Path, work: Callable[[int], list[float]], *, clients: int) -> Seen:
    """Let so many clients work, each in a thread; `work(number)` returns the seconds that each of its calls took."""
    sessions = set(json.loads((state / "processes.json").read_text(encoding="utf-8")).values())
    spent, began = processor_seconds(sessions), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = [one for took in pool.map(work, range(clients)) for one in took]
    seconds, spent = time.perf_counter() - began, processor_seconds(sessions) - spent
    cuts = statistics.quantiles(times if len(times) >= _LEAST else times * _LEAST, n=100)
    return Seen(
        p50=round(cuts[49] * 1000, 1),
        p95=round(cuts[94] * 1000, 1),
        per_second=round(len(times) / seconds, 1),
        cpu=round(spent / len(times) * 1000, 1),
    )


def processor_seconds(sessions: Iterable[int]) -> float:
    """Processor time that these processes, and all that they started and that runs, have taken so far (Linux)."""
    ticks = 0
    for folder in family(sessions):
        with contextlib.suppress(OSError):  # A process may end while we look.
            fields = fields_of(folder)
            ticks += int(fields[_USER_FIELD]) + int(fields[_SYSTEM_FIELD])
    return ticks / _TICKS
