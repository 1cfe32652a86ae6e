"""What a school has written so far of a request survives, is its own, and is checked when it is sent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.clock import FixedClock
from kit.errors import ConflictError, InvalidArgumentError, NotFoundError
from kit.sweeps import Sweep
from services.cases import commands
from services.cases.commands.deadlines import DRAFT_DEADLINE
from services.cases.commands.deps import Deps
from tests.service.cases.conftest import ATTENDANCE_LEAD, OTHER_ATTENDANCE_LEAD
from tests.support.rpc import Caller

Make = Callable[..., Any]
BEGUN = cases_pb2.SubmitRequestRequest(
    student=cases_pb2.Student(given_names="Kōwhai"), attendance=cases_pb2.Attendance(term="2026-T1")
)


def save(call: Caller, content: cases_pb2.SubmitRequestRequest, **fields: Any) -> cases_pb2.Draft:
    request = cases_pb2.SaveDraftRequest(content=content, **fields)
    draft: cases_pb2.Draft = call("SaveDraft", request, as_=ATTENDANCE_LEAD).draft
    return draft


def drafts(call: Caller, **fields: Any) -> requests_pb2.ListDraftsResponse:
    response: requests_pb2.ListDraftsResponse = call(
        "ListDrafts", requests_pb2.ListDraftsRequest(**fields), as_=ATTENDANCE_LEAD
    )
    return response


def test_a_draft_may_be_incomplete_and_says_what_is_missing(call: Caller) -> None:
    saved = save(call, BEGUN)
    assert (saved.content, saved.version, saved.kept_until) == (BEGUN, 1, "2026-05-03")
    found = call("GetDraft", requests_pb2.GetDraftRequest(draft_id=saved.draft_id), as_=ATTENDANCE_LEAD)
    assert found.draft == saved
    assert {each.field for each in found.faults} == {
        "student.date_of_birth",
        "attendance.total_half_days",
        "concern",
    }
    with pytest.raises(InvalidArgumentError, match="concern"):
        call("SubmitDraft", requests_pb2.SubmitDraftRequest(draft_id=saved.draft_id), as_=ATTENDANCE_LEAD)
    assert [each.student_name for each in drafts(call).drafts] == ["Kōwhai"]


def test_what_is_there_holds_to_its_rules(call: Caller) -> None:
    with pytest.raises(InvalidArgumentError, match=r"content\.student\.nsn"):
        save(call, cases_pb2.SubmitRequestRequest(student=cases_pb2.Student(nsn="12")))


def test_a_draft_becomes_a_request_once(call: Caller, draft: Make, rows: Make) -> None:
    begun = save(call, BEGUN)
    whole = save(call, draft(), draft_id=begun.draft_id, expected_version=1)
    assert whole.version == 2
    sent = requests_pb2.SubmitDraftRequest(draft_id=whole.draft_id, expected_version=2)
    first, second = (call("SubmitDraft", sent, as_=ATTENDANCE_LEAD, idempotency_key="once") for _ in range(2))
    assert first == second
    assert first.request.state == cases_pb2.REQUEST_STATE_SUBMITTED
    assert first.position > 0
    assert len(rows("SELECT * FROM request")) == 1
    assert (rows("SELECT * FROM request_draft"), rows("SELECT * FROM search_token WHERE subject = 'draft'")) == ([], [])
    with pytest.raises(NotFoundError):
        call("GetDraft", requests_pb2.GetDraftRequest(draft_id=whole.draft_id), as_=ATTENDANCE_LEAD)


def test_two_people_at_one_draft_lose_nothing(call: Caller) -> None:
    begun = save(call, BEGUN)
    save(call, BEGUN, draft_id=begun.draft_id, expected_version=1)
    with pytest.raises(ConflictError):
        save(call, BEGUN, draft_id=begun.draft_id, expected_version=1)
    with pytest.raises(ConflictError):
        call(
            "DiscardDraft",
            requests_pb2.DiscardDraftRequest(draft_id=begun.draft_id, expected_version=1),
            as_=ATTENDANCE_LEAD,
        )


def test_a_draft_is_its_schools_own(call: Caller) -> None:
    draft_id = save(call, BEGUN).draft_id
    for method, request in (
        ("GetDraft", requests_pb2.GetDraftRequest(draft_id=draft_id)),
        ("SaveDraft", cases_pb2.SaveDraftRequest(draft_id=draft_id, content=BEGUN)),
        ("DiscardDraft", requests_pb2.DiscardDraftRequest(draft_id=draft_id)),
        ("SubmitDraft", requests_pb2.SubmitDraftRequest(draft_id=draft_id)),
    ):
        with pytest.raises(NotFoundError):
            call(method, request, as_=OTHER_ATTENDANCE_LEAD)
    call("DiscardDraft", requests_pb2.DiscardDraftRequest(draft_id=draft_id), as_=ATTENDANCE_LEAD)
    assert list(drafts(call).drafts) == []


def test_drafts_are_listed_in_pages_those_saved_last_first(call: Caller, clock: FixedClock) -> None:
    saved = []
    for _ in range(3):
        saved.append(save(call, BEGUN).draft_id)
        clock.moment += timedelta(minutes=1)
    first = drafts(call, page_size=2)
    rest = drafts(call, page_size=2, page_token=first.next_page_token)
    assert [each.draft_id for each in (*first.drafts, *rest.drafts)] == saved[::-1]


def test_a_draft_is_thrown_away_after_sixty_days_from_its_last_saving(
    call: Caller, clock: FixedClock, deps: Deps
) -> None:
    begun = save(call, BEGUN)
    clock.moment += timedelta(days=30)
    save(call, BEGUN, draft_id=begun.draft_id)
    sweep = Sweep(
        deps.database, clock, {DRAFT_DEADLINE: lambda actor, subject: commands.drafts.drop_draft(deps, actor, subject)}
    )
    clock.moment += timedelta(days=60)
    assert (sweep.sweep_once(), len(drafts(call).drafts)) == (0, 1)
    clock.moment += timedelta(days=1)
    assert (sweep.sweep_once(), len(drafts(call).drafts)) == (1, 0)
