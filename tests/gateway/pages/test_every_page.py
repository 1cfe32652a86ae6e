"""What holds for every page: access, forms, cost, languages."""

import io
import re
from collections.abc import Callable
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask

from kit.clock import SystemClock
from kit.errors import UnavailableError
from kit.rpc.contract import methods
from services.gateway.pages import BLUEPRINTS
from tests.gateway.pages.conftest import Browser
from tests.support.services import contract_services
from tests.support.stub_letters import letter_id
from tests.support.stub_register import CODE, PLAN
from tests.support.stub_world import World, furnish, number_id

As = Callable[..., Browser]
MANAGER = furnish(SystemClock()).people["manager"].person_id
TRANSLATIONS = Path(__file__).parents[3] / "services/gateway/translations/mi/LC_MESSAGES"

SHARED = f"/shared/{number_id(303)}"
REGISTER_FORMS = [
    ("admin", path)
    for path in (
        "/organisations/new",
        f"/organisations/{number_id(1)}/change",
        f"/organisations/{number_id(1)}/suspend",
        f"/organisations/{number_id(1)}/resume",
        f"/organisations/{number_id(1)}/invite",
        f"/organisations/{number_id(1)}/invitations/{number_id(711)}/resend",
        f"/organisations/{number_id(1)}/invitations/{number_id(711)}/withdraw",
        f"/organisations/{number_id(2)}/place",
        "/catchments/new",
        f"/catchments/{CODE}/change",
        "/organisations/file",
        f"/organisations/file/{PLAN}",
    )
]
PAGES = {
    "lead": [
        "/",
        "/notices",
        "/notices/preferences",
        "/incoming",
        f"/incoming/{number_id(200)}",
        f"/incoming/{number_id(203)}",
        f"/incoming/{number_id(200)}/return",
        f"/incoming/{number_id(200)}/decline",
        "/search",
        "/own-cases/new",
        "/cases",
        "/cases?state=new&manager=me",
        f"/cases/{number_id(303)}",
        f"/cases/{number_id(303)}?show=visits",
        f"/cases/{number_id(305)}/assign",
        f"/cases/{number_id(303)}/events/new?kind=home-visit",
        f"/cases/{number_id(303)}/notes/new",
        f"/cases/{number_id(303)}/entries/{number_id(400)}/correct",
        f"/cases/{number_id(303)}/pause",
        f"/cases/{number_id(303)}/resume",
        f"/cases/{number_id(304)}/close",
        f"/cases/{number_id(303)}/close",
        f"/cases/{number_id(303)}/reopen",
        f"/cases/{number_id(303)}/contact",
        f"/cases/{number_id(303)}/tasks/new",
        f"/cases/{number_id(303)}/access",
        "/cases?record=missing",
        "/cases/hand-out",
        f"/cases/hand-out/result?given=2&refused={number_id(303)}~26-00817~case-closed&not_given=1",
        "/tasks",
        "/tasks?show=overdue&whose=me",
        f"/tasks/{number_id(690)}",
        f"/tasks/{number_id(690)}/cancel",
        f"/tasks/{number_id(690)}/reassign",
        f"/cases/{number_id(303)}/files",
        f"/cases/{number_id(303)}/files/new",
        "/figures/2026-Q1",
        "/figures/2026-Q1/minutes?by=kind&key=home-visit",
        "/returns",
        "/returns/2026-Q1",
        "/returns/2026-Q1/submit",
        "/people",
        "/account",
        "/letters",
        f"/letters/{letter_id(1)}",
        f"/letters/{letter_id(1)}/return",
    ],
    "manager": [
        "/",
        "/cases",
        f"/cases/{number_id(303)}",
        f"/cases/{number_id(303)}/events/new?kind=hui",
        f"/cases/{number_id(303)}/letters",
        f"/cases/{number_id(303)}/letters/new",
        f"/letters/{letter_id(0)}",
        f"/letters/{letter_id(0)}/edit",
        f"/letters/{letter_id(2)}/send",
        f"/letters/{letter_id(3)}",
        f"/letters/{letter_id(3)}/answer",
        "/tasks",
    ],
    "attendance": [
        "/",
        "/requests",
        f"/requests/{number_id(200)}",
        f"/requests/{number_id(200)}/amend",
        "/requests/new",
        "/requests/drafts",
        f"/requests/drafts/{number_id(949)}",
        f"/requests/drafts/{number_id(949)}/check",
        "/requests/import",
        "/shared",
        SHARED,
        f"{SHARED}/files",
    ],
    "analyst": ["/", "/national-figures/2026-Q1", "/provider-returns/2026-Q1"],
    "admin": [
        "/provider-returns/2026-Q1",
        f"/provider-returns/2026-Q1/{number_id(1)}/accept",
        f"/provider-returns/2026-Q1/{number_id(1)}/reopen",
        "/",
        "/organisations",
        "/organisations?kind=schools",
        *(path for _key, path in REGISTER_FORMS),
        f"/organisations/{number_id(1)}",
        f"/organisations/{number_id(2)}",
        "/catchments",
        "/guidance",
        "/guidance/new",
        "/guidance/locating",
        "/guidance/locating/edit",
        "/guidance/locating/versions",
        "/guidance/ages/preview",
        f"/catchments/{CODE}",
    ],
    "authoriser": [
        "/",
        "/people",
        "/staff",
        "/staff?show=waits&search=tama",
        f"/staff/{number_id(751)}",
        f"/staff/{number_id(751)}/roles/new",
        f"/staff/{MANAGER}",
        f"/staff/{MANAGER}/roles/case_manager/remove",
        f"/staff/{MANAGER}/end",
        f"/staff/{MANAGER}/attest",
        f"/staff/{number_id(753)}",
        f"/staff/{number_id(753)}/wake",
        "/staff?show=attestation-due",
        "/staff/invite",
        "/staff/invitations",
        f"/staff/invitations/{number_id(701)}",
        f"/staff/invitations/{number_id(701)}/resend",
        f"/staff/invitations/{number_id(701)}/withdraw",
    ],
    "desk": ["/", "/access"],
    "contact": ["/", "/notices", "/notices/preferences", "/account", "/shared", SHARED],
    "": ["/service-desk", "/", "/privacy", "/accessibility"],
}
NAMES = ("BatchGetPeople", "BatchGetOrganisations")
SCHOOLS_NAMES = "GetProviderContacts"
"""How a school asks for the names of its provider's people; not kept, since who they are changes."""
BUTTONS = [
    ("attendance", "/requests/import/result.csv"),
    ("attendance", f"/requests/drafts/{number_id(949)}/discard"),
    ("manager", f"/letters/{letter_id(0)}/submit"),
    ("lead", f"/letters/{letter_id(1)}/approve"),
]
"""Forms that are one button on another page."""
WRITES = {
    method.descriptor.name for service in contract_services() for method in methods(service) if not method.is_read
} - {"ExchangeToken"}
EACH = [(key, path) for key, paths in PAGES.items() for path in paths]
POSTS = [
    ("manager", "/notices"),
    ("manager", "/notices/preferences"),
    ("attendance", "/requests/new"),
    ("attendance", "/requests/import"),
    ("lead", f"/incoming/{number_id(200)}"),
    ("lead", f"/incoming/{number_id(200)}/return"),
    ("lead", f"/incoming/{number_id(200)}/decline"),
    ("lead", "/own-cases/new"),
    ("lead", "/search"),
    ("attendance", f"/requests/{number_id(200)}"),
    ("attendance", f"/requests/{number_id(200)}/amend"),
    ("attendance", f"/requests/drafts/{number_id(949)}"),
    ("attendance", f"/requests/drafts/{number_id(949)}/check"),
    ("lead", f"/cases/{number_id(305)}/assign"),
    ("manager", f"/cases/{number_id(303)}/events/new?kind=home-visit"),
    ("lead", "/cases/hand-out"),
    *REGISTER_FORMS,
    ("admin", "/guidance/new"),
    ("admin", "/guidance/locating/edit"),
    ("admin", "/guidance/ages/preview"),
    ("manager", f"/cases/{number_id(303)}/notes/new"),
    ("manager", f"/cases/{number_id(303)}/entries/{number_id(400)}/correct"),
    ("manager", f"/cases/{number_id(303)}/pause"),
    ("manager", f"/cases/{number_id(303)}/resume"),
    ("lead", f"/cases/{number_id(304)}/close"),
    ("lead", f"/cases/{number_id(303)}/reopen"),
    ("lead", f"/cases/{number_id(303)}/contact"),
    ("manager", f"/cases/{number_id(303)}/tasks/new"),
    ("manager", f"/tasks/{number_id(690)}"),
    ("manager", f"/tasks/{number_id(690)}/cancel"),
    ("lead", f"/tasks/{number_id(690)}/reassign"),
    ("authoriser", "/staff/invite"),
    ("authoriser", f"/staff/{number_id(751)}/roles/new"),
    ("authoriser", f"/staff/{MANAGER}/roles/case_manager/remove"),
    ("authoriser", f"/staff/{MANAGER}/end"),
    ("authoriser", f"/staff/{MANAGER}/attest"),
    ("authoriser", f"/staff/{number_id(753)}/wake"),
    ("authoriser", f"/staff/invitations/{number_id(701)}/resend"),
    ("authoriser", f"/staff/invitations/{number_id(701)}/withdraw"),
    ("lead", "/returns/2026-Q1"),
    ("lead", "/returns/2026-Q1/submit"),
    ("admin", f"/provider-returns/2026-Q1/{number_id(1)}/accept"),
    ("admin", f"/provider-returns/2026-Q1/{number_id(1)}/reopen"),
    ("desk", "/access"),
    ("manager", f"/cases/{number_id(303)}/files/new"),
    ("manager", f"/files/{number_id(900)}/describe"),
    ("manager", f"/files/{number_id(900)}/remove"),
    ("manager", f"/cases/{number_id(303)}/letters/new"),
    ("manager", f"/letters/{letter_id(0)}/edit"),
    ("lead", f"/letters/{letter_id(1)}/return"),
    ("manager", f"/letters/{letter_id(2)}/send"),
    ("manager", f"/letters/{letter_id(3)}/answer"),
    ("manager", f"/letters/{letter_id(3)}/undelivered"),
    ("manager", f"/letters/{letter_id(0)}/withdraw"),
]
NEEDS = [
    ("contact", "/requests"),
    ("contact", "/cases"),
    ("office", "/shared"),
    ("manager", SHARED),
    ("manager", f"{SHARED}/files"),
    ("manager", "/incoming"),
    ("manager", "/people"),
    ("manager", "/figures/2026-Q1"),
    ("lead", "/requests/new"),
    ("lead", "/national-figures/2026-Q1"),
    ("lead", "/provider-returns/2026-Q1"),
    ("manager", "/figures/2026-Q1/minutes"),
    ("manager", "/returns"),
    ("admin", "/returns/2026-Q1/pdf"),
    ("analyst", "/figures/2026-Q1/minutes"),
    ("analyst", f"/provider-returns/2026-Q1/{number_id(1)}/accept"),
    ("attendance", "/cases"),
    ("attendance", "/organisations"),
    ("analyst", "/organisations/new"),
    ("lead", "/catchments"),
    ("analyst", "/cases"),
    ("newcomer", "/cases"),
    ("lead", "/staff"),
    ("manager", "/staff/invite"),
    ("authoriser", "/cases"),
]


@pytest.mark.parametrize(("key", "path"), EACH)
@pytest.mark.parametrize("language", ["en", "mi"])
def test_a_page_has_one_heading_its_language_and_no_script_that_it_needs(
    as_: As, key: str, path: str, language: str
) -> None:
    page = as_(key, language=language).text(path)
    assert page.count("<h1") == 1
    assert f'<html lang="{"en-NZ" if language == "en" else "mi"}"' in page
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=\"|javascript:", page)


@pytest.mark.parametrize(("key", "path"), EACH)
def test_a_page_costs_at_most_two_calls_besides_names(as_: As, key: str, path: str) -> None:
    calls = as_(key).get(path).headers["X-Backend-Calls"].split(",")
    assert len([call for call in calls if call and not call.endswith((*NAMES, SCHOOLS_NAMES))]) <= 2


@pytest.mark.parametrize(("key", "path"), EACH)
def test_names_cost_one_call_at_first_and_none_afterwards(as_: As, key: str, path: str) -> None:
    browser = as_(key)
    browser.text(path)
    assert not [call for call in browser.get(path).headers["X-Backend-Calls"].split(",") if call.endswith(NAMES)]


@pytest.mark.parametrize(("key", "path"), POSTS)
def test_a_form_without_its_token_is_refused(as_: As, world: World, key: str, path: str) -> None:
    form = as_(key).fill(path)
    del form["csrf_token"]
    response = as_(key).post(path, form)
    assert response.status_code == 400
    assert "That form could not be used" in response.text
    assert WRITES & {method for method, _request in world.calls} == set()


@pytest.mark.parametrize(("key", "path"), BUTTONS)
def test_a_button_without_its_token_is_refused(as_: As, world: World, key: str, path: str) -> None:
    assert as_(key).post(path, {}).status_code == 400
    assert WRITES & {method for method, _request in world.calls} == set()


def test_every_form_is_among_those_tested(app: Flask) -> None:
    """Every page of a blueprint of ours that takes a form is tried above without its token."""
    addresses = app.url_map.bind("localhost")
    tried = {addresses.match(path.partition("?")[0], method="POST")[0] for _key, path in [*POSTS, *BUTTONS]}
    ours = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.endpoint.partition(".")[0] in {each.name for each in BLUEPRINTS}
    }
    assert ours == tried


@pytest.mark.parametrize(("key", "path"), NEEDS)
def test_a_page_that_a_role_does_not_open_says_so(as_: As, key: str, path: str) -> None:
    response = as_(key).get(path)
    assert response.status_code == 403
    assert "You cannot open this" in response.text


@pytest.mark.parametrize("path", ["/cases", "/requests/new", "/figures", "/people", "/account"])
def test_nobody_signed_in_goes_to_the_sign_in_and_back(as_: As, path: str) -> None:
    response = as_("").get(path)
    assert response.status_code == 303
    assert response.location.startswith("/sign-in?next=")


@pytest.mark.parametrize(
    "path",
    ["/cases/1", "/cases/x'", f"/cases/{number_id(999)}", "/incoming/%00", f"/cases/{number_id(999)}/assign"],
)
def test_an_id_that_is_none_and_one_that_is_not_ours_look_the_same(as_: As, path: str) -> None:
    response = as_("lead").get(path)
    assert response.status_code == 404
    assert "We could not find that" in response.text


@pytest.mark.parametrize(
    ("key", "path"),
    [("lead", "/cases?page=\N{SNOWMAN}"), ("lead", "/cases?manager=x"), ("attendance", "/requests?page=a b")],
)
def test_a_filter_that_no_page_made_is_a_page_that_is_not_there(as_: As, key: str, path: str) -> None:
    response = as_(key).get(path)
    assert response.status_code == 404
    assert "<h1" in response.text


def test_a_service_that_is_away_is_said_in_words(as_: As, world: World) -> None:
    world.failures["ListCases"] = UnavailableError("database-away", "away")
    response = as_("lead").get("/cases")
    assert response.status_code == 503
    assert "Part of the service is away" in response.text


def test_a_name_is_shown_as_it_was_written(as_: As) -> None:
    page = as_("lead").text("/incoming")
    for name in ("Āwhi Example-Tūī", "Te Ariki O’Madeup", "Siaosi", "Anna Nguyễn-Sample"):
        assert name in page


def test_every_text_is_translated(app: Flask) -> None:
    with (TRANSLATIONS / "messages.po").open("rb") as file:
        catalogue = read_po(file)
    missing = [
        message.id
        for message in catalogue
        if message.id and not all(message.string if isinstance(message.string, tuple | list) else [message.string])
    ]
    assert missing == []
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_the_compiled_translations_are_those_of_the_source(app: Flask) -> None:
    compiled = io.BytesIO()
    with (TRANSLATIONS / "messages.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale="mi"))
    compiled.seek(0)
    wanted = GNUTranslations(compiled)._catalog  # type: ignore[attr-defined]
    with (TRANSLATIONS / "messages.mo").open("rb") as file:
        found = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    assert {text: words for text, words in found.items() if text} == {
        text: words for text, words in wanted.items() if text
    }


def test_every_text_of_the_sources_is_in_the_catalogue(tmp_path: Path) -> None:
    gateway = Path(__file__).parents[3] / "services/gateway"
    with (TRANSLATIONS / "messages.po").open("rb") as file:
        known = {message.id[0] if isinstance(message.id, tuple) else message.id for message in read_po(file)}
    options = {"trim_blocks": "True", "lstrip_blocks": "True"}
    found = extract_from_dir(
        gateway,
        method_map=[("templates/**.html", "jinja2"), ("**.py", "python")],
        options_map={"templates/**.html": options},
        keywords={"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
    )
    texts = {text[0] if isinstance(text, tuple) else text for _file, _line, text, _comments, _context in found}
    assert texts - known == set()
