"""A return's life: written, checked, explained, submitted and frozen, accepted, reopened; and what fell due."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from ascms.identity.v1 import events_pb2 as identity_events
from ascms.reporting.v1 import events_pb2, returns_pb2

from kit.actor import Actor, system_actor
from kit.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from kit.sweeps import Meet, Sweep
from services.reporting.commands.freezing import content_again
from services.reporting.commands.quarters import QUARTER_DEADLINE, end_quarter
from services.reporting.commands.returns import RETURN_DEADLINE, note_return_overdue
from tests.service.reporting.conftest import (
    ADMIN,
    ANALYST,
    LEAD,
    MINISTRY,
    OTHER_LEAD,
    OURS,
    THEIRS,
    Reporting,
    case_opened,
    event_recorded,
    shown,
)

Q = "2026-Q1"
AFTER_THE_QUARTER = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
STATES = returns_pb2.ReturnState


def ask(reporting: Reporting, verb: str, *, of: Any = LEAD, **fields: Any) -> Any:
    request = getattr(returns_pb2, f"{verb}ReturnRequest")(quarter=Q, **fields)
    return reporting.call(f"{verb}Return", request, as_=of)


def text(code: str, said: str) -> returns_pb2.ReturnText:
    return returns_pb2.ReturnText(code=code, text=said)


def given_a_quarter(reporting: Reporting) -> None:
    for _ in range(3):
        reporting.apply(case_opened())
        reporting.apply(event_recorded())
    reporting.clock.moment = AFTER_THE_QUARTER


def submitted(reporting: Reporting) -> Any:
    given_a_quarter(reporting)
    ask(reporting, "Save", comments=[text("cases", "A busy term.")])
    ask(reporting, "Validate")
    return ask(reporting, "Submit").provider_return


def decide(reporting: Reporting, verb: str, *, of: Any = ADMIN, provider: UUID = OURS, **fields: Any) -> Any:
    return ask(reporting, verb, of=of, provider_id=str(provider), **fields)


def test_whoever_did_something_owes_a_return(reporting: Reporting) -> None:
    assert not reporting.call("ListReturns", returns_pb2.ListReturnsRequest(), as_=LEAD).returns

    reporting.apply(case_opened())

    (filed,) = reporting.call("ListReturns", returns_pb2.ListReturnsRequest(), as_=LEAD).returns
    assert (filed.quarter, filed.state, filed.opens_on, filed.due_on) == (
        Q, STATES.RETURN_STATE_DRAFT, "2026-04-01", "2026-04-23",
    )  # fmt: skip
    assert list(filed.allowed_actions) == ["save", "validate"]


def test_a_return_is_checked_and_submitted_and_then_stands(reporting: Reporting) -> None:
    filed = submitted(reporting)

    answer = ask(reporting, "Get")
    assert answer.provider_return == filed
    assert (filed.state, filed.number, list(filed.allowed_actions)) == (STATES.RETURN_STATE_SUBMITTED, 1, [])
    assert hashlib.sha256(answer.frozen.encode()).hexdigest() == filed.sha256
    assert shown(answer.figures)["cases-opened"] == 3
    assert json.loads(answer.frozen)["comments"] == {"cases": "A busy term."}
    with pytest.raises(FailedPreconditionError, match="submitted"):
        ask(reporting, "Save")


def test_the_quarter_must_have_ended(reporting: Reporting) -> None:
    reporting.apply(case_opened())
    reporting.apply(event_recorded())
    checked = ask(reporting, "Validate").provider_return

    assert checked.state == STATES.RETURN_STATE_VALIDATED
    assert "submit" not in checked.allowed_actions
    with pytest.raises(FailedPreconditionError) as refused:
        ask(reporting, "Submit")
    assert refused.value.reason == "quarter-not-ended"


def test_what_is_found_must_be_explained_first(reporting: Reporting) -> None:
    for _ in range(12):
        reporting.apply(case_opened(opened_on="2025-12-01"))
    given_a_quarter(reporting)

    found = ask(reporting, "Validate").provider_return

    assert [(each.code, each.error, each.explained) for each in found.findings] == [
        ("change:cases-opened", False, False)
    ]
    assert (found.findings[0].value, found.findings[0].compared) == (3, 12)
    assert found.state == STATES.RETURN_STATE_DRAFT
    with pytest.raises(FailedPreconditionError, match="explained"):
        ask(reporting, "Submit")

    ask(reporting, "Save", explanations=[text("change:cases-opened", "Two schools closed.")])
    assert ask(reporting, "Validate").provider_return.state == STATES.RETURN_STATE_VALIDATED
    assert ask(reporting, "Submit").provider_return.state == STATES.RETURN_STATE_SUBMITTED


def test_what_changed_since_the_check_is_checked_again(reporting: Reporting) -> None:
    given_a_quarter(reporting)
    ask(reporting, "Validate")
    reporting.apply(event_recorded(minutes=5))

    with pytest.raises(FailedPreconditionError) as refused:
        ask(reporting, "Submit")

    assert refused.value.reason == "figures-changed"


def test_a_frozen_return_is_made_again_byte_for_byte_whatever_came_late(reporting: Reporting) -> None:
    submitted(reporting)
    before = ask(reporting, "Get")
    visit = event_recorded(minutes=90)
    reporting.apply(visit)
    reporting.apply(case_opened())

    after = ask(reporting, "Get")

    with reporting.database.tenant(system_actor("reporting", OURS)) as tx:
        again = content_again(tx, after.frozen.encode())
    assert again == before.frozen.encode() == after.frozen.encode()
    assert after.figures == before.figures
    assert {each.indicator: (each.frozen.value, each.present.value) for each in after.differences} == {
        "cases-open": (3, 4), "cases-opened": (3, 4), "home-visits": (3, 4), "minutes": (135, 225),
    }  # fmt: skip
    assert not before.differences


def test_what_an_earlier_version_froze_is_made_again_by_this_one(reporting: Reporting) -> None:
    submitted(reporting)
    old = json.loads(ask(reporting, "Get").frozen)
    old["format"] = 1
    old["figures"] = [
        {name: value for name, value in each.items() if name != "dimensions"}
        for each in old["figures"]
        if each["indicator"] not in {"letters-sent", "requests-returned", "requests-declined"}
    ]
    old["breakdowns"] = [each for each in old["breakdowns"] if each["dimension"] != "ethnicity"]
    frozen = json.dumps(old, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    with reporting.database.tenant(system_actor("reporting", OURS)) as tx:
        assert content_again(tx, frozen) == frozen


def test_the_ministry_accepts_and_reopens_and_every_version_stays(reporting: Reporting) -> None:
    submitted(reporting)
    accepted = decide(reporting, "Accept").provider_return
    assert accepted.state == STATES.RETURN_STATE_ACCEPTED
    assert list(accepted.allowed_actions) == ["reopen"]
    assert not accepted.comments, "what the provider wrote is for those who open its return"
    with pytest.raises(FailedPreconditionError):
        decide(reporting, "Accept")

    reporting.apply(case_opened())
    reopened = decide(reporting, "Reopen", reason="One school was left out.").provider_return
    assert reopened.state == STATES.RETURN_STATE_DRAFT
    own = ask(reporting, "Get")
    assert own.provider_return.reopened_reason == "One school was left out."
    assert not own.frozen

    ask(reporting, "Validate")
    second = ask(reporting, "Submit").provider_return
    assert second.number == 2
    versions = ask(reporting, "Get").versions
    assert [each.number for each in versions] == [1, 2]
    assert shown(ask(reporting, "Get", number=1).figures)["cases-opened"] == 3
    assert shown(ask(reporting, "Get", number=2).figures)["cases-opened"] == 4
    with pytest.raises(NotFoundError):
        ask(reporting, "Get", number=3)


def test_the_ministry_sees_how_returns_stand_and_no_figure(reporting: Reporting) -> None:
    submitted(reporting)
    asked = returns_pb2.ListProviderReturnsRequest(quarter=Q)

    (seen,) = reporting.call("ListProviderReturns", asked, as_=ANALYST).returns
    (decided,) = reporting.call("ListProviderReturns", asked, as_=ADMIN).returns

    assert (seen.provider_id, seen.state, seen.number) == (str(OURS), STATES.RETURN_STATE_SUBMITTED, 1)
    assert (list(seen.comments), list(seen.allowed_actions)) == ([], [])
    assert list(decided.allowed_actions) == ["accept", "reopen"]


@pytest.mark.parametrize(
    ("verb", "who"),
    [("Submit", ADMIN), ("Save", ANALYST), ("Accept", ANALYST), ("Accept", LEAD), ("Reopen", LEAD), ("Get", ADMIN)],
)
def test_who_may_not_is_refused(reporting: Reporting, verb: str, who: Any) -> None:
    of_provider = {"provider_id": str(OURS)} if verb in {"Accept", "Reopen"} else {}
    reason = {"reason": "Because."} if verb == "Reopen" else {}
    with pytest.raises(PermissionDeniedError):
        ask(reporting, verb, of=who, **of_provider, **reason)


def test_another_provider_sees_nothing_of_it(reporting: Reporting) -> None:
    submitted(reporting)

    assert not ask(reporting, "Get", of=OTHER_LEAD).versions
    assert not reporting.call("ListReturns", returns_pb2.ListReturnsRequest(), as_=OTHER_LEAD).returns
    with pytest.raises(NotFoundError):
        decide(reporting, "Accept", provider=UUID(int=77))


def test_two_who_write_at_once_are_told(reporting: Reporting) -> None:
    first = ask(reporting, "Save", comments=[text("work", "One.")]).provider_return
    ask(reporting, "Save", comments=[text("work", "Two.")], expected_version=first.version)

    with pytest.raises(ConflictError):
        ask(reporting, "Save", comments=[text("work", "Three.")], expected_version=first.version)


def test_a_comment_belongs_to_a_section(reporting: Reporting) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        ask(reporting, "Save", comments=[text("weather", "Wet.")])

    assert [each.field for each in refused.value.violations] == ["comments[0].code"]


def test_each_step_is_told_and_audited(reporting: Reporting) -> None:
    submitted(reporting)
    position = decide(reporting, "Accept").position
    decide(reporting, "Reopen", reason="Again.")

    with reporting.database.plumbing() as tx:
        told = tx.connection.execute("SELECT id, tenant_id, type, payload FROM outbox ORDER BY id").fetchall()
    names = ["ReturnSaved", "ReturnValidated", "ReturnSubmitted", "ReturnAccepted", "ReturnReopened"]
    assert [row.type.rpartition(".")[2] for row in told] == names
    assert {row.tenant_id for row in told} == {OURS}
    assert told[3].id == position
    assert events_pb2.ReturnSubmitted.FromString(told[2].payload).number == 1
    assert audited(reporting, OURS) == [
        "save-return", "validate-return", "submit-return", "accept-return", "reopen-return",
    ]  # fmt: skip
    assert audited(reporting, ADMIN.tenant_id) == ["accept-return", "reopen-return"]


def test_a_return_that_is_not_submitted_by_its_day_is_told_once(reporting: Reporting) -> None:
    reporting.apply(case_opened())
    sweep = sweep_of(reporting)
    reporting.clock.moment = datetime(2026, 4, 23, 11, 59, tzinfo=UTC)
    assert (sweep(), told_of(reporting, "ReturnOverdue")) == (0, 0)

    reporting.clock.moment = datetime(2026, 4, 23, 12, 0, tzinfo=UTC)

    assert (sweep(), sweep()) == (1, 0)
    assert told_of(reporting, "ReturnOverdue") == 1
    assert ask(reporting, "Get").provider_return.overdue


def test_a_submitted_return_is_never_overdue(reporting: Reporting) -> None:
    submitted(reporting)
    reporting.clock.moment = datetime(2026, 5, 30, tzinfo=UTC)

    assert sweep_of(reporting)() == 0
    assert told_of(reporting, "ReturnOverdue") == 0


def test_work_of_a_time_before_the_first_rule_is_counted_and_its_quarter_can_be_read(reporting: Reporting) -> None:
    reporting.apply(case_opened(opened_on="2015-05-01"))
    reporting.apply(event_recorded(happened_on="2015-06-30"))

    answer = reporting.call("GetReturn", returns_pb2.GetReturnRequest(quarter="2015-Q2"), as_=LEAD)

    assert answer.provider_return.state == STATES.RETURN_STATE_DRAFT
    assert sweep_of(reporting)() == 0


def test_what_comes_long_after_its_quarter_sets_no_deadline(reporting: Reporting) -> None:
    reporting.apply(case_opened(opened_on=date(2021, 5, 1).isoformat()))

    assert sweep_of(reporting)() == 0


def test_a_quarter_that_ends_makes_the_return_of_a_provider_that_did_nothing(reporting: Reporting) -> None:
    given_the_register(reporting, suspended=[THEIRS])
    sweep = sweep_of(reporting)
    assert (sweep(), returns_of(reporting, LEAD)) == (0, [])

    reporting.clock.moment = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)

    assert (sweep(), sweep()) == (2, 0)
    assert returns_of(reporting, LEAD) == ["2026-Q3", "2026-Q2", "2026-Q1"], "those that nobody looked for, too"
    assert returns_of(reporting, OTHER_LEAD) == [], "who is suspended owes nothing"

    given_the_register(reporting)
    reporting.clock.moment = datetime(2026, 12, 31, 11, 0, tzinfo=UTC)
    assert sweep() == 3, "midnight in New Zealand, and one return overdue"
    assert returns_of(reporting, LEAD)[0] == returns_of(reporting, OTHER_LEAD)[0] == "2026-Q4"
    (told,) = [events_pb2.ReturnOverdue.FromString(each) for each in payloads_of(reporting, "ReturnOverdue")]
    assert (told.quarter, told.ministry_id) == ("2026-Q3", str(MINISTRY))


def given_the_register(reporting: Reporting, *, suspended: Sequence[UUID] = ()) -> None:
    told = identity_events.OrganisationsChanged(
        provider_ids=[str(OURS), str(THEIRS)], suspended_ids=[str(each) for each in suspended]
    )
    reporting.apply(told, tenant=MINISTRY)


def returns_of(reporting: Reporting, lead: Actor) -> list[str]:
    found = reporting.call("ListReturns", returns_pb2.ListReturnsRequest(), as_=lead).returns
    return [each.quarter for each in found]


def sweep_of(reporting: Reporting) -> Callable[[], int]:
    kinds: dict[str, Meet] = {
        RETURN_DEADLINE: partial(note_return_overdue, reporting.deps),
        QUARTER_DEADLINE: partial(end_quarter, reporting.deps),
    }
    return Sweep(reporting.database, reporting.clock, kinds).sweep_once


def payloads_of(reporting: Reporting, name: str) -> list[bytes]:
    with reporting.database.plumbing() as tx:
        rows = tx.connection.execute("SELECT type, payload FROM outbox ORDER BY id").fetchall()
    return [row.payload for row in rows if row.type.endswith(f".{name}")]


def told_of(reporting: Reporting, name: str) -> int:
    return len(payloads_of(reporting, name))


def audited(reporting: Reporting, tenant: UUID) -> list[str]:
    with reporting.database.tenant(system_actor("reporting", tenant)) as tx:
        rows = tx.connection.execute("SELECT action FROM audit ORDER BY id").fetchall()
    return [row.action for row in rows]
