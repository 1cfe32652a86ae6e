"""Makes the demonstration look lived in: some cases at each provider, with visits and calls, by its own people.

`python -m deploy.local.up.seed STATE ISSUER`. Everything goes through the services' own RPCs, as the people who would
do it, so nothing is there that they could not have made. Keys are fixed: running it again adds nothing.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ascms.cases.v1 import cases_pb2, cases_pb2_grpc
from ascms.identity.v1 import identity_pb2, identity_pb2_grpc
from google.protobuf.message import Message

from deploy.story.cast import Cast, Person, read_cast
from deploy.story.signin import Program
from kit.rpc.client import Backend, Channels

_GIVEN = ("Āwhina", "Tama", "Marama", "Rangi", "Kiri", "Hoani", "Aroha", "Pita", "Mere", "Wī", "Huia", "Rewi")
_FAMILY = ("Tauira", "Example", "Demo-Sample", "O'Demo")
_NOTES = (
    "Nobody at home; left a card with our number.",
    "Mum at home. She says the bus left before eight. We agreed that he walks with a cousin until the bus is sorted.",
    "Kōrero with koro on the marae steps. He will bring her on Monday, and stay for the morning.",
    "Met with the dean. A later start on Mondays for three weeks, then we look again.",
)
_CASES = 12
_LATE = 2


@dataclass(frozen=True, slots=True)
class Provider:
    """Who works at one provider, and whose school sends it requests. Each is an internal token."""

    school: str
    lead: str
    managers: tuple[tuple[str, str], ...]
    """(person id, token)."""


@dataclass(eq=False)
class Seeder:
    """Calls the services as whoever is named."""

    identity: Backend
    cases: Backend
    issuer: str
    today: date

    def seed(self, cast: Cast) -> int:
        """Make the cases of every provider that has its people; how many."""
        leads = [one for one in cast.people if one.roles == ("attendance_lead",)]
        plans = [plan for plan in (self._provider(cast, lead) for lead in leads) if plan is not None]
        jobs = [(plan, number, place) for place, plan in enumerate(plans) for number in range(_CASES)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda job: self._case(*job), jobs))
        return len(jobs)

    def _provider(self, cast: Cast, school: Person) -> Provider | None:
        token, me = self._enter(school)
        found = self.identity.call(
            "FindProvider",
            identity_pb2.FindProviderRequest(school_id=me.organisation.organisation_id),
            token=token,
        )
        name = found.provider.name
        lead = next(cast.all_with("workflow_lead", at=name), None)
        managers = list(cast.all_with("case_manager", at=name))[:2]
        if lead is None or not managers:
            return None
        entered = [self._enter(manager) for manager in managers]
        return Provider(token, self._enter(lead)[0], tuple((who.person.person_id, token) for token, who in entered))

    def _enter(self, person: Person) -> tuple[str, identity_pb2.ExchangeTokenResponse]:
        access = Program(self.issuer).tokens_of(person).access_token
        answer = self.identity.call("ExchangeToken", identity_pb2.ExchangeTokenRequest(access_token=access))
        return answer.token, answer

    def _case(self, plan: Provider, number: int, place: int) -> None:
        key = f"seed-{place}-{number}"
        request = self._write("SubmitRequest", _request(number, place, self.today), plan.school, key).request
        manager, token = plan.managers[number % len(plan.managers)]
        opening = cases_pb2.OpenCaseRequest(request_id=request.request_id, case_manager_id=manager)
        case = self._write("OpenCase", opening, plan.lead, key).case
        for entry in range(1 + number % 3):
            self._write("RecordEvent", _entry(case.case_id, number, entry, self.today), token, f"{key}-{entry}")

    def _write(self, method: str, request: Message, token: str, key: str) -> Any:
        return self.cases.call(method, request, token=token, idempotency_key=key, timeout_seconds=20)


def _request(number: int, place: int, today: date) -> cases_pb2.SubmitRequestRequest:
    total = 84 - number % 5
    return cases_pb2.SubmitRequestRequest(
        student=cases_pb2.Student(
            given_names=_GIVEN[number % len(_GIVEN)],
            family_name=f"{_FAMILY[(number + place) % len(_FAMILY)]} {'Kiwi' if place else 'Weka'}",
            date_of_birth=(today - timedelta(days=365 * (7 + number % 9) + 40 + number)).isoformat(),
            year_level=2 + number % 9,
            gender=(cases_pb2.GENDER_FEMALE, cases_pb2.GENDER_MALE, cases_pb2.GENDER_ANOTHER)[number % 3],
        ),
        caregivers=[
            cases_pb2.Caregiver(
                name=f"Whaea {_FAMILY[number % len(_FAMILY)]}",
                relationship="mother",
                phone=f"021 000 {700 + number:04d}",
                safe_to_contact=bool(number % 4),
            )
        ],
        attendance=cases_pb2.Attendance(
            term=f"{today.year}-T{max(1, (today.month + 2) // 3)}",
            present_half_days=total * (30 + 3 * number) // 100,
            total_half_days=total,
        ),
        concern="Away most mornings since the start of term; messages home stay unanswered.",
        steps_tried="Two calls, a letter, and a hui that nobody came to.",
    )


def _entry(case_id: str, number: int, entry: int, today: date) -> cases_pb2.RecordEventRequest:
    is_visit = entry != 1
    return cases_pb2.RecordEventRequest(
        case_id=case_id,
        kind=cases_pb2.EVENT_KIND_HOME_VISIT if is_visit else cases_pb2.EVENT_KIND_CONTACT_ATTEMPT,
        happened_on=_day_of(entry, today).isoformat(),
        outcome=cases_pb2.OUTCOME_REACHED if (number + entry) % 3 else cases_pb2.OUTCOME_NO_ANSWER,
        minutes=(30, 10, 45)[entry] + 5 * (number % 3),
        note=_NOTES[(number + entry) % len(_NOTES)],
    )


def _day_of(entry: int, today: date) -> date:
    """Today, or for every third entry the last day of the quarter that has ended: its return has something to say."""
    return date(today.year, 3 * ((today.month - 1) // 3) + 1, 1) - timedelta(days=1) if entry == _LATE else today


def main(state: Path, issuer: str) -> int:
    """Seed once; later runs find the mark and do nothing."""
    mark = state / "seeded"
    if mark.exists():
        return 0
    addresses = json.loads((state / "addresses.json").read_text(encoding="utf-8"))["rpc"]
    seeder = Seeder(
        identity=Backend(Channels(addresses["identity"], count=1), identity_pb2_grpc.IdentityServiceStub),
        cases=Backend(Channels(addresses["cases"]), cases_pb2_grpc.CasesServiceStub),
        issuer=issuer,
        today=datetime.now(ZoneInfo("Pacific/Auckland")).date(),
    )
    made = seeder.seed(read_cast(state / "people.json"))
    mark.touch()
    print(f"{made} cases, with what happened in them")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
