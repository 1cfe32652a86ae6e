"""A register file is looked at first, and applied as it was looked at or not at all."""

from datetime import timedelta

import pytest
from ascms.identity.v1 import register_pb2 as pb

from kit.clock import FixedClock
from kit.errors import FailedPreconditionError, NotFoundError
from services.identity.cli import show_differences
from services.identity.commands import Deps
from services.identity.yamlfile import FileFaultsError
from tests.service.identity.conftest import Call
from tests.service.identity.test_directory import token_of
from tests.service.identity.test_onboarding import do
from tests.service.identity.world import ADMINISTRATOR, MINISTRY, ORGANISATIONS, OTHER_PROVIDER, PROVIDER, SCHOOL

__all__ = ["do", "token_of"]
CHANGED = (
    ORGANISATIONS.decode()
    .replace("name: Rātā Demo Primary School", "name: Rātā Demo School")
    .replace(
        "  - id: 0190a000-0000-7000-8000-000000000012\n",
        "  - id: 0190a000-0000-7000-8000-000000000012\n    suspended: true\n",
    )
    .encode()
)


def line_of(content: bytes, words: str) -> int:
    return next(number for number, line in enumerate(content.decode().splitlines(), 1) if words in line)


def test_a_plan_names_each_difference_with_its_line_and_changes_nothing(do: Call, rows: Call) -> None:
    plan_id = do("PlanRegister", content=CHANGED).plan_id
    plan = do("GetRegisterPlan", plan_id=plan_id)
    assert [(one.action, one.name, one.line) for one in plan.changes] == [
        (pb.REGISTER_ACTION_SUSPENDED, "Ngā Māramatanga Tauira (demo provider)", line_of(CHANGED, "00012")),
        (pb.REGISTER_ACTION_CHANGED, "Rātā Demo School", line_of(CHANGED, "00022")),
    ]
    assert [(one.field, one.before, one.after) for one in plan.changes[1].fields] == [
        ("name", "Rātā Demo Primary School", "Rātā Demo School")
    ]
    assert plan.planned_by == str(ADMINISTRATOR.id)
    assert not plan.stale
    assert rows("SELECT 1 FROM organisation WHERE is_suspended OR name = 'Rātā Demo School'") == []


def test_applied_it_does_exactly_that_once(do: Call, rows: Call) -> None:
    plan_id = do("PlanRegister", content=CHANGED).plan_id
    assert do("ApplyRegister", plan_id=plan_id).change_count == 2
    assert rows("SELECT id, suspension_reason FROM organisation WHERE is_suspended") == [
        {"id": OTHER_PROVIDER, "suspension_reason": "register-file"}
    ]
    audited = rows("SELECT tenant_id, action FROM audit WHERE action IN ('apply-register', 'suspend-organisation')")
    assert {(row["action"], row["tenant_id"]) for row in audited} == {
        ("apply-register", MINISTRY),
        ("suspend-organisation", OTHER_PROVIDER),
    }
    with pytest.raises(FailedPreconditionError) as refused:
        do("ApplyRegister", plan_id=plan_id)
    assert refused.value.reason == "plan-applied"
    assert do("GetRegisterPlan", plan_id=plan_id).HasField("applied_at")


def test_a_register_that_changed_meanwhile_refuses_the_plan(do: Call, rows: Call) -> None:
    plan_id = do("PlanRegister", content=CHANGED).plan_id
    do("PlaceSchool", school_id=str(SCHOOL), catchment="", starts_on="2026-03-10")
    assert do("GetRegisterPlan", plan_id=plan_id).stale
    with pytest.raises(FailedPreconditionError) as refused:
        do("ApplyRegister", plan_id=plan_id)
    assert refused.value.reason == "register-changed"
    assert rows("SELECT 1 FROM organisation WHERE is_suspended") == []


def test_every_fault_is_named_with_line_and_path_and_nothing_is_kept(do: Call, rows: Call) -> None:
    bad = ORGANISATIONS.replace(b'"9002"', b'"0417"').replace(b'region: "09"', b'region: "77"')
    answer = do("PlanRegister", content=bad)
    assert answer.plan_id == ""
    assert [(one.line, one.path, one.rule) for one in answer.faults] == [
        (line_of(bad, '"77"'), "organisations[0].region", "unknown-region")
    ]
    gone = ORGANISATIONS[: ORGANISATIONS.index(b"  - id: 0190a000-0000-7000-8000-000000000023")] + b"catchments: []\n"
    assert [(one.rule, one.line) for one in do("PlanRegister", content=gone).faults] == [("missing", 0)]
    assert rows("SELECT 1 FROM register_plan") == []


def test_a_file_that_is_wrong_in_a_thousand_places_is_answered(do: Call) -> None:
    entries = "".join(f"  - id: x{number}\n    colour: red\n" for number in range(1000))
    answer = do("PlanRegister", content=f"organisations:\n{entries}catchments: []\n".encode())
    assert (len(answer.faults), answer.fault_count) == (500, 5000)


def test_a_plan_is_good_for_a_day_and_for_the_ministry_alone(do: Call, clock: FixedClock) -> None:
    plan_id = do("PlanRegister", content=CHANGED).plan_id
    clock.moment += timedelta(days=1)
    for method in ("GetRegisterPlan", "ApplyRegister"):
        with pytest.raises(NotFoundError):
            do(method, plan_id=plan_id)


def test_the_register_as_a_file_changes_nothing_when_it_comes_back(do: Call) -> None:
    do("PlaceSchool", school_id=str(SCHOOL), catchment="manawatu-demo", starts_on="2026-03-10")
    content = do("GetRegisterFile").content
    assert b'school_number: "0093"' in content
    plan_id = do("PlanRegister", content=content).plan_id
    assert do("GetRegisterPlan", plan_id=plan_id).change_count == 0


def test_the_command_line_says_it_too_and_changes_nothing(deps: Deps, rows: Call) -> None:
    words = show_differences(deps, CHANGED).splitlines()
    assert words[0].startswith(f"line {line_of(CHANGED, '00012')}: organisation {OTHER_PROVIDER}")
    assert "name: Rātā Demo Primary School -> Rātā Demo School" in words[1]
    assert words[-1] == "2 differences, nothing was changed."
    with pytest.raises(FileFaultsError):
        show_differences(deps, CHANGED.replace(str(PROVIDER).encode(), b"no id"))
    assert rows("SELECT 1 FROM organisation WHERE is_suspended") == []
