"""Onboarding by page: organisations, catchments and the register's file; and what those who are shut out are shown."""

import io
from collections.abc import Callable

import pytest

from kit.errors import PermissionDeniedError
from tests.gateway.pages.conftest import Browser, typed
from tests.support.stub_register import CODE, PLAN, STALE_PLAN
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
PROVIDER, SCHOOL = number_id(1), number_id(2)


def test_organisations_are_found_and_counted(as_: As) -> None:
    page = as_("admin").text("/organisations?search=tui")
    assert 'value="tui"' in page
    assert f'href="/organisations/{PROVIDER}"' in page


def test_an_organisation_is_added_with_its_zeros_and_shown(as_: As, world: World) -> None:
    browser = as_("admin")
    sent = browser.send("/organisations/new", kind="school", name="Kōhanga Demo", school_number="0007", region="08")
    assert (sent.status_code, sent.location) == (303, f"/organisations/{number_id(60)}?done=added")
    page = browser.text(str(sent.location))
    assert "Kōhanga Demo" in page
    assert "0007" in page
    ((_method, request),) = [one for one in world.calls if one[0] == "AddOrganisation"]
    assert request.school_number == "0007"


def test_what_is_missing_is_said_at_its_field_and_nothing_is_lost(as_: As) -> None:
    sent = as_("admin").send("/organisations/new", name="Kōhanga Demo", region="")
    assert sent.status_code == 422
    assert "Choose the region." in sent.text
    assert 'value="Kōhanga Demo"' in sent.text


def test_two_who_change_at_once_see_both_versions(as_: As) -> None:
    browser = as_("admin")
    form = {**typed(browser.text(f"/organisations/{PROVIDER}/change")), "name": "Mine", "version": "3", "marks": ""}
    sent = browser.post(f"/organisations/{PROVIDER}/change", form)
    assert sent.status_code == 409
    assert "Someone else changed this" in sent.text
    assert "Tūī Attendance Service" in sent.text
    assert 'value="7"' in sent.text


def test_suspending_says_what_it_means_needs_a_reason_and_can_be_undone(as_: As) -> None:
    browser = as_("admin")
    path = f"/organisations/{PROVIDER}/suspend"
    assert "out within a minute" in browser.text(path)
    assert browser.send(path).status_code == 422
    sent = browser.send(path, reason="closed")
    page = browser.text(str(sent.location))
    assert "Nobody of this organisation can work" in page
    sent = browser.send(f"/organisations/{PROVIDER}/resume")
    assert "Everyone is in again." in browser.text(str(sent.location))


@pytest.mark.parametrize("path", ["/", "/cases", "/account"])
def test_who_is_shut_out_is_told_since_when_why_and_whom_to_ask(as_: As, world: World, path: str) -> None:
    facts = {
        "name": "Tūī Attendance Service",
        "suspended_at": "2026-03-04T01:00:00+00:00",
        "suspension_reason": "closed",
    }
    world.failures["ExchangeToken"] = PermissionDeniedError("organisation-suspended", "…", metadata=facts)
    response = as_("lead").get(path)
    assert response.status_code == 403
    for words in ("Your organisation is suspended", "Tūī Attendance Service", "closed or merged", "0800 422 599"):
        assert words in response.text


def test_the_first_person_is_invited_with_what_was_seen(as_: As, world: World) -> None:
    sent = as_("admin").send(
        f"/organisations/{PROVIDER}/invite",
        name="Hana First",
        email="hana@tui.example",
        primary_document="nz_passport",
        supporting_document="nz_driver_licence",
        language="mi",
    )
    assert sent.status_code == 303
    ((_method, request),) = [one for one in world.calls if one[0] == "InviteFirstPerson"]
    assert (request.email, request.identity_sighted.primary_document) == ("hana@tui.example", "nz_passport")


def test_a_school_moves_and_a_catchment_changes_its_provider(as_: As, world: World) -> None:
    browser = as_("admin")
    moved = browser.send(f"/organisations/{SCHOOL}/place", catchment="none", starts_on="2026-05-01")
    changed = browser.send(
        f"/catchments/{CODE}/change", name="Tūī", provider_id=number_id(5), provider_from="2026-07-01"
    )
    assert (moved.status_code, changed.status_code) == (303, 303)
    asked = {method: request for method, request in world.calls if method in {"PlaceSchool", "ChangeCatchment"}}
    assert (asked["PlaceSchool"].catchment, asked["PlaceSchool"].starts_on) == ("", "2026-05-01")
    assert (asked["ChangeCatchment"].provider_from, asked["ChangeCatchment"].expected_version) == ("2026-07-01", 7)


def test_a_provider_needs_its_first_day(as_: As) -> None:
    sent = as_("admin").send(f"/catchments/{CODE}/change", name="Tūī", provider_id=number_id(5))
    assert sent.status_code == 422
    assert "Choose the first day of the other provider." in sent.text


def upload(browser: Browser, content: bytes) -> object:
    form = browser.fill("/organisations/file")
    return browser.post("/organisations/file", {**form, "file": (io.BytesIO(content), "register.yaml")})


def test_a_file_is_looked_at_before_it_is_applied(as_: As) -> None:
    browser = as_("admin")
    sent = upload(browser, b"organisations: []\n")
    assert sent.location == f"/organisations/file/{PLAN}"  # type: ignore[attr-defined]
    page = browser.text(f"/organisations/file/{PLAN}")
    for words in ("line 12", "Made-up School", "Kererū Attendance Service", "no longer in the file", "Apply these 3"):
        assert words in page
    browser.send(f"/organisations/file/{PLAN}")
    assert "Applied" in browser.text(f"/organisations/file/{PLAN}")


def test_faults_of_a_file_are_named_by_line_and_path(as_: As) -> None:
    sent = upload(as_("admin"), b"bad")
    assert sent.status_code == 422  # type: ignore[attr-defined]
    for words in ("Line 3", "organisations[0].region", "two digits, in quotes"):
        assert words in sent.text  # type: ignore[attr-defined]


def test_a_plan_of_a_register_that_changed_cannot_be_applied(as_: As) -> None:
    page = as_("admin").text(f"/organisations/file/{STALE_PLAN}")
    assert "can no longer be applied" in page
    assert "Apply these" not in page


def test_the_register_comes_as_a_file(as_: As) -> None:
    response = as_("admin").get("/organisations/register.yaml")
    assert response.headers["Content-Disposition"] == 'attachment; filename="register.yaml"'
