"""The story, told from outside as `make story` does."""

import pytest

from tests.support.system import System


@pytest.mark.timeout(420)
def test_the_story_is_told_whatever_was_told_before(system: System) -> None:
    told = system.script("deploy.story", seconds=120)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "SKIPPED" not in told.stdout


def test_another_machine_is_told_what_was_not_tried(system: System) -> None:
    elsewhere = system.base_url.replace("127.0.0.1", "127.0.0.1.nip.invalid")
    done = system.script("deploy.story", "--base-url", elsewhere, seconds=120)
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_what_was_written_down_is_what_scripts_expect(system: System) -> None:
    demo = system.demo
    assert set(demo) == {"base_url", "issuer", "mail_url", "people"}
    assert demo["base_url"] == system.base_url
    assert {frozenset(person) for person in demo["people"]} == {
        frozenset({"email", "passphrase", "organisation", "roles"})
    }
    held = {role for person in demo["people"] for role in person["roles"]}
    assert held == {
        *("workflow_lead", "case_manager", "delegated_authoriser", "attendance_lead", "primary_contact"),
        *("office_support", "ministry_analyst", "ministry_admin", "service_desk"),
    }
