"""Applying the register and the people: all or nothing, told once, and again without effect."""

from uuid import UUID

import pytest
from ascms.identity.v1 import events_pb2

from kit.errors import InvalidArgumentError
from services.identity.cli import apply_organisations_file, apply_people_file, tell_organisations
from services.identity.commands import Deps
from services.identity.organisations import read_register
from services.identity.yamlfile import FileFaultsError
from tests.service.identity.conftest import Call
from tests.service.identity.world import MANAGER, MINISTRY, ORGANISATIONS, PEOPLE, PROVIDER, SCHOOL

NOTHING = "Nothing to change: the register is so already."


def test_a_file_is_applied_and_told_and_again_changes_nothing(bare: Deps, rows: Call) -> None:
    assert apply_organisations_file(bare, ORGANISATIONS) == "Changed: 6 organisations, and catchments."
    assert apply_organisations_file(bare, ORGANISATIONS) == NOTHING
    told = rows("SELECT type, tenant_id, key FROM outbox")
    assert told == [{"type": "ascms.identity.v1.OrganisationsChanged", "tenant_id": MINISTRY, "key": str(MINISTRY)}]
    assert [row["action"] for row in rows("SELECT action FROM audit")] == ["apply-organisations"]


def test_the_register_is_told_again_to_who_did_not_listen(bare: Deps, rows: Call) -> None:
    apply_organisations_file(bare, ORGANISATIONS)

    assert tell_organisations(bare) == "Told: 6 organisations."

    outbox = rows("SELECT payload FROM outbox ORDER BY id")
    first, again = [events_pb2.OrganisationsChanged.FromString(row["payload"]) for row in outbox]
    assert again == first
    assert str(PROVIDER) in again.provider_ids
    assert str(SCHOOL) not in again.provider_ids
    assert not again.suspended_ids


def test_only_what_changed_is_told(bare: Deps, rows: Call) -> None:
    apply_organisations_file(bare, ORGANISATIONS)
    renamed = ORGANISATIONS.replace(b"P\xc5\x8dhutukawa Demo College", b"P\xc5\x8dhutukawa Demo High School")
    assert apply_organisations_file(bare, renamed) == "Changed: 1 organisations."
    assert len(rows("SELECT 1 FROM outbox")) == 2


def test_a_bad_file_changes_nothing(bare: Deps, rows: Call) -> None:
    bad = ORGANISATIONS.replace(b'"9002"', b'"0417"').replace(b'region: "08"', b'region: "77"')
    with pytest.raises(FileFaultsError):
        apply_organisations_file(bare, bad)
    assert rows("SELECT 1 FROM organisation") == []


def test_an_organisation_cannot_vanish_or_become_another_kind(bare: Deps, rows: Call) -> None:
    apply_organisations_file(bare, ORGANISATIONS)
    register = read_register(ORGANISATIONS)
    gone = b"\n".join(ORGANISATIONS.split(b"\n")[:23]) + b"\ncatchments: []\n"
    assert len(register.organisations) > len(read_register(gone).organisations)
    with pytest.raises(InvalidArgumentError) as refused:
        apply_organisations_file(bare, gone)
    assert {violation.reason for violation in refused.value.violations} == {"missing"}
    assert len(rows("SELECT 1 FROM catchment_school")) == 3


def test_people_are_applied_once(deps: Deps, rows: Call) -> None:
    before = rows("SELECT count(*) AS count FROM outbox")
    assert apply_people_file(deps, PEOPLE) == "Nothing to change: people and machine clients are so already."
    assert rows("SELECT count(*) AS count FROM outbox") == before


def test_a_role_that_left_the_file_ends_and_one_that_came_back_works(deps: Deps, rows: Call) -> None:
    role = f"""      - organisation: {PROVIDER}
        role: case_manager
        starts_on: 2026-01-05
        training: {{completed_on: 2026-01-12, ends_on: 2030-12-31}}
"""
    whole = PEOPLE.decode()
    at = whole.index(role, whole.index(str(MANAGER.id)))
    without = whole[:at].rstrip() + " []\n" + whole[at + len(role) :]
    assert apply_people_file(deps, without.encode()) == "Changed: 1 people, 0 machine clients."
    query = "SELECT ended_at IS NULL AS held FROM role_grant WHERE person_id = %s"
    assert rows(query, MANAGER.id) == [{"held": False}]
    assert apply_people_file(deps, PEOPLE) == "Changed: 1 people, 0 machine clients."
    assert rows(query, MANAGER.id) == [{"held": True}]


def test_people_need_organisations_that_exist(deps: Deps) -> None:
    wrong = PEOPLE.replace(str(SCHOOL).encode(), str(UUID(int=1)).encode())
    with pytest.raises(FileFaultsError) as refused:
        apply_people_file(deps, wrong)
    assert {fault.rule for fault in refused.value.faults} == {"unknown-organisation"}
    assert all(fault.line > 0 for fault in refused.value.faults)
