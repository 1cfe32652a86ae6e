"""The rules of a notice's delivery."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

import pytest

from kit.errors import ConflictError
from services.notifications.domain import (
    LEASE,
    MAX_ATTEMPTS,
    DeliveryState,
    NoticeKind,
    is_told_of_assignment,
    notice_of,
)

NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
NOTICE = notice_of(
    event_id=UUID(int=1), person_id=UUID(int=2), kind=NoticeKind.CASE_ASSIGNED, subject_id=UUID(int=3), now=NOW
)


def test_an_event_makes_one_notice_for_a_person_however_often_it_is_asked() -> None:
    again = notice_of(
        event_id=UUID(int=1), person_id=UUID(int=2), kind=NoticeKind.CASE_ASSIGNED, subject_id=UUID(int=3), now=NOW
    )
    other = notice_of(
        event_id=UUID(int=1), person_id=UUID(int=9), kind=NoticeKind.CASE_ASSIGNED, subject_id=UUID(int=3), now=NOW
    )

    assert again.notice_id == NOTICE.notice_id
    assert other.notice_id != NOTICE.notice_id


def test_one_attempt_at_a_time_until_it_must_have_died() -> None:
    begun = NOTICE.begin_attempt(NOW)

    with pytest.raises(ConflictError):
        begun.begin_attempt(NOW + LEASE - timedelta(seconds=1))
    assert begun.begin_attempt(NOW + LEASE).attempt_until == NOW + LEASE * 2


def test_refusals_are_counted_and_the_last_is_final() -> None:
    almost = reduce(lambda notice, _: notice.refused(NOW, fault="smtp-451"), range(MAX_ATTEMPTS - 1), NOTICE)
    over = almost.refused(NOW, fault="smtp-451")

    assert (almost.state, almost.attempts) == (DeliveryState.PLANNED, MAX_ATTEMPTS - 1)
    assert (over.state, over.attempts, over.ended_at) == (DeliveryState.FAILED, MAX_ATTEMPTS, NOW)


def test_what_never_reached_the_mail_server_is_no_attempt() -> None:
    put_off = NOTICE.begin_attempt(NOW).put_off(fault="UnavailableError")

    assert (put_off.attempts, put_off.attempt_until, put_off.state) == (0, None, DeliveryState.PLANNED)


@pytest.mark.parametrize(("by", "is_told"), [("lead", True), ("manager", False)])
def test_only_others_are_told_of_an_assignment(by: str, *, is_told: bool) -> None:
    assert is_told_of_assignment(case_manager_id="manager", assigned_by=by) is is_told
