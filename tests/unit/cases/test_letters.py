"""The ladder of letters: whatever people try, no stage is sent twice, too early, unapproved or by its author alone."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import NEW_ZEALAND
from services.cases import domain
from services.cases.domain.letters import (
    Attempts,
    Ended,
    Letter,
    LetterAct,
    LetterState,
    Mode,
    Pdf,
    Setting,
    allowed_acts,
    next_of,
    not_before,
)
from services.cases.domain.reference import LETTER_GAP, LETTER_RULE, Item, Reference
from services.cases.domain.students import Caregiver, ContactWay
from tests.unit.cases.people import LEAD_ID, MANAGER_ID, NOW, TODAY, Someone, case, letter

GAP = 14
AUTHOR = Someone(MANAGER_ID, frozenset({"cases:record", "letters:approve"}))
LEAD = Someone(LEAD_ID, frozenset({"cases:record", "letters:approve"}))
KERERU = Caregiver("Kererū", "nan", "", "", tuple(ContactWay))
PDF = Pdf(UUID(int=0xD0C), "ab" * 32, "2026-1")
NUMBERS = [(LETTER_GAP, "1", None), (LETTER_GAP, "2", GAP), (LETTER_GAP, "3", GAP), (LETTER_RULE, "sent_days", 14)]
REFERENCE = Reference.on(
    TODAY,
    [
        Item(list=name, code=code, label="", days=days, starts_on=date(2026, 1, 1), ends_on=None)
        for name, code, days in NUMBERS
    ],
)


def setting(*others: Letter, today: date = TODAY, enough: bool = True) -> Setting:
    attempts = Attempts(3 if enough else 0, 2, 3, 2)
    return Setting(case(), (KERERU,), others, attempts, REFERENCE, today)


def may(one: Letter, caller: Someone, where: Setting) -> set[LetterAct]:
    return {each.act for each in allowed_acts(one, caller, where) if not each.reason}


def sent(stage: int, day: date, number: int) -> Letter:
    approved_at = datetime(day.year, day.month, day.day, tzinfo=NEW_ZEALAND)
    return letter(
        id=UUID(int=number + 1),
        stage=stage,
        submitted_by=MANAGER_ID,
        submitted_at=NOW,
        approved_by=LEAD_ID,
        approved_at=approved_at,
        pdf=PDF,
        mode=Mode.POST,
        sent_on=day,
        sent_by=MANAGER_ID,
    )


DAYS = st.integers(0, 60).map(lambda days: TODAY - timedelta(days=days))


@given(st.lists(st.tuples(st.integers(1, 3), DAYS), max_size=4), st.integers(1, 3))
def test_nothing_goes_before_its_gap_and_no_stage_twice(history: list[tuple[int, date]], stage: int) -> None:
    past = [sent(rung, day, number) for number, (rung, day) in enumerate(history)]
    ready = replace(sent(stage, TODAY, 99), mode=Mode.UNSPECIFIED, sent_on=None, sent_by=None)
    first = not_before(ready.family, stage, past, REFERENCE)
    last = max((day for _, day in history), default=None)
    waits = stage > 1 and last is not None and last + timedelta(days=GAP) > TODAY
    assert (LetterAct.SEND in may(ready, AUTHOR, setting(*past))) is not waits
    assert first is None or first == (last or TODAY) + timedelta(days=GAP)
    rungs = {rung for rung, _ in history}
    reasons = {each.reason for each in domain.letters.draft_violations(ready, setting(*past))}
    assert bool(reasons) == (stage in rungs or any(rung > stage for rung in rungs))
    upcoming = next_of(ready.family, past, REFERENCE).stage
    assert upcoming == (None if max(rungs, default=0) == 3 else max(rungs, default=0) + 1)


SUBMITTED = letter(submitted_by=MANAGER_ID, submitted_at=NOW)
APPROVED = replace(SUBMITTED, approved_by=LEAD_ID, approved_at=NOW)
PRINTED = replace(APPROVED, pdf=PDF)
POSTED = replace(PRINTED, mode=Mode.POST, sent_on=TODAY, sent_by=MANAGER_ID)
ENDINGS = [state for state in LetterState if state not in domain.letters.OPEN]
STEPS: list[tuple[Letter, set[LetterAct]]] = [
    (letter(), {LetterAct.REVISE, LetterAct.SUBMIT, LetterAct.WITHDRAW}),
    (SUBMITTED, {LetterAct.APPROVE, LetterAct.RETURN, LetterAct.WITHDRAW}),
    (APPROVED, {LetterAct.RETURN, LetterAct.WITHDRAW}),
    (PRINTED, {LetterAct.RETURN, LetterAct.WITHDRAW, LetterAct.SEND}),
    (POSTED, {LetterAct.ANSWER, LetterAct.UNDELIVERED}),
    *((replace(POSTED, ended=Ended(state, TODAY, "", MANAGER_ID, NOW)), set[LetterAct]()) for state in ENDINGS),
]


@pytest.mark.parametrize(("one", "open_now"), STEPS)
def test_in_each_state_only_its_own_steps_are_open(one: Letter, open_now: set[LetterAct]) -> None:
    assert may(one, LEAD, setting()) == open_now
    assert LetterAct.APPROVE not in may(one, AUTHOR, setting())


@given(st.sets(st.sampled_from(["recipients", "support", "contact_name", "contact_phone"])))
def test_each_missing_field_is_named_and_no_other(left_out: set[str]) -> None:
    one = letter()
    emptied: dict[str, Any] = {name: () if name == "recipients" else " " for name in left_out}
    one = replace(one, text=replace(one.text, **emptied))
    assert set(domain.letters.missing(one, setting())) == left_out
    assert (LetterAct.SUBMIT in may(one, AUTHOR, setting())) is not bool(left_out)


def test_few_attempts_need_a_reason() -> None:
    one = letter()
    assert domain.letters.missing(one, setting(enough=False)) == ("attempts_reason",)
    said = replace(one, text=replace(one.text, attempts_reason="The school tried."))
    assert domain.letters.missing(said, setting(enough=False)) == ()
