"""Roles, training, periods, names and addresses: pure rules."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.identity.domain import (
    OrganisationKind,
    Period,
    Redemption,
    RoleGrant,
    Session,
    email_key,
    judge_code,
    judge_refresh_token,
    sort_name,
)
from services.identity.roles import ROLES, held_roles, machine_permissions, missing_of, permissions_of

TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
ALWAYS = Period(date(2026, 1, 1))
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def grant(role: str = "case_manager", **changes: object) -> RoleGrant:
    usual: dict[str, object] = {"period": ALWAYS, "trained_on": date(2026, 2, 1)}
    return RoleGrant(role, **(usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "kind", "missing"),
    [
        (grant(), "provider", ""),
        (grant(trained_on=None), "provider", "training"),
        (grant(trained_on=TOMORROW), "provider", "training"),
        (grant(trained_on=TODAY), "provider", ""),
        (grant(training_ends_on=TODAY), "provider", ""),
        (grant(training_ends_on=YESTERDAY), "provider", "training-lapsed"),
        (grant(period=Period(TOMORROW)), "provider", "start"),
        (grant(rested_at=NOW), "provider", "resting"),
        (grant("attendance_lead", rested_at=NOW), "school", "resting"),
        (grant(), "school", "organisation"),
        (grant("unknown"), "provider", "organisation"),
        (grant("attendance_lead", trained_on=None), "school", ""),
        (grant("ministry_analyst", trained_on=None), "ministry", "training"),
    ],
)
def test_what_keeps_a_role_from_working(given: RoleGrant, kind: str, missing: str) -> None:
    assert missing_of(given, kind=OrganisationKind(kind), today=TODAY) == missing


@pytest.mark.parametrize(
    ("given", "is_held"),
    [
        (grant(), True),
        (grant(trained_on=None), True),
        (grant(ended_at=NOW), False),
        (grant(period=Period(YESTERDAY, TODAY)), True),
        (grant(period=Period(YESTERDAY, YESTERDAY)), False),
    ],
)
def test_when_a_role_is_held(given: RoleGrant, is_held: bool) -> None:  # noqa: FBT001 - pytest passes it
    assert given.is_held(TODAY) is is_held


def test_only_working_roles_permit() -> None:
    roles = held_roles(
        [grant(), grant("workflow_lead", trained_on=None), grant("delegated_authoriser", ended_at=NOW)],
        kind=OrganisationKind.PROVIDER,
        today=TODAY,
    )
    assert [(held.role, held.works) for held in roles] == [("case_manager", True), ("workflow_lead", False)]
    assert permissions_of(roles) == {"cases:read", "cases:record", "cases:close", "students:search"}


def test_machines_hold_roles_of_their_own_kind_of_organisation_only() -> None:
    roles = ["attendance_lead", "workflow_lead", "unknown"]
    assert machine_permissions(roles, kind=OrganisationKind.SCHOOL) == ROLES["attendance_lead"].permissions


def test_no_role_of_a_school_needs_training_and_every_other_does() -> None:
    assert all(
        role.needs_training is (role.kind is not OrganisationKind.SCHOOL)
        for role in ROLES.values()
        if not role.is_for_machines
    )


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (Period(TODAY), Period(TOMORROW), True),
        (Period(YESTERDAY, TODAY), Period(TODAY, TOMORROW), True),
        (Period(YESTERDAY, YESTERDAY), Period(TODAY), False),
        (Period(YESTERDAY, None), Period(date(2025, 1, 1), date(2025, 12, 31)), False),
    ],
)
def test_periods_share_days_both_ends_included(one: Period, other: Period, overlap: bool) -> None:  # noqa: FBT001
    assert one.overlaps(other) is other.overlaps(one) is overlap


def test_a_period_lies_within_another() -> None:
    assert Period(TODAY, TODAY).lies_within(Period(TODAY, TODAY))
    assert Period(TODAY).lies_within(Period(YESTERDAY))
    assert not Period(TODAY).lies_within(Period(YESTERDAY, TOMORROW))
    assert not Period(YESTERDAY, TODAY).lies_within(Period(TODAY))
    assert Period(TODAY, YESTERDAY).is_backwards
    assert Period(TODAY, TOMORROW).includes(TOMORROW)


def session(**changes: object) -> Session:
    usual: dict[str, object] = {"started_at": NOW, "used_at": NOW, "expires_at": NOW + timedelta(hours=12)}
    return Session(UUID(int=1), UUID(int=2), **(usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "after", "is_alive"),
    [
        (session(), timedelta(hours=2), True),
        (session(), timedelta(hours=2, seconds=1), False),
        (session(used_at=NOW + timedelta(hours=11)), timedelta(hours=12), False),
        (session(used_at=NOW + timedelta(hours=11)), timedelta(hours=11, minutes=59), True),
        (session(ended_at=NOW), timedelta(0), False),
    ],
)
def test_how_long_a_session_lives(given: Session, after: timedelta, is_alive: bool) -> None:  # noqa: FBT001
    assert given.is_alive(NOW + after) is is_alive


@pytest.mark.parametrize(
    ("used_before", "verdict"),
    [(None, "accept"), (timedelta(seconds=20), "accept"), (timedelta(seconds=21), "reuse")],
)
def test_a_refresh_token_counts_again_within_the_grace(used_before: timedelta | None, verdict: str) -> None:
    used_at = NOW - used_before if used_before is not None else None
    assert judge_refresh_token(expires_at=NOW + timedelta(1), used_at=used_at, now=NOW) == Redemption(verdict)
    assert judge_refresh_token(expires_at=NOW, used_at=None, now=NOW) is Redemption.REFUSE


def test_a_code_has_no_grace() -> None:
    later = NOW + timedelta(seconds=1)
    assert judge_code(expires_at=later, used_at=None, now=NOW) is Redemption.ACCEPT
    assert judge_code(expires_at=later, used_at=NOW, now=NOW) is Redemption.REUSE
    assert judge_code(expires_at=NOW, used_at=None, now=NOW) is Redemption.REFUSE


def test_one_address_has_one_key() -> None:
    assert email_key(" Tūī@Example.NZ ") == email_key("tu\u0304i\u0304@example.nz") == "tūī@example.nz"


def test_names_sort_without_macrons() -> None:
    assert sorted(["Zoe", "Ānahera", "anaru", "Ākonga"], key=sort_name) == ["Ākonga", "Ānahera", "anaru", "Zoe"]
