"""Kills one service after another while people write; then nothing acknowledged may be lost and nothing doubled.

`make kill-loop` against what `make up` started on this machine. Writers do what the story does, through the REST API:
each write has an idempotency key and is repeated with it until it is answered. Besides the kills some answers are
thrown away unread, as a network does. `--ignore-keys` is the negative control: repeating with new keys must fail.
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import requests

from deploy.story.api import Answer, Api
from deploy.story.cast import Cast, Person, read_cast
from deploy.story.report import Deviation, Steps, expect, expect_that
from deploy.story.signin import Program

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = ("identity", "cases", "reporting", "notifications", "gateway", "documents", "identity-web")
_WRITERS = 3
_LOST_ANSWERS = 0.04
_GIVE_UP_SECONDS = 90.0
_SETTLE_SECONDS = 60.0
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_OK, _BAD, _UNAUTHORISED, _CONFLICT = 200, 400, 401, 409


@dataclass(eq=False)
class History:
    """What was acknowledged, and what it took."""

    requests: set[str] = field(default_factory=set)
    cases: dict[str, list[str]] = field(default_factory=dict)
    """Case → the notes that were acknowledged in it."""
    minutes: int = 0
    visits: int = 0
    position: int = 0
    repeated: int = 0
    lost_answers: int = 0
    longest_silence: float = 0.0
    server_errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _last: float = field(default_factory=time.monotonic)

    def answered(self) -> None:
        """Note that something was acknowledged now."""
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._last)
        self._last = now


@dataclass(eq=False)
class Client:
    """One person's API, which never gives up before its time and repeats with the same key."""

    cast: Cast
    person: Person
    history: History
    chance: random.Random
    ignores_keys: bool = False
    _api: Api | None = None

    def write(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write until it is answered.

        None when nothing was written: the person's day is full, or a repetition without its key met what the first
        attempt had left.
        """
        keys = [str(uuid4())]
        for attempt, answer in enumerate(self._answers("POST", path, body, keys)):
            if answer is None:
                with self.history.lock:
                    self.history.repeated += 1
                if self.ignores_keys:
                    keys.append(str(uuid4()))
                continue
            if answer.status == _CONFLICT and self.ignores_keys and attempt:
                return None
            if answer.status == _BAD and any(one["reason"] == "day-full" for one in answer.body["violations"]):
                return None
            expect(f"{path} is acknowledged", (answer.status, answer.body if answer.status != _OK else {}), (_OK, {}))
            with self.history.lock:
                self.history.position = max(self.history.position, int(answer.body["position"]))
                self.history.answered()
            return answer.body
        raise Deviation(f"{path} was not answered in {_GIVE_UP_SECONDS:.0f} s")

    def read(self, path: str, **query: str | int) -> dict[str, Any]:
        """Read until it is answered."""
        for answer in self._answers("GET", path, query, [""]):
            if answer is not None:
                expect(f"{path} answers", answer.status, _OK)
                return answer.body
        raise Deviation(f"{path} was not answered in {_GIVE_UP_SECONDS:.0f} s")

    def _answers(self, method: str, path: str, sent: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Answer | None]:
        """Each attempt's answer, sent with the last of `keys`; None where there was none and it is time to repeat."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            answer = self._attempt(method, path, sent, keys[-1])
            yield answer
            time.sleep(0.05 + 0.1 * self.chance.random())

    def _attempt(self, method: str, path: str, sent: Mapping[str, Any], key: str) -> Answer | None:
        try:
            api = self._signed_in()
            is_write = method == "POST"
            answer = api.ask(
                method, path, body=dict(sent) if is_write else None, query={} if is_write else sent, key=key
            )
        except (requests.RequestException, Deviation):
            return None
        if answer.status == _UNAUTHORISED:
            self._api = None
            return None
        if answer.status in _TRY_AGAIN:
            with self.history.lock:
                self.history.server_errors[f"{answer.status} {answer.body.get('reason', '')}"] += 1
            return None
        if method == "POST" and self.chance.random() < _LOST_ANSWERS:
            with self.history.lock:
                self.history.lost_answers += 1
            return None
        return answer

    def _signed_in(self) -> Api:
        if self._api is None:
            self._api = Api(self.cast.base_url, Program(self.cast.issuer).tokens_of(self.person).access_token)
        return self._api


@dataclass(eq=False)
class Writer:
    """Does the story again and again until told to stop; the story under way is told to its end."""

    number: int
    run: str
    school: Client
    lead: Client
    manager: Client
    manager_id: str
    history: History
    chance: random.Random
    stop: threading.Event
    fault: BaseException | None = None

    def work(self) -> None:
        """On a thread of its own; what goes wrong is kept in `fault`."""
        turn = 0
        try:
            while not self.stop.is_set():
                turn += 1
                self._story(turn)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for this thread
            self.fault = error

    def _story(self, turn: int) -> None:
        submitted = self.school.write("/v1/requests", _request(f"{self.run} {self.number} {turn}", self.number, turn))
        if submitted is None:
            return
        request_id = submitted["request"]["request_id"]
        with self.history.lock:
            self.history.requests.add(request_id)
        opened = self.lead.write(f"/v1/incoming-requests/{request_id}:open", {"case_manager_id": self.manager_id})
        if opened is None:
            return
        case_id = opened["case"]["case_id"]
        with self.history.lock:
            self.history.cases[case_id] = []
        for visit in range(self.chance.randint(1, 3)):
            note, minutes = f"{self.run} {turn}-{visit}", self.chance.randint(0, 2)
            recorded = self.manager.write(f"/v1/cases/{case_id}/events", _visit(note, minutes, self.chance))
            if recorded is None:
                continue
            with self.history.lock:
                self.history.cases[case_id].append(note)
                self.history.visits += 1
                self.history.minutes += minutes


@dataclass(eq=False)
class KillLoop:
    """The whole of it, for a running system on this machine."""

    cast: Cast
    state: Path
    kills: int
    seed: int
    ignores_keys: bool
    steps: Steps
    history: History = field(default_factory=History)

    def run(self) -> None:
        """Write, kill, settle, compare; raises Deviation for anything lost or doubled."""
        run = f"kill-loop {uuid4().hex[:10]}"
        school, lead, manager = self._people()
        manager_id = manager.read("/v1/me")["person"]["person_id"]
        before = self._figures(lead)
        with self.steps.step(f"{self.kills} kills under {_WRITERS} writers, seed {self.seed}"):
            self._write_and_kill(run, school, lead, manager, manager_id)
        self._tell()
        with self.steps.step("every acknowledged request and case is there, once"):
            self._compare_requests(school, run)
        with self.steps.step("every acknowledged visit is there, once"):
            self._compare_visits(manager, run)
        with self.steps.step("the figures rose by exactly what was acknowledged"):
            self._compare_figures(lead, before)
        with self.steps.step("the case manager was told of every case, once"):
            self._compare_notices(manager)

    def _people(self) -> tuple[Client, Client, Client]:
        school = next(one for one in self.cast.people if one.roles == ("attendance_lead",))
        first = self._client(school, 0)
        me = first.read("/v1/me")
        provider = first.read(f"/v1/schools/{me['organisation']['organisation_id']}/provider")["provider"]["name"]
        lead = self.cast.one("workflow_lead", at=provider)
        return first, self._client(lead, 1), self._client(self.cast.one("case_manager", at=provider), 2)

    def _client(self, person: Person, number: int) -> Client:
        chance = random.Random(f"{self.seed} {number} {person.email}")  # noqa: S311 - a fixed seed is the point
        return Client(self.cast, person, self.history, chance, ignores_keys=self.ignores_keys)

    def _write_and_kill(self, run: str, school: Client, lead: Client, manager: Client, manager_id: str) -> None:
        stop = threading.Event()
        writers = [
            Writer(
                number=number,
                run=run,
                school=self._client(school.person, 10 * number),
                lead=self._client(lead.person, 10 * number),
                manager=self._client(manager.person, 10 * number),
                manager_id=manager_id,
                history=self.history,
                chance=random.Random(f"{self.seed} writer {number}"),  # noqa: S311 - as above
                stop=stop,
            )
            for number in range(1, _WRITERS + 1)
        ]
        threads = [threading.Thread(target=writer.work, daemon=True) for writer in writers]
        for thread in threads:
            thread.start()
        try:
            self._kill()
        finally:
            stop.set()
            for thread in threads:
                thread.join(_GIVE_UP_SECONDS)
        for writer in writers:
            if writer.fault is not None:
                raise writer.fault
        expect_that("every writer came to an end", not any(thread.is_alive() for thread in threads))

    def _kill(self) -> None:
        """One service after another, in an order that the seed decides; each only when its last life is a while old."""
        chance = random.Random(self.seed)  # noqa: S311 - as above
        known = [name for name in VICTIMS if name in self._processes()]
        for number in range(self.kills):
            if number % len(known) == 0:
                chance.shuffle(known)
            time.sleep(0.5 + chance.random())
            name = known[number % len(known)]
            pid = self._processes()[name]
            os.kill(pid, signal.SIGKILL)
            self._wait_for_successor(name, pid)
            time.sleep(1.0 + chance.random())
        time.sleep(2.0)

    def _wait_for_successor(self, name: str, pid: int) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while self._processes().get(name, pid) == pid:
            expect_that(f"{name} is started again", time.monotonic() < deadline)
            time.sleep(0.05)

    def _processes(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.state / "processes.json").read_text(encoding="utf-8"))
        return found

    def _tell(self) -> None:
        told = self.history
        entries = sum(len(notes) for notes in told.cases.values())
        print(
            f"    history: {len(told.requests)} requests, {len(told.cases)} cases, {entries} visits acknowledged; "
            f"{told.repeated} repetitions, {told.lost_answers} answers thrown away; "
            f"longest time without any answer {told.longest_silence:.1f} s"
        )
        for words, count in told.server_errors.most_common():
            print(f"    {count} times {words}")

    def _compare_requests(self, school: Client, run: str) -> None:
        found = [
            one["request_id"] for one in _pages(school, "/v1/requests", "requests") if one["concern"].startswith(run)
        ]
        expect("requests that are there more than once", len(found) - len(set(found)), 0)
        expect("acknowledged requests that are lost", sorted(self.history.requests - set(found)), [])
        expect("requests that nobody was told of", sorted(set(found) - self.history.requests), [])

    def _compare_visits(self, manager: Client, run: str) -> None:
        lost, doubled = [], []
        for case_id, notes in self.history.cases.items():
            events = _pages(manager, f"/v1/cases/{case_id}/events", "entries")
            found = Counter(one["note"] for one in events if one["note"].startswith(run))
            lost += [note for note in notes if not found[note]]
            doubled += [note for note, count in found.items() if count > 1 or note not in notes]
        expect("visits that are lost", lost, [])
        expect("visits that are doubled", doubled, [])

    def _figures(self, lead: Client) -> dict[str, int]:
        answer = lead.read(f"/v1/figures/{_quarter()}", min_position=self.history.position)
        return {one["indicator"]: int(one["value"]) for one in answer["figures"]}

    def _compare_figures(self, lead: Client, before: Mapping[str, int]) -> None:
        wanted = {
            "cases-opened": len(self.history.cases),
            "home-visits": self.history.visits,
            "minutes": self.history.minutes,
        }
        risen: dict[str, int] = {}
        deadline = time.monotonic() + _SETTLE_SECONDS
        while risen != wanted and time.monotonic() < deadline:
            now = self._figures(lead)
            risen = {name: now.get(name, 0) - before.get(name, 0) for name in wanted}
        expect("the rise of the figures", risen, wanted)
        # What is delivered twice would be counted twice a little later.
        time.sleep(2.0)
        now = self._figures(lead)
        expect("the rise a moment later", {name: now.get(name, 0) - before.get(name, 0) for name in wanted}, wanted)

    def _compare_notices(self, manager: Client) -> None:
        wanted = dict.fromkeys(self.history.cases, 1)
        told: Counter[str] = Counter()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while told != wanted and time.monotonic() < deadline:
            notices = _pages(manager, "/v1/notices", "notices")
            told = Counter(one["subject_id"] for one in notices if one["subject_id"] in wanted)
        wrong = {case_id: told[case_id] for case_id in wanted if told[case_id] != 1}
        expect("cases whose case manager was not told exactly once", wrong, {})


def _pages(client: Client, path: str, name: str) -> list[dict[str, Any]]:
    """Every item of a list."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = client.read(path, page_size=200, **({"page_token": token} if token else {}))
        found += answer[name]
        token = answer["next_page_token"]
        if not token:
            return found


def _request(marker: str, writer: int, turn: int) -> dict[str, Any]:
    return {
        "student": {
            "given_names": "Tauira",
            "family_name": f"Kill-Loop {marker.split()[1]} {writer} {turn}",
            "date_of_birth": "2013-05-06",
            "year_level": 8,
            "gender": "GENDER_UNSPECIFIED",
        },
        "attendance": {"term": "2026-T1", "present_half_days": 20, "total_half_days": 80},
        "concern": marker,
    }


def _visit(note: str, minutes: int, chance: random.Random) -> dict[str, Any]:
    """On any day of this quarter: nobody may work for more than 24 hours on one."""
    today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    begins = today.replace(month=today.month - (today.month - 1) % 3, day=1)
    day = today - timedelta(days=chance.randint(0, (today - begins).days))
    return {
        "kind": "EVENT_KIND_HOME_VISIT",
        "happened_on": day.isoformat(),
        "outcome": "OUTCOME_REACHED",
        "minutes": minutes,
        "note": note,
    }


def _quarter() -> str:
    today = datetime.now(ZoneInfo("Pacific/Auckland"))
    return f"{today.year}-Q{(today.month + 2) // 3}"


def main() -> int:
    """Run the loop; 0 when nothing was lost and nothing doubled, 1 with what was."""
    parser = argparse.ArgumentParser(prog="kill-loop")
    parser.add_argument("--kills", type=int, default=21, help="how many (default: three of each service)")
    parser.add_argument("--seed", type=int, default=20260304)
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("ASCMS_STATE") or ROOT / ".state"))
    parser.add_argument("--ignore-keys", action="store_true", help="negative control: this must fail")
    asked = parser.parse_args()
    steps = Steps(limit_seconds=1_200)
    try:
        cast = read_cast(asked.state / "demo.json")
        KillLoop(cast, asked.state, asked.kills, asked.seed, asked.ignore_keys, steps).run()
    except Deviation as deviation:
        print(f"\nkill-loop: {deviation}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"\nkill-loop: is `make up` running? {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"\nNothing lost, nothing doubled: {steps.seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
