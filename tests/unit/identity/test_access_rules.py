"""Who may give which role, which training counts, and when someone is invited to it."""

from datetime import UTC, date, datetime

import pytest

from kit.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError
from services.identity.domain import HeldRole, Period
from services.identity.domain.access import (
    Training,
    best_training,
    judge_assignment,
    judge_ceiling,
    judge_training,
)
from services.identity.roles import CEILINGS, ROLES, ceiling_of
from services.identity.training import invite_at

TODAY = date(2026, 3, 4)


def test_only_a_working_authoriser_may_give_and_never_beyond_their_kind_of_organisation() -> None:
    assert ceiling_of([HeldRole("delegated_authoriser")]) == {"workflow_lead", "case_manager", "delegated_authoriser"}
    assert ceiling_of([HeldRole("delegated_authoriser", "training"), HeldRole("workflow_lead")]) == frozenset()
    assert all(ROLES[given].kind is ROLES[giver].kind for giver, all_given in CEILINGS.items() for given in all_given)
    assert not any(ROLES[given].is_for_machines for all_given in CEILINGS.values() for given in all_given)


@pytest.mark.parametrize("role", ["ministry_admin", "attendance_lead", "king", ""])
def test_a_role_beyond_the_ceiling_is_refused(role: str) -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        judge_ceiling(role, {"case_manager"})
    assert refused.value.reason == "above-ceiling"


@pytest.mark.parametrize(
    ("role", "period", "reason"),
    [
        ("case_manager", Period(TODAY, date(2026, 3, 3)), "backwards"),
        ("case_manager", Period(date(2026, 1, 1), date(2026, 3, 3)), "past"),
        ("delegated_authoriser", Period(TODAY), "required"),
    ],
)
def test_days_must_make_sense_and_authority_ends(role: str, period: Period, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        judge_assignment(role, period, is_own=False, today=TODAY)
    assert [(each.field, each.reason) for each in refused.value.violations] == [("ends_on", reason)]


def test_nobody_gives_themself_a_role() -> None:
    judge_assignment("case_manager", Period(TODAY), is_own=False, today=TODAY)
    with pytest.raises(FailedPreconditionError) as refused:
        judge_assignment("case_manager", Period(TODAY), is_own=True, today=TODAY)
    assert refused.value.reason == "own-role"


@pytest.mark.parametrize(
    ("training", "fields"),
    [
        (Training("knitting", TODAY), ["course"]),
        (Training("first-aid", date(2026, 3, 5)), ["course", "completed_on"]),
        (Training("attendance-service", TODAY, date(2026, 3, 3)), ["expires_on"]),
    ],
)
def test_a_training_that_cannot_be_is_refused(training: Training, fields: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        judge_training(training, courses=["attendance-service"], today=TODAY)
    assert [each.field for each in refused.value.violations] == fields


def test_the_training_that_counts_for_longest_counts() -> None:
    old, new = Training("a", date(2024, 1, 1), date(2026, 1, 1)), Training("a", date(2025, 1, 1), date(2027, 1, 1))
    endless = Training("a", date(2020, 1, 1))
    assert best_training([new, old], "a") == new
    assert best_training([new, endless, old], "a") == endless
    assert best_training([new], "b") is None


@pytest.mark.parametrize(
    ("region", "now", "expected"),
    [
        # A Wednesday at ten: at once.
        ("07", datetime(2026, 3, 3, 21, 0, tzinfo=UTC), datetime(2026, 3, 3, 21, 0, tzinfo=UTC)),
        # The same day at seven in the morning: at eight.
        ("07", datetime(2026, 3, 3, 18, 0, tzinfo=UTC), datetime(2026, 3, 3, 19, 0, tzinfo=UTC)),
        # And at six in the evening: the next morning.
        ("07", datetime(2026, 3, 4, 5, 0, tzinfo=UTC), datetime(2026, 3, 4, 19, 0, tzinfo=UTC)),
        # The Saturday before Taranaki's anniversary day, 9 March: Tuesday there, Monday elsewhere.
        ("07", datetime(2026, 3, 6, 22, 0, tzinfo=UTC), datetime(2026, 3, 9, 19, 0, tzinfo=UTC)),
        ("08", datetime(2026, 3, 6, 22, 0, tzinfo=UTC), datetime(2026, 3, 8, 19, 0, tzinfo=UTC)),
        # The evening before Good Friday: the Tuesday after Easter.
        ("08", datetime(2026, 4, 2, 5, 0, tzinfo=UTC), datetime(2026, 4, 6, 20, 0, tzinfo=UTC)),
    ],
)
def test_the_invitation_to_a_training_goes_out_within_one_working_day(
    region: str, now: datetime, expected: datetime
) -> None:
    assert invite_at(now, region) == expected
