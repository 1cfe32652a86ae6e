"""The register's rules: one provider for a school on any day, whoever changes it, and what two registers differ in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from services.identity.domain import Catchment, Organisation, OrganisationKind, Period
from services.identity.domain import register as rules
from services.identity.domain.register import Action, Register, SuspensionReason
from services.identity.organisations import read_register, write_register

MINISTRY, ONE, TWO, SCHOOL, OTHER_SCHOOL = (UUID(int=number) for number in range(1, 6))
START = date(2024, 1, 1)
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def organisation(number: UUID, kind: OrganisationKind, school_number: str = "") -> Organisation:
    return Organisation(number, kind, f"Demo {number.int}", school_number, "07")


EMPTY = Register(
    [
        organisation(MINISTRY, OrganisationKind.MINISTRY),
        organisation(ONE, OrganisationKind.PROVIDER),
        organisation(TWO, OrganisationKind.PROVIDER),
        organisation(SCHOOL, OrganisationKind.SCHOOL, "0417"),
        organisation(OTHER_SCHOOL, OrganisationKind.SCHOOL, "0093"),
    ],
    [],
    [],
)
BOTH = rules.add_catchment(
    rules.add_catchment(EMPTY, Catchment("north", "North", ONE, Period(START))),
    Catchment("south", "South", TWO, Period(START)),
)
PLACED = rules.place_school(BOTH, SCHOOL, code="north", starts_on=START)


def days_of(register: Register, school: UUID = SCHOOL) -> list[tuple[str, date, date | None]]:
    own = [place for place in register.schools if place.school_id == school]
    return sorted((place.catchment_code, place.period.starts_on, place.period.ends_on) for place in own)


def test_another_provider_from_a_day_leaves_what_was_before() -> None:
    changed = rules.change_provider(PLACED, "north", provider_id=TWO, from_on=date(2026, 7, 1))
    assert [(one.provider_id, one.period) for one in changed.periods("north")] == [
        (ONE, Period(START, date(2026, 6, 30))),
        (TWO, Period(date(2026, 7, 1))),
    ]
    assert days_of(changed) == [("north", START, date(2026, 6, 30)), ("north", date(2026, 7, 1), None)]


def test_a_provider_from_the_first_day_takes_the_place_of_the_other() -> None:
    changed = rules.change_provider(PLACED, "north", provider_id=TWO, from_on=START)
    assert [one.provider_id for one in changed.periods("north")] == [TWO]
    assert rules.change_provider(changed, "north", provider_id=TWO, from_on=date(2025, 1, 1)) == changed


def test_a_school_moves_from_a_day_on() -> None:
    moved = rules.place_school(PLACED, SCHOOL, code="south", starts_on=date(2026, 2, 1))
    assert days_of(moved) == [("north", START, date(2026, 1, 31)), ("south", date(2026, 2, 1), None)]
    assert days_of(rules.place_school(moved, SCHOOL, code="", starts_on=date(2025, 1, 1))) == [
        ("north", START, date(2024, 12, 31))
    ]


def test_a_catchment_that_ends_leaves_its_schools_without_one() -> None:
    changed = rules.change_provider(PLACED, "north", provider_id=TWO, from_on=date(2026, 7, 1))
    ended = rules.end_catchment(changed, "north", ends_on=date(2026, 3, 31))
    assert [one.period.ends_on for one in ended.periods("north")] == [date(2026, 3, 31)]
    assert days_of(ended) == [("north", START, date(2026, 3, 31))]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda r: rules.change_provider(r, "north", provider_id=SCHOOL, from_on=START), "provider_id"),
        (lambda r: rules.change_provider(r, "north", provider_id=TWO, from_on=date(2023, 1, 1)), "provider_from"),
        (lambda r: rules.end_catchment(r, "north", ends_on=date(2023, 1, 1)), "ends_on"),
        (lambda r: rules.place_school(r, SCHOOL, code="south", starts_on=date(2023, 1, 1)), "starts_on"),
        (lambda r: rules.add_organisation(r, organisation(UUID(int=9), OrganisationKind.SCHOOL)), "school_number"),
        (
            lambda r: rules.add_organisation(r, organisation(UUID(int=9), OrganisationKind.PROVIDER, "1")),
            "school_number",
        ),
        (lambda r: rules.add_organisation(r, organisation(UUID(int=9), OrganisationKind.MINISTRY)), "kind"),
    ],
)
def test_what_cannot_be_names_its_field(edit: Callable[[Register], Register], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        edit(PLACED)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_what_is_not_there_is_not_found_and_what_is_there_is_not_added() -> None:
    with pytest.raises(NotFoundError):
        rules.place_school(PLACED, ONE, code="north", starts_on=START)
    with pytest.raises(NotFoundError):
        rules.place_school(PLACED, SCHOOL, code="west", starts_on=START)
    with pytest.raises(AlreadyExistsError):
        rules.add_catchment(PLACED, Catchment("north", "Again", ONE, Period(START)))
    with pytest.raises(AlreadyExistsError) as taken:
        rules.add_organisation(PLACED, organisation(UUID(int=9), OrganisationKind.SCHOOL, "0417"))
    assert taken.value.metadata == {"organisation_id": str(SCHOOL)}


def test_a_number_with_zeros_in_front_is_another_number() -> None:
    added = rules.add_organisation(EMPTY, organisation(UUID(int=9), OrganisationKind.SCHOOL, "417"))
    assert added.organisation(UUID(int=9)).school_number == "417"


def test_the_ministry_is_never_suspended_and_suspending_twice_keeps_the_first() -> None:
    with pytest.raises(FailedPreconditionError):
        rules.suspend_organisation(EMPTY, MINISTRY, reason=SuspensionReason.CLOSED, now=NOW)
    once = rules.suspend_organisation(EMPTY, ONE, reason=SuspensionReason.CLOSED, now=NOW)
    twice = rules.suspend_organisation(once, ONE, reason=SuspensionReason.SECURITY, now=NOW + timedelta(days=1))
    assert twice.organisation(ONE).suspended_at == NOW
    assert rules.resume_organisation(twice, ONE).organisation(ONE) == EMPTY.organisation(ONE)


DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))
STEPS = st.one_of(
    st.tuples(st.just("place"), st.sampled_from([SCHOOL, OTHER_SCHOOL]), st.sampled_from(["north", "south", ""]), DAYS),
    st.tuples(st.just("provider"), st.sampled_from([ONE, TWO]), st.sampled_from(["north", "south"]), DAYS),
    st.tuples(st.just("end"), st.just(ONE), st.sampled_from(["north", "south"]), DAYS),
)


def taken(register: Register, step: tuple[str, UUID, str, date]) -> Register:
    verb, who, code, day = step
    try:
        match verb:
            case "place":
                return rules.place_school(register, who, code=code, starts_on=day)
            case "provider":
                return rules.change_provider(register, code, provider_id=who, from_on=day)
            case _:
                return rules.end_catchment(register, code, ends_on=day)
    except InvalidArgumentError:
        return register


@given(st.lists(STEPS, max_size=8))
def test_whatever_happens_a_school_has_one_provider_on_any_day(steps: list[tuple[str, UUID, str, date]]) -> None:
    register = BOTH
    for step in steps:
        register = taken(register, step)
    for school in (SCHOOL, OTHER_SCHOOL):
        periods = sorted((p.period for p in register.schools if p.school_id == school), key=lambda p: p.starts_on)
        assert not [pair for pair in pairwise(periods) if pair[0].overlaps(pair[1])]
    # The file's own rules, written apart from these, find nothing wrong with it, and it is the same register.
    again = read_register(write_register(register))
    assert rules.differences(register, again) == []
    assert again.version == register.version


def test_differences_name_what_was_added_changed_suspended_and_removed() -> None:
    after = rules.place_school(PLACED, SCHOOL, code="south", starts_on=START)
    after = rules.suspend_organisation(after, ONE, reason=SuspensionReason.CLOSED, now=NOW)
    after = rules.add_organisation(after, organisation(UUID(int=9), OrganisationKind.PROVIDER))
    after = rules.rename_catchment(after, "north", "Far north")
    found = {(one.action, one.key): one.fields for one in rules.differences(PLACED, after)}
    assert found[Action.SUSPENDED, str(ONE)] == ()
    assert found[Action.ADDED, str(UUID(int=9))] == (
        ("kind", "", "provider"),
        ("name", "", "Demo 9"),
        ("region", "", "07"),
    )
    assert found[Action.CHANGED, "north"] == (("name", "North", "Far north"),)
    assert found[Action.CHANGED, str(SCHOOL)] == (("catchment", "north", "south"),)
    assert {one.action for one in rules.differences(PLACED, EMPTY)} == {Action.REMOVED}
    assert PLACED.version != after.version
