"""Help: found by role and search, read in both languages, written and published by the ministry."""

from collections.abc import Callable

import pytest

from kit.errors import UnavailableError
from services.documents.shipped import shipped_guides
from services.gateway.guidance.markdown import rendered
from tests.gateway.pages.conftest import Browser
from tests.support.stub_world import World

As = Callable[..., Browser]


def test_the_list_shows_what_is_for_the_readers_role_and_everything_on_request(as_: As) -> None:
    browser = as_("manager")
    page = browser.text("/guidance")
    assert "Getting started as a case manager" in page
    assert "Getting started as a delegated authoriser" not in page
    assert "Getting started as a delegated authoriser" in browser.text("/guidance?show=all")


def test_a_guide_is_found_without_macrons_and_read_in_te_reo(as_: As) -> None:
    page = as_("manager", language="mi").text("/guidance?search=whanau")
    assert "Te whānau kāore e hiahia ki te mahi tahi" in page
    assert "Ngā reta" not in page
    guide = as_("manager", language="mi").text("/guidance/locating")
    assert "Te kimi i tētahi ākonga" in guide
    assert "not ministry policy" in as_("manager").text("/guidance/locating")


@pytest.mark.parametrize("slug", shipped_guides())
def test_every_guide_that_comes_with_the_software_can_be_read_in_both_languages(as_: As, slug: str) -> None:
    for language in ("en", "mi"):
        assert "<h1" in as_("lead", language=language).text(f"/guidance/{slug}")


def edited(browser: Browser, **changes: object) -> object:
    usual = {
        "title": "Locating",
        "title_mi": "Te kimi",
        "body": "## First\n\nNew words.",
        "body_mi": "He kupu hou.",
        "topic": "practice",
        "issue_state": "",
    }
    return browser.send("/guidance/locating/edit", **(usual | changes))


def test_an_administrator_edits_looks_publishes_and_the_reader_sees_it(as_: As) -> None:
    editor, reader = as_("admin"), as_("manager")
    sent = edited(editor)
    assert sent.location == "/guidance/locating/preview"  # type: ignore[attr-defined]
    preview = editor.text("/guidance/locating/preview")
    assert "<h2>First</h2>" in preview
    assert "He kupu hou." in preview
    assert "New words." not in reader.text("/guidance/locating")
    published = editor.send("/guidance/locating/preview")
    assert "Published in both languages." in editor.text(str(published.location))
    assert "New words." in reader.text("/guidance/locating")
    assert "This is an earlier version." in reader.text("/guidance/locating?version=1")
    assert "Version 1" in editor.text("/guidance/locating/versions")


def test_two_who_write_see_both_versions_and_lose_nothing(as_: As, world: World) -> None:
    editor = as_("admin")
    form = editor.fill("/guidance/locating/edit")
    edited(editor, title="Theirs")
    answers = {"title": "Mine", "title_mi": "Nāku", "body": "Mine.", "body_mi": "Nāku.", "topic": "practice"}
    sent = editor.post("/guidance/locating/edit", {**form, **answers, "issue_state": ""})
    assert sent.status_code == 409
    for words in ("Someone else changed this", "Theirs", 'value="Mine"'):
        assert words in sent.text


def test_both_languages_are_needed(as_: As, world: World) -> None:
    sent = edited(as_("admin"), body_mi="")
    assert sent.status_code == 422  # type: ignore[attr-defined]
    assert "published together" in sent.text  # type: ignore[attr-defined]
    assert "SaveGuideDraft" not in {method for method, _request in world.calls}


@pytest.mark.parametrize("path", ["/guidance/new", "/guidance/locating/edit", "/guidance/locating/preview"])
def test_only_the_ministry_writes(as_: As, path: str) -> None:
    assert as_("lead").get(path).status_code == 403


def test_the_service_desk_is_there_for_who_cannot_sign_in_and_while_all_is_away(as_: As, world: World) -> None:
    world.failures["ListGuides"] = UnavailableError("database-away", "away")
    assert "0800 422 599" in as_("").text("/service-desk")
    assert as_("lead").get("/guidance").status_code == 503


def test_what_is_not_there_is_not_found(as_: As) -> None:
    for path in ("/guidance/nothing", "/guidance/locating?version=9", "/guidance/locating?version=x"):
        assert as_("lead").get(path).status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](//evil.example)",
        "[x](data:text/html,x)",
        "![x](https://evil.example/x.png)",
        '<a href="x" onclick="x">x</a>',
    ],
)
def test_markdown_makes_nothing_that_runs_or_leads_astray(text: str) -> None:
    html = str(rendered(text))
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert 'href="//' not in html
    assert 'href="data' not in html
    assert '<a href="x"' not in html


def test_headings_of_a_guide_stand_below_the_pages_own() -> None:
    assert "<h1" not in str(rendered("# One\n\n## Two"))


@pytest.mark.parametrize(
    ("key", "path", "guide"),
    [
        ("authoriser", "/staff/invite", "invite-a-colleague"),
        ("lead", "/returns", "quarterly-return"),
        ("lead", "/returns/2026-Q1", "quarterly-return"),
        ("lead", "/returns/2026-Q1/submit", "quarterly-return"),
        ("attendance", "/requests/new", "why-we-ask"),
    ],
)
def test_help_stands_beside_the_work(as_: As, key: str, path: str, guide: str) -> None:
    assert f'href="/guidance/{guide}"' in as_(key).text(path)
