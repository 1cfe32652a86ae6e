"""The life of a case as a state machine: whatever is done in whatever order, these stay true."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kit.errors import DomainError
from services.cases import domain
from services.cases.domain.cases import Action, CaseState
from services.cases.domain.entries import Outcome
from services.cases.domain.tasks import End, TaskState
from tests.unit.cases.people import COLLEAGUE, LEAD, MANAGER, NOW, TODAY, Someone, case, entry, pause, task

PEOPLE = st.sampled_from([LEAD, MANAGER, COLLEAGUE])


class LifeOfACase(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.case = case()
        self.minutes = 0
        self.changes = 0
        self.reached: list[int] = []
        self.has_begun = False

    @rule(manager=PEOPLE, by=PEOPLE, seen=st.integers(-1, 1))
    def assign(self, manager: Someone, by: Someone, seen: int) -> None:
        before = self.case
        expected = max(0, before.version + seen)
        try:
            self.case = domain.cases.assign(
                before, by, case_manager_id=manager.person_id, now=NOW, expected_version=expected
            )
        except DomainError:
            assert (
                not self.may(Action.ASSIGN, by)
                or expected not in (0, before.version)
                or (before.case_manager_id == manager.person_id)
            )
            return
        assert self.may(Action.ASSIGN, by)
        assert self.case.case_manager_id == manager.person_id != before.case_manager_id
        self.changes += 1

    @rule(
        by=PEOPLE,
        minutes=st.integers(0, 1440),
        days_ago=st.integers(-1, 40),
        outcome=st.sampled_from(Outcome),
        minutes_before=st.integers(0, 1440),
    )
    def record(self, by: Someone, minutes: int, days_ago: int, outcome: Outcome, minutes_before: int) -> None:
        happening = entry(
            recorded_by=by.person_id, minutes=minutes, happened_on=TODAY - timedelta(days=days_ago), outcome=outcome
        )
        before = self.case
        total = minutes_before + minutes
        try:
            self.case = domain.cases.record(before, by, entry=happening, minutes_of_day=total, today=TODAY)
        except DomainError:
            assert before.state in (CaseState.NEW, CaseState.CLOSED) or days_ago < 0 or not outcome or total > 1440
            return
        assert before.state != CaseState.NEW
        assert total <= 1440
        self.has_begun |= by.person_id == before.case_manager_id
        self.reached += [days_ago] if outcome == Outcome.REACHED else []
        self.minutes += minutes
        self.changes += 1

    @rule(by=PEOPLE, days=st.integers(1, 90))
    def rest(self, by: Someone, days: int) -> None:
        before, could = self.case, self.may(Action.PAUSE, by)
        try:
            self.case = domain.pauses.pause(before, by, by=pause(wakes_on=TODAY + timedelta(days=days)))
        except DomainError:
            assert not could
            return
        assert could
        assert (before.state, self.case.state) == (CaseState.ACTIVE, CaseState.PAUSED)
        self.changes += 1

    @rule(by=PEOPLE)
    def wake(self, by: Someone) -> None:
        before = self.case
        try:
            self.case = domain.pauses.resume(before, by)
        except DomainError:
            assert before.state != CaseState.PAUSED
            return
        assert (before.state, self.case.state) == (CaseState.PAUSED, CaseState.ACTIVE)
        self.changes += 1

    @rule(by=PEOPLE)
    def add_task(self, by: Someone) -> None:
        try:
            self.case = domain.tasks.add(self.case, by)
        except DomainError:
            assert self.case.state == CaseState.CLOSED
            return
        self.changes += 1

    @precondition(lambda self: self.case.open_tasks)
    @rule()
    def end_task(self) -> None:
        how = End(TaskState.COMPLETED, LEAD.person_id, NOW, "Done.")
        self.case, _ = domain.tasks.end(self.case, task(), how=how)
        self.changes += 1

    @rule(by=PEOPLE)
    def close(self, by: Someone) -> None:
        before, could = self.case, self.may(Action.CLOSE, by)
        try:
            self.case = domain.closings.close(before, by, at=NOW)
        except DomainError:
            assert not could
            assert before.open_tasks or before.state == CaseState.CLOSED
            return
        assert could
        assert (self.case.state, self.case.open_tasks, self.case.pause_id) == (CaseState.CLOSED, 0, None)
        self.changes += 1

    @rule(by=PEOPLE, keeps_owner=st.booleans())
    def reopen(self, by: Someone, keeps_owner: bool) -> None:  # noqa: FBT001 - drawn by name
        before = self.case
        try:
            self.case = domain.closings.reopen(before, by, keeps_owner=keeps_owner)
        except DomainError:
            assert before.state != CaseState.CLOSED
            return
        assert self.case.state not in (CaseState.CLOSED, CaseState.PAUSED)
        assert keeps_owner or self.case.state == CaseState.NEW
        self.changes += 1

    @precondition(lambda self: self.case.state not in (CaseState.NEW, CaseState.CLOSED))
    @rule()
    def nobody_takes_a_case_back(self) -> None:
        assert self.case.case_manager_id is not None

    @invariant()
    def state_follows_from_facts(self) -> None:
        is_open, has_owner = self.case.closed_at is None, self.case.case_manager_id is not None
        assert (self.case.state == CaseState.NEW) == (is_open and not has_owner)
        worked_on = self.case.state in (CaseState.ACTIVE, CaseState.PAUSED)
        assert worked_on == (is_open and has_owner and self.has_begun)
        assert self.case == replace(self.case)

    @invariant()
    def sums_are_exact(self) -> None:
        assert self.case.minutes == self.minutes
        assert self.case.version == 1 + self.changes
        expected = TODAY - timedelta(days=min(self.reached)) if self.reached else None
        assert self.case.last_contact_on == expected

    @invariant()
    def whoever_has_the_case_sees_it(self) -> None:
        for someone in (MANAGER, COLLEAGUE):
            is_theirs = self.case.case_manager_id == someone.person_id
            assert is_theirs == self.is_visible(someone)
        assert self.is_visible(LEAD)

    def may(self, action: Action, who: Someone) -> bool:
        return any(each.action == action and each.is_allowed for each in domain.cases.allowed_actions(self.case, who))

    def is_visible(self, who: Someone) -> bool:
        try:
            domain.cases.check_visible(self.case, who)
        except DomainError:
            return False
        return True


TestLifeOfACase = LifeOfACase.TestCase
