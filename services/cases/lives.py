"""Made-up lives of cases: what happened in each, from the school's request on, by chance and by the rules of `domain`.

Every step goes through the function that people's commands use, in the order of its moments, so that nothing comes
out that people could not have made. Nothing is written here: `commands.seeding` does.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from kit.calendar import WorkingDays
from kit.clock import NEW_ZEALAND, local_date
from kit.ids import NewId
from kit.outbox import Event
from services.cases import domain, events
from services.cases.domain.cases import Case, Record
from services.cases.domain.closings import Closing
from services.cases.domain.entries import NEEDS_OUTCOME, Channel, Entry, EventKind, Outcome, Visibility
from services.cases.domain.pauses import Pause
from services.cases.domain.reference import (
    CLOSE_OUTCOME,
    CLOSE_REASON,
    DECLINE_REASON,
    PAUSE_REASON,
    RECORD_PART,
    STEPPED_RESPONSE,
    Reference,
)
from services.cases.domain.requests import Draft, Occasion, Request
from services.cases.domain.students import Attendance, Caregiver, ContactWay, Gender, Student
from services.cases.domain.tasks import End, Priority, Task, TaskState

QUIET_DAYS = 9
"""Of what people would get a notice, nothing happened so lately: notifications leaves out what is no news any more."""
_DAY_OF_WORK = 480
"""Minutes that someone records for a day at most."""

_GIVEN = (
    *("Āwhina", "Tama", "Mārama", "Rangi", "Kiri", "Hōani", "Aroha", "Pita", "Mere", "Wī", "Huia", "Rewi", "Anahera"),
    *("Tāne", "Hine", "Sione", "Lani", "Tevita", "Mele", "Priya", "Arjun", "Mei", "Jun", "Olivia", "Jack", "Zoë"),
    *("Noah", "Ngaio", "Tūmanako", "Māia", "Wiremu", "Ārohanui", "Pōtiki", "Hēmi", "Rāwiri", "Kahurangi"),
)
_FAMILY = ("Tauira", "Example", "Demo", "Sample", "Pretend", "Madeup", "Whakatauira", "Placeholder")
_BIRDS = (
    *("Kererū", "Tūī", "Weka", "Kākā", "Kea", "Pūkeko", "Ruru", "Hihi", "Tīeke", "Kōkako", "Kōtare", "Pīwakawaka"),
    *("Riroriro", "Tōrea", "Karoro", "Kārearea", "Kōtuku", "Whio", "Pāteke", "Tōroa", "Korimako", "Mātātā"),
)
_CONCERNS = (
    "Away most mornings since the start of term; messages home stay unanswered.",
    "Came regularly until the family moved; now two or three days a week.",
    "Leaves after the first block; says that nobody notices.",
    "Looks after younger ones at home on most Mondays and Fridays.",
)
_NOTES = {
    EventKind.HOME_VISIT: (
        "Nobody at home; left a card with our number.",
        "Mum at home. The bus left before eight; he walks with a cousin until that is sorted.",
        "Kōrero with koro on the marae steps. He brings her on Monday and stays for the morning.",
    ),
    EventKind.CONTACT_ATTEMPT: ("Rang at nine and again at four.", "Sent a text; an answer came within the hour."),
    EventKind.HUI: ("Hui with whānau and the dean: a later start on Mondays for three weeks, then we look again.",),
    EventKind.SCHOOL_MEETING: ("Met with the dean. The timetable can change from next week.",),
    EventKind.SUPPORT: ("Brought the uniform and a bus card.", "Breakfast club from Wednesday on."),
    EventKind.ACTION: ("Arranged with the school who greets her at the gate.",),
    EventKind.REFERRAL: ("Referred to the iwi health provider, with whānau's agreement.",),
    EventKind.PROGRESS_REVIEW: ("Six of ten half-days this week, four last week. Whānau are pleased.",),
}
_KINDS = {
    EventKind.HOME_VISIT: 28,
    EventKind.CONTACT_ATTEMPT: 28,
    EventKind.HUI: 7,
    EventKind.SCHOOL_MEETING: 8,
    EventKind.SUPPORT: 9,
    EventKind.ACTION: 8,
    EventKind.REFERRAL: 4,
    EventKind.PROGRESS_REVIEW: 8,
}
_EVERY_PART = (EventKind.SUPPORT, EventKind.REFERRAL, EventKind.PROGRESS_REVIEW, EventKind.HOME_VISIT)
"""What feeds each part of a record's health; its minutes feed the fifth."""
_TASKS = ("Ring the dean", "Ask about the bus card", "Visit again", "Send the plan to whānau", "Look at the attendance")


class Stand(StrEnum):
    """Where a life has come to by now."""

    REQUESTED = "requested"
    DECLINED = "declined"
    NEW = "new"
    ASSIGNED = "assigned"
    ACTIVE = "active"
    PAUSED = "paused"
    WOKEN = "woken"
    CLOSED = "closed"
    REOPENED = "reopened"


_IN_A_HUNDRED = {
    Stand.REQUESTED: 3,
    Stand.DECLINED: 1,
    Stand.NEW: 3,
    Stand.ASSIGNED: 5,
    Stand.ACTIVE: 50,
    Stand.PAUSED: 7,
    Stand.WOKEN: 4,
    Stand.CLOSED: 24,
    Stand.REOPENED: 3,
}
_LONG_AGO = (30, 190)
_DAYS_AGO = {Stand.REQUESTED: (0, 9), Stand.NEW: (1, 6), Stand.ASSIGNED: (14, 20)}
"""How many days ago it began, at least and at most."""
_WITHOUT_CASE = (Stand.REQUESTED, Stand.DECLINED)
_RESTS_DAYS = 10
"""How long a rest takes that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where cases grow: organisations and people that are there. `region`: the provider's, by Stats NZ's code."""

    provider: UUID
    region: str
    schools: Sequence[UUID]
    managers: Sequence[UUID]
    lead: UUID


@dataclass(frozen=True, slots=True, order=True)
class Beginning:
    """When a life begins, and where it has come to by now."""

    at: datetime
    stand: Stand

    @property
    def has_case(self) -> bool:
        """Whether a case was opened."""
        return self.stand not in _WITHOUT_CASE


@dataclass(slots=True)
class Life:
    """A request, and what became of it. `told`: what others count of it, each with its moment, in order."""

    request: Request
    record: Record | None = None
    entries: list[Entry] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    told: list[tuple[datetime, Event]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _AnyCaller:
    """Who did it: somebody whose role allows it."""

    person_id: UUID

    def may(self, permission: str) -> bool:
        """Whatever it is."""
        return bool(permission)


Step = tuple[datetime, Callable[[datetime], None]]


@dataclass(eq=False, kw_only=True)
class Storyteller:
    """Makes lives up. `worked`: minutes by person and day, those of before included."""

    ground: Ground
    chance: random.Random
    new_id: NewId
    reference: Reference
    now: datetime
    hash_key: bytes
    worked: Counter[tuple[UUID, date]]

    def __post_init__(self) -> None:
        """What is asked for with each life stands ready."""
        self._calendar = WorkingDays(self.ground.region)
        self._rule = self.reference.days(RECORD_PART)
        self._codes = {name: sorted(self.reference.codes(name)) for name in (CLOSE_REASON, CLOSE_OUTCOME, PAUSE_REASON)}
        self._kinds, self._kind_weights = list(_KINDS), list(_KINDS.values())

    def beginnings(self, count: int) -> list[Beginning]:
        """When so many lives begin, the earliest first, so that case numbers go with the days."""
        stands = self.chance.choices(list(_IN_A_HUNDRED), list(_IN_A_HUNDRED.values()), k=count)
        return sorted(Beginning(self._some_time(*_DAYS_AGO.get(stand, _LONG_AGO)), stand) for stand in stands)

    def tell(self, beginning: Beginning, *, number: str) -> Life:
        """One life, up to now; `number` is its case's."""
        at, stand = beginning.at, beginning.stand
        request = self._request(at if stand is Stand.REQUESTED else at - timedelta(days=self.chance.randint(0, 3)))
        occasion = Occasion(
            caller=_AnyCaller(self.ground.lead), tenant_id=self.ground.provider, now=at, today=local_date(at)
        )
        if stand is Stand.REQUESTED:
            is_late = request.is_overdue(local_date(self.now))
            return Life(replace(request, overdue_noted_at=self.now) if is_late else request)
        if stand is Stand.DECLINED:
            reason = self.chance.choice(sorted(self.reference.codes(DECLINE_REASON)))
            return Life(domain.requests.decline(request, occasion, reason=reason, words="Please ask again next term."))
        life = Life(domain.requests.accept(request, occasion, case_id=self.new_id()))
        _CaseLife(self, life, number, at, stand).live()
        return life

    def code(self, wanted: str) -> str:
        """One of a list."""
        return self.chance.choice(self._codes[wanted])

    def kind(self) -> EventKind:
        """Some kind of entry, those oftener that people record oftener."""
        return self.chance.choices(self._kinds, self._kind_weights)[0]

    def judged(self, case: Case) -> Case:
        """The case with its record's health."""
        return domain.cases.judged(case, self._rule)

    def within(self, first: datetime, last: datetime) -> datetime:
        """Some moment of a day's work between two."""
        days = max(0, (last - first).days)
        at = datetime.combine(local_date(first) + timedelta(days=self.chance.randint(0, days)), time(9), NEW_ZEALAND)
        return min(max(at + timedelta(minutes=self.chance.randint(0, _DAY_OF_WORK)), first), last)

    def _some_time(self, least_days: int, most_days: int) -> datetime:
        day = local_date(self.now) - timedelta(days=self.chance.randint(least_days, most_days))
        while not self._calendar.is_working_day(day):
            day -= timedelta(days=1)
        at = datetime.combine(day, time(9), NEW_ZEALAND) + timedelta(minutes=self.chance.randint(0, _DAY_OF_WORK))
        return min(at, self.now)

    def _request(self, at: datetime) -> Request:
        chance, today = self.chance, local_date(at)
        year_level = chance.randint(1, 12)
        born_on = today - timedelta(days=round(365.25 * (year_level + 5)) + chance.randint(0, 350))
        student = Student(
            nsn=f"{chance.randint(1_000_000, 999_999_999):010d}" if chance.random() < 0.9 else "",  # noqa: PLR2004 - most
            given_names=" ".join(chance.sample(_GIVEN, chance.choice((1, 1, 2)))),
            family_name=f"{chance.choice(_FAMILY)}-{chance.choice(_BIRDS)}",
            preferred_name=chance.choice(_GIVEN) if chance.random() < 0.05 else "",  # noqa: PLR2004 - few
            date_of_birth=born_on,
            year_level=year_level,
            gender=chance.choices((Gender.FEMALE, Gender.MALE, Gender.ANOTHER), (49, 49, 2))[0],
        )
        ways = tuple(ContactWay) if chance.random() < 0.8 else (ContactWay.TEXT,)  # noqa: PLR2004 - most
        phone = f"021 000 {chance.randint(0, 9_999):04d}"
        total = chance.randint(70, 90)
        draft = Draft(
            student=student,
            caregivers=(Caregiver(f"Whaea {student.family_name}", "mother", phone, "", ways),),
            attendance=Attendance(_term(today), total * chance.randint(20, 75) // 100, total),
            concern=chance.choice(_CONCERNS),
            steps_tried="Two calls, a letter, and a hui that nobody came to.",
        )
        assessment = domain.triage.assess(
            draft.terms,
            steps=0,
            born_on=born_on,
            criteria=self.reference.criteria,
            stepped_response=self.reference.days(STEPPED_RESPONSE),
            today=today,
        )
        return Request(
            id=self.new_id(),
            owner_id=chance.choice(self.ground.schools),
            provider_id=self.ground.provider,
            draft=replace(draft, details=replace(draft.details, assessment=assessment)),
            submitted_at=at,
            submitted_by=self.ground.lead,
            answer_due_on=domain.requests.answer_due_on(today, self._calendar),
        )


class _CaseLife:
    """The life of one case: its steps are made up, and then taken in the order of their moments."""

    def __init__(self, teller: Storyteller, life: Life, number: str, at: datetime, stand: Stand) -> None:
        request = life.request
        assert request.case_id is not None, "accepted"
        self._teller, self._life, self._chance, self._stand = teller, life, teller.chance, stand
        self._manager = _AnyCaller(self._chance.choice(teller.ground.managers))
        self._case = Case(
            id=request.case_id,
            number=number,
            school_id=request.school_id,
            request_id=request.id,
            born_on=request.draft.student.date_of_birth,
            opened_at=at,
            opened_by=teller.ground.lead,
        )

    def live(self) -> None:
        """Take every step up to now."""
        teller, opened_at = self._teller, self._case.opened_at
        draft = self._life.request.draft
        opened = Record(self._case, draft.student, draft.caregivers, draft.attendance, draft.concern, draft.details)
        requested_on = local_date(self._life.request.submitted_at)
        told = events.case_opened(opened, requested_on=requested_on, student_hash_key=teller.hash_key)
        self._tell(opened_at, told)
        for at, step in sorted(self._steps(), key=lambda each: each[0]):
            step(at)
        self._life.record = replace(opened, case=teller.judged(self._case))

    def _steps(self) -> list[Step]:
        """What happens, in no order."""
        if self._stand is Stand.NEW:
            return []
        teller, chance, now = self._teller, self._chance, self._teller.now
        assigned_at = self._case.opened_at + timedelta(hours=chance.choice((1, 3, 24, 26, 48, 72)))
        steps: list[Step] = [(assigned_at, self._assign)]
        if self._stand is Stand.ASSIGNED:
            return steps
        begins_at = assigned_at + timedelta(hours=chance.randint(1, 48))
        ends_at = now - timedelta(days=chance.choice((0, 1, 2, 3, 5, 8, 13)), minutes=chance.randint(1, 400))
        if self._stand in (Stand.CLOSED, Stand.REOPENED):
            ends_at = teller.within(begins_at + timedelta(days=_RESTS_DAYS), now - timedelta(days=2))
            steps.append((ends_at, self._close))
        if self._stand is Stand.REOPENED:
            steps.append((teller.within(ends_at + timedelta(hours=1), now), self._reopen))
        if self._stand is Stand.PAUSED:
            ends_at = now - timedelta(days=chance.randint(1, 14))
            steps.append((ends_at, self._pause))
        if self._stand is Stand.WOKEN:
            rests_at = teller.within(begins_at + timedelta(hours=1), now - timedelta(days=QUIET_DAYS + _RESTS_DAYS + 1))
            steps.append((rests_at, self._pause))
            wakes_on = local_date(rests_at) + timedelta(days=_RESTS_DAYS)
            steps.append((datetime.combine(wakes_on, time(), NEW_ZEALAND), self._wake))
        last = ends_at - timedelta(minutes=1)
        steps.append((begins_at, self._record(teller.kind())))
        kinds = [teller.kind() for _ in range(chance.choice((0, 1, 1, 2, 3, 4, 6)))]
        if chance.random() < 0.4:  # noqa: PLR2004 - so many keep every part of their record
            fresh = max(begins_at, last - timedelta(days=10))
            steps += [(teller.within(fresh, last), self._record(kind)) for kind in _EVERY_PART]
        steps += [(teller.within(begins_at, last), self._record(kind)) for kind in kinds]
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            steps += self._task(begins_at, last)
        return steps

    # ---- steps

    def _tell(self, at: datetime, event: Event) -> None:
        self._life.told.append((at, event))

    def _assign(self, at: datetime) -> None:
        lead, manager = _AnyCaller(self._teller.ground.lead), self._manager.person_id
        self._case = domain.cases.assign(self._case, lead, case_manager_id=manager, now=at)
        self._tell(at, events.case_assigned(self._case, previous=None, assigned_by=lead.person_id))

    def _record(self, kind: EventKind) -> Callable[[datetime], None]:
        def record(at: datetime) -> None:
            entry = self._entry(kind, at)
            of_day = self._teller.worked[self._manager.person_id, entry.happened_on]
            self._case = domain.cases.record(
                self._case, self._manager, entry=entry, minutes_of_day=of_day, today=local_date(at)
            )
            self._life.entries.append(entry)
            self._tell(at, events.event_recorded(entry))

        return record

    def _entry(self, kind: EventKind, at: datetime) -> Entry:
        chance, day, manager = self._chance, local_date(at), self._manager.person_id
        left = _DAY_OF_WORK - self._teller.worked[manager, day]
        minutes = min(chance.choice((10, 15, 20, 30, 40, 45, 60)), max(0, left))
        self._teller.worked[manager, day] += minutes
        came_of = chance.choice((Outcome.REACHED, Outcome.REACHED, Outcome.NO_ANSWER, Outcome.REFUSED))
        is_attempt = kind is EventKind.CONTACT_ATTEMPT
        return Entry(
            id=self._teller.new_id(),
            case_id=self._case.id,
            kind=kind,
            happened_on=day,
            outcome=came_of if kind in NEEDS_OUTCOME else Outcome.UNSPECIFIED,
            minutes=minutes,
            note=chance.choice(_NOTES[kind]),
            visibility=Visibility.SCHOOL if chance.random() < 0.3 else Visibility.PROVIDER,  # noqa: PLR2004 - some
            recorded_by=manager,
            recorded_at=at,
            channel=chance.choice((Channel.PHONE, Channel.TEXT_MESSAGE)) if is_attempt else Channel.UNSPECIFIED,
        )

    def _task(self, first: datetime, last: datetime) -> list[Step]:
        """A task that is added, may become overdue, and is done or not; before a case closes it is."""
        chance, now = self._chance, self._teller.now
        quiet = local_date(now) - timedelta(days=QUIET_DAYS)
        added_at = self._teller.within(first, last)
        is_done = self._case_closes or chance.random() < 0.5  # noqa: PLR2004 - half of them
        done_at = self._teller.within(added_at, last) if is_done else None
        due_on = local_date(now) + timedelta(days=chance.randint(0, 40))
        if done_at is not None:
            due_on = local_date(done_at) + timedelta(days=chance.randint(0, 9))
        late_on = (local_date(done_at) if done_at else quiet) - timedelta(days=chance.randint(1, 9))
        if chance.random() < 0.2 and local_date(added_at) <= late_on < quiet:  # noqa: PLR2004 - some are late
            due_on = late_on
        place = len(self._life.tasks)
        self._life.tasks.append(self._new_task(added_at, due_on))
        steps: list[Step] = [(added_at, self._add_task)]
        overdue_at = datetime.combine(due_on + timedelta(days=1), time(), NEW_ZEALAND)
        if overdue_at <= (done_at or now):
            steps.append((overdue_at, lambda at: self._note_overdue(place, at)))
        if done_at is not None:
            steps.append((done_at + timedelta(seconds=1), lambda at: self._end_task(place, at)))
        return steps

    @property
    def _case_closes(self) -> bool:
        return self._stand in (Stand.CLOSED, Stand.REOPENED)

    def _new_task(self, at: datetime, due_on: date) -> Task:
        return Task(
            id=self._teller.new_id(),
            case_id=self._case.id,
            title=self._chance.choice(_TASKS),
            instructions="",
            due_on=due_on,
            priority=self._chance.choices(list(Priority), (1, 4, 2))[0],
            owner_id=self._manager.person_id,
            added_by=self._manager.person_id,
            added_at=at,
        )

    def _add_task(self, _at: datetime) -> None:
        self._case = domain.tasks.add(self._case, self._manager)

    def _note_overdue(self, place: int, at: datetime) -> None:
        task = self._life.tasks[place] = replace(self._life.tasks[place], overdue_noted_at=at)
        self._tell(at, events.task_overdue(task))

    def _end_task(self, place: int, at: datetime) -> None:
        how = End(TaskState.COMPLETED, self._manager.person_id, at, "Done.")
        self._case, task = domain.tasks.end(self._case, self._life.tasks[place], how=how)
        self._life.tasks[place] = task
        if task.overdue_noted_at is not None:
            self._tell(at, events.task_completed(task))

    def _pause(self, at: datetime) -> None:
        day, has_ended = local_date(at), self._stand is Stand.WOKEN
        longest = (local_date(self._teller.now) - day).days + 1
        rest = Pause(
            id=self._teller.new_id(),
            case_id=self._case.id,
            reason=self._teller.code(PAUSE_REASON),
            started_on=day,
            wakes_on=day + timedelta(days=_RESTS_DAYS if has_ended else longest + self._chance.randint(0, 40)),
            conditions="",
            agreed_by="Whānau",
            paused_by=self._manager.person_id,
            paused_at=at,
        )
        self._case = domain.pauses.pause(self._case, self._manager, by=rest)
        self._life.pauses.append(rest)
        self._tell(at, events.case_paused(rest))

    def _wake(self, at: datetime) -> None:
        rest = self._life.pauses[-1]
        self._tell(at, events.case_resumed(self._case, resumed_on=rest.wakes_on, resumed_by=None))
        self._life.pauses[-1] = replace(rest, ended_on=rest.wakes_on, ended_at=at)
        self._case = domain.pauses.awake(self._case)

    def _close(self, at: datetime) -> None:
        end = Closing(
            id=self._teller.new_id(),
            case_id=self._case.id,
            reason=self._teller.code(CLOSE_REASON),
            outcome=self._teller.code(CLOSE_OUTCOME),
            summary="Comes nearly every day. School and whānau know whom to ring.",
            closed_by=self._manager.person_id,
            closed_at=at,
        )
        self._case = domain.closings.close(self._case, self._manager, at=at)
        self._life.closings.append(end)
        self._tell(at, events.case_closed(end, closed_on=local_date(at)))

    def _reopen(self, at: datetime) -> None:
        self._case = domain.closings.reopen(self._case, self._manager, keeps_owner=True)
        by, end = self._manager.person_id, self._life.closings[-1]
        self._life.closings[-1] = replace(end, reopened_reason="Away again.", reopened_by=by, reopened_at=at)
        told = events.case_reopened(self._case, closing_id=end.id, reopened_on=local_date(at), reopened_by=by)
        self._tell(at, told)


def _term(day: date) -> str:
    """The school term of a day, roughly: by quarters."""
    return f"{day.year}-T{(day.month + 2) // 3}"
