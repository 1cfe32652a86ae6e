"""What happened in a scenario, how large it was, and whether that is what was promised."""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from ascms.common.v1.envelope_pb2 import Envelope
from google.protobuf.wrappers_pb2 import StringValue

SEED = 20260304


def chance(name: object) -> random.Random:
    """Chance that comes again, for one of those who need some."""
    return random.Random(f"{SEED} {name}")  # noqa: S311 - a fixed seed is the point


@dataclass(eq=False)
class Judge:
    """Collects what was broken; `decide` fails where it must hold and something was, or the other way about."""

    name: str
    holds: bool
    is_long: bool
    broken: list[str] = field(default_factory=list)

    def size(self, short: int, long: int) -> int:
        """A number of the short form and one of the long."""
        return long if self.is_long else short

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Something must be so."""
        if found != wanted:
            self.broken.append(f"{what}: {_short(found)}, and not {_short(wanted)}")

    def expect_that(self, what: str, *, is_so: bool) -> None:
        """Something must be true."""
        if not is_so:
            self.broken.append(what)

    def expect_time(self, what: str, seconds: float, *, at_most: float) -> None:
        """How long something may take: said each time, judged in the long form, for a busy machine proves nothing."""
        self.say(f"{what}: {seconds:.2f} s (at most {at_most:g})")
        if self.is_long and seconds > at_most:
            self.broken.append(f"{what} took {seconds:.2f} s, and may take {at_most:g}")

    def expect_once_in_order(
        self, what: str, found: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]
    ) -> None:
        """Each key's values, each once, in their order: tells lost from doubled and from disordered."""
        for key, values in wanted.items():
            got = list(found.get(key, []))
            lost = set(values) - set(got)
            doubled = [value for value, count in Counter(got).items() if count > 1]
            invented = set(got) - set(values)
            if lost or doubled or invented:
                self.broken.append(
                    f"{what} of {key[:8]}: {len(lost)} lost, {len(doubled)} doubled, {len(invented)} invented"
                )
            elif got != list(values):
                self.broken.append(f"{what} of {key[:8]} are out of order")

    def say(self, words: str) -> None:
        """The size of a history, a figure: shown by `make faults`."""
        sys.stdout.write(f"\n    {self.name}, seed {SEED}: {words}")

    def decide(self) -> None:
        """Fail, or not."""
        if self.holds:
            assert not self.broken, "\n".join(self.broken)
        else:
            assert self.broken, f"{self.name}: the control was not noticed"
            self.say(f"noticed: {'; '.join(self.broken[:2])}")


def _short(value: object) -> str:
    words = repr(value)
    return words if len(words) < 200 else f"{words[:200]}…"


def values_by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each key's values as they came."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def first_of_each(by_key: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """As a consumer with an inbox sees them: repetitions left out."""
    return {key: list(dict.fromkeys(values)) for key, values in by_key.items()}


def on_the_bus(bus: psycopg.Connection) -> list[tuple[str, str]]:
    """Key and value of every record of a PostgreSQL bus, as a consumer of all of it would see them."""
    rows = bus.execute('SELECT value FROM bus.record ORDER BY partition, "offset"').fetchall()
    envelopes = [Envelope.FromString(value) for (value,) in rows]
    return [(one.key, StringValue.FromString(one.payload).value) for one in envelopes]


def effects_by_key(admin: psycopg.Connection) -> dict[str, list[str]]:
    """What consumers have applied, by key, in its order."""
    return values_by_key(admin.execute("SELECT key, value FROM effect ORDER BY id").fetchall())


def count(connection: psycopg.Connection, table: str) -> int:
    """How many rows there are."""
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
    assert row is not None
    return int(row[0])
