"""What a provider shared, as the student's school sees it."""

from collections.abc import Callable

import pytest

from kit.errors import NotFoundError, UnavailableError
from tests.gateway.pages.conftest import Browser
from tests.support.stub_documents import CONTENT
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
NAMED, OTHER = f"/shared/{number_id(303)}", f"/shared/{number_id(304)}"


def test_the_school_reads_what_was_shared_and_not_the_rest(as_: As) -> None:
    page = as_("attendance").text(NAMED)
    assert "Hine and her koro were home." in page
    assert "Bus card arranged." in page
    assert "With the dean and Whaea Tui." not in page
    assert "Hēmi Testcase works on it." in page
    assert "manager@tui.example" in page


def test_an_attendance_lead_sees_every_case_of_the_school_a_primary_contact_those_that_name_them(as_: As) -> None:
    everything, own = as_("attendance").text("/shared"), as_("contact").text("/shared")
    for href, seen in ((NAMED, True), (OTHER, False)):
        assert f'href="{href}"' in everything
        assert (f'href="{href}"' in own) is seen
    assert as_("contact").get(OTHER).status_code == 404
    assert "You get the notices about this case." in as_("contact").text(NAMED)


def test_a_primary_contact_begins_with_their_cases(as_: As, world: World) -> None:
    assert f'href="{NAMED}"' in as_("contact").text("/")
    world.cases[0].primary_contact_id = ""
    assert "You are not named in a case" in as_("contact").text("/")


def test_an_attendance_lead_begins_with_requests_and_what_was_shared(as_: As, world: World) -> None:
    assert f'href="{NAMED}"' in as_("attendance").text("/")
    assert "Shared with your school" not in as_("office").text("/")
    world.failures["ListSharedCases"] = UnavailableError("database-away", "away")
    assert "What was shared cannot be shown just now" in as_("attendance").text("/")


def test_a_case_of_which_nothing_was_shared_says_so(as_: As) -> None:
    assert "Nothing was shared yet" in as_("attendance").text(OTHER)


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"wakes_on": "2026-03-20"}, "goes on by itself on"), ({"case_manager_id": ""}, "is choosing who works on it")],
    ids=["paused", "nobody yet"],
)
def test_where_a_case_stands_is_said_in_plain_words(as_: As, world: World, facts: dict[str, str], words: str) -> None:
    for name, value in facts.items():
        setattr(world.cases[0], name, value)
    assert words in as_("attendance").text(NAMED)


@pytest.mark.parametrize("failure", [UnavailableError("database-away", "away"), NotFoundError("provider")])
def test_names_that_cannot_be_had_do_not_keep_what_was_shared(as_: As, world: World, failure: Exception) -> None:
    world.failures["GetProviderContacts"] = failure
    page = as_("attendance").text(NAMED)
    assert "Hine and her koro were home." in page
    assert "Hēmi Testcase" not in page


def test_a_filter_without_a_case_says_so(as_: As) -> None:
    assert "No case is in this state" in as_("attendance").text("/shared?state=ended")


def test_the_school_has_the_files_that_were_shared_and_no_other(as_: As) -> None:
    for path in (NAMED, f"{NAMED}/files"):
        page = as_("attendance").text(path)
        assert "Whānau hui notes.pdf" in page
        assert "Who came, and what was agreed" in page
        assert "Hui 4 March.txt" not in page
    with as_("contact").get(f"/shared/files/{number_id(901)}") as response:
        assert response.data == CONTENT
        assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert as_("contact").get(f"/shared/files/{number_id(900)}").status_code == 404


def test_files_that_cannot_be_had_do_not_keep_what_was_shared(as_: As, world: World) -> None:
    world.failures["ListSharedDocuments"] = UnavailableError("service-away", "away")
    page = as_("attendance").text(NAMED)
    assert "Hine and her koro were home." in page
    assert "The files cannot be shown just now." in page


def test_a_case_without_a_shared_file_says_so(as_: As) -> None:
    assert "No file was shared with your school." in as_("attendance").text(OTHER)
    assert "No file was shared with your school" in as_("attendance").text(f"{OTHER}/files")
