"""A school asks for support: for one student, or with a file of many."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from kit.errors import InvalidArgumentError, UnavailableError, Violation
from services.cases.importing import COLUMNS as FILE_COLUMNS
from services.cases.importing import column_of, read_file
from services.gateway.requests.columns import COLUMNS, results
from services.gateway.wording import cell_words
from tests.gateway.pages.conftest import URL, Browser, hidden_fields, typed
from tests.support.postgres import ROOT
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]

ANSWERS: dict[str, Any] = {
    "given_names": "Tāwhiri",
    "date_of_birth-day": "4",
    "date_of_birth-month": "3",
    "date_of_birth-year": "2013",
    "year_level": "8",
    "gender": "0",
    "nsn": "0123 456 780",
    "caregiver_2_name": "Nanny Pretend",
    "caregiver_2_phone": "021 555 0102",
    "term_1": "2026-T1",
    "present_half_days_1": "20",
    "total_half_days_1": "50",
    "concern": "Away most mornings.\nLikes kapa haka.",
}


def test_the_list_counts_its_filters_and_keeps_them_in_the_address(as_: As) -> None:
    page = as_("attendance").text("/requests?state=waiting")
    assert "Āwhi Example-Tūī" in page
    assert "Māia Pretend" not in page
    assert 'href="/requests?state=accepted"' in page
    assert 'aria-current="true"' in page


def test_a_long_list_goes_on_by_page_tokens(as_: As, world: World) -> None:
    world.requests.extend(world.requests[:6] * 20)
    first = as_("attendance").text("/requests")
    assert "page=50" in first
    assert "Previous page" in as_("attendance").text("/requests?page=50")


def test_a_request_says_where_it_stands(as_: As) -> None:
    school = as_("attendance")
    assert "The answer is late." in school.text(f"/requests/{number_id(200)}")
    assert "has opened a case and will be in touch" in school.text(f"/requests/{number_id(204)}")


def test_the_request_of_another_school_is_not_there(as_: As) -> None:
    assert as_("attendance").get(f"/requests/{number_id(201)}").status_code == 404


def test_a_request_is_saved_looked_over_and_sent_once(as_: As, world: World) -> None:
    school, before = as_("attendance"), len(world.requests)
    form = school.fill("/requests/new", **ANSWERS)
    first, second = school.post("/requests/new", form), school.post("/requests/new", form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert (len(world.requests), len(world.drafts)) == (before, 2)
    page = school.text(first.location)
    assert "Check your answers" in page
    assert "Worth considering" in page
    assert "Chronic absence this term" in page

    look = school.fill(first.location)
    sent = [school.post(first.location, look) for _ in range(2)]
    assert [each.status_code for each in sent] == [303, 303]
    assert sent[0].location == sent[1].location
    assert (len(world.requests), len(world.drafts)) == (before + 1, 1)
    made = world.requests[-1]
    assert (made.student.nsn, made.student.family_name, made.student.date_of_birth) == ("0123456780", "", "2013-03-04")
    assert [one.name for one in made.caregivers] == ["Nanny Pretend"]
    assert not made.caregivers[0].safe_to_contact
    assert "Sent:" in school.text(sent[0].location)


def test_a_draft_is_put_aside_unfinished_and_found_again(as_: As, world: World) -> None:
    lead, office = as_("attendance"), as_("attendance")
    response = lead.send("/requests/new", given_names="Kōwhai", gender="0", year_level="", action="later")
    assert (response.status_code, response.location) == (303, "/requests/drafts")
    assert "Kōwhai" in office.text("/requests/drafts")
    draft_id = list(world.drafts)[-1]
    assert "Before it can be sent:" in office.text(f"/requests/drafts/{draft_id}/check")
    assert 'value="Kōwhai"' in office.text(f"/requests/drafts/{draft_id}")
    gone = office.post(f"/requests/drafts/{draft_id}/discard", office.fill(f"/requests/drafts/{draft_id}/check"))
    assert (gone.status_code, draft_id in world.drafts) == (303, False)
    assert "Kōwhai" not in lead.text("/requests/drafts")


def test_several_terms_barriers_and_safe_ways_are_kept(as_: As, world: World) -> None:
    school = as_("attendance")
    more: dict[str, Any] = {
        "shown_terms": "2",
        "term_2": "2025-T4",
        "present_half_days_2": "70",
        "total_half_days_2": "98",
        "steps": ["calls_home"],
        "barriers": ["transport", "health"],
        "ethnicities": ["211", "111"],
        "caregiver_2_safe_ways": ["2"],
        "caregiver_2_safe_note": "After five",
    }
    response = school.send("/requests/new", **(ANSWERS | more))
    page = school.text(response.location)
    assert "Getting to school" in page
    assert "Calls or messages home" in page
    assert "After five" in page
    _owner, draft = list(world.drafts.values())[-1]
    assert [term.term for term in (draft.content.attendance, *draft.content.earlier_terms)] == ["2026-T1", "2025-T4"]
    form = school.text(response.location.removesuffix("/check"))
    assert 'value="98"' in form
    assert school.send("/requests/new", **ANSWERS, action="add-term").text.count("Term 2 of those") == 1


def test_two_colleagues_at_one_draft_lose_nothing(as_: As, world: World) -> None:
    school = as_("attendance")
    address = school.send("/requests/new", **ANSWERS).location.removesuffix("/check")
    opened = typed(school.text(address))
    theirs = {"concern": "What they wrote.", "caregiver_1_name": "Mere", "nsn": "0123456789"}
    school.post(address, {**typed(school.text(address)), **theirs})
    mine = {**opened, "concern": "What I wrote meanwhile.", "preferred_name": "Ari", "date_of_birth-day": "5"}
    late = school.post(address, mine)
    assert late.status_code == 409
    asked = late.text.partition('class="compare"')[2].partition("</table>")[0]
    assert ("What I wrote meanwhile." in asked, "What they wrote." in asked, "Mere" in asked) == (True, True, False)
    assert school.post(address, {**typed(late.text), "concern": "Both."}).status_code == 303
    kept = typed(school.text(address))
    wanted = {"concern": "Both.", "preferred_name": "Ari", "date_of_birth-day": "5", "nsn": "0123456789"}
    assert {name: kept[name] for name in wanted} == {name: [value] for name, value in wanted.items()}
    assert kept["caregiver_1_name"] == ["Mere"]


def test_a_question_is_replied_to_on_the_requests_page(as_: As, world: World) -> None:
    lead, school = as_("lead"), as_("attendance")
    address = f"/incoming/{number_id(200)}"
    assert lead.send(f"{address}/return").status_code == 422
    assert lead.send(f"{address}/return", question="Does she come by bus?").status_code == 303
    assert "The school replies by" in lead.text(address)
    own = f"/requests/{number_id(200)}"
    assert "Does she come by bus?" in school.text(own)
    answered = school.send(own, reply="Yes, the 7.40.")
    assert answered.status_code == 303
    assert "Your reply is with the service" in school.text(answered.location)
    assert "Yes, the 7.40." in lead.text(address)


def test_a_reply_may_change_the_request_and_the_provider_sees_before_and_now(as_: As, world: World) -> None:
    lead, school = as_("lead"), as_("attendance")
    assert lead.send(f"/incoming/{number_id(200)}/return", question="How was term 4?").status_code == 303
    own = f"/requests/{number_id(200)}"
    assert f'href="{own}/amend"' in school.text(own)
    said = {
        "reply": "Better.",
        "term_1": "2026-T1",
        "present_half_days_1": "41",
        "total_half_days_1": "50",
        "concern": "Away on Mondays.",
        "caregiver_1_name": "Nanny Pretend",
        "steps": ["home_visit"],
    }
    for lacking, told in (("reply", "Write your reply."), ("concern", "Write what worries you.")):
        refused = school.send(f"{own}/amend", **(said | {lacking: ""}))
        assert (refused.status_code, told in refused.text) == (422, True)
    more = school.send(f"{own}/amend", **said, action="add-term")
    assert (more.status_code, "Term 2 of those" in more.text, "Away on Mondays." in more.text) == (200, True, True)
    assert school.send(f"{own}/amend", **said).status_code == 303
    page = lead.text(f"/incoming/{number_id(200)}")
    assert "What the school changed with its reply" in page
    assert page.index("Before") < page.index("82%") < page.index("41 of 50 half-days")
    assert "A home visit by the school" in page


def test_iwi_are_chosen_from_the_list_and_shown(as_: As, world: World) -> None:
    school = as_("attendance")
    response = school.send("/requests/new", **ANSWERS, iwi_1="0601", iwi_3="0104")
    assert "Ngāti Porou, Ngāpuhi" in school.text(response.location)
    _owner, draft = list(world.drafts.values())[-1]
    assert list(draft.content.student.iwi) == ["0601", "0104"]
    assert '<option value="0601" selected>' in school.text(response.location.removesuffix("/check"))


def test_why_a_request_was_declined_is_read_by_the_school(as_: As) -> None:
    lead, school = as_("lead"), as_("attendance")
    address = f"/incoming/{number_id(200)}"
    assert "Choose the reason." in lead.send(f"{address}/decline", words="Try a hui.").text
    assert lead.send(f"{address}/decline", reason="try_more_first", words="Try a hui.").status_code == 303
    page = school.text(f"/requests/{number_id(200)}")
    assert "More can be tried at the school first" in page
    assert "Try a hui." in page


def test_a_student_is_looked_for_in_the_body_and_never_in_the_address(as_: As, world: World) -> None:
    lead = as_("lead")
    assert 'method="post" action="/search"' in lead.text("/")
    page = lead.send("/search", q="Te Ariki").text
    assert "Found by" in page
    assert "it is one student" in page
    assert "Open a case of your own" in page
    assert "Nobody was found" in lead.send("/search", q="Nobody").text
    world.failures["SearchStudents"] = InvalidArgumentError.of(Violation("query", "too-short", "short"))
    short = lead.send("/search", q="a")
    assert (short.status_code, "at least two letters" in short.text) == (422, True)


OWN_CASE: dict[str, Any] = {
    "given_names": "Tāwhiri",
    "date_of_birth-day": "4",
    "date_of_birth-month": "3",
    "date_of_birth-year": "2013",
    "year_level": "8",
    "gender": "0",
    "reason": "whanau_asked",
    "concern": "Her nan asked.",
    "case_manager_id": "later",
}


def test_a_provider_opens_a_case_of_its_own(as_: As) -> None:
    lead = as_("lead")
    refused = lead.send("/own-cases/new", **(OWN_CASE | {"nsn": "0000000001"}))
    assert (refused.status_code, "A case is open for this student" in refused.text) == (409, True)
    assert lead.send("/own-cases/new", **OWN_CASE).status_code == 303
    assert as_("manager").get("/own-cases/new").status_code == 403


def test_the_school_of_an_own_case_is_found_in_the_register(as_: As, world: World) -> None:
    lead = as_("lead")
    schools = [one for one in world.organisations.values() if one.school_number]
    said = OWN_CASE | {"school": schools[0].name}
    many = lead.send("/own-cases/new", **(OWN_CASE | {"school": "a", "action": "find-school"}))
    assert (many.status_code, "Which school?" in many.text, "There is a problem" in many.text) == (200, True, False)
    unsaid = lead.send("/own-cases/new", **(OWN_CASE | {"school": "a"}))
    assert (unsaid.status_code, "Choose the school." in unsaid.text) == (422, True)
    nowhere = lead.send("/own-cases/new", **(OWN_CASE | {"school": "Nowhere"}))
    assert (nowhere.status_code, "We found no school" in nowhere.text) == (422, True)
    assert lead.send("/own-cases/new", **said).status_code == 303
    asked = [request for method, request in world.calls if method == "OpenOwnCase"][-1]
    assert asked.school_id == schools[0].organisation_id


def test_wrong_answers_are_listed_and_nothing_typed_is_lost(as_: As, world: World) -> None:
    answers = ANSWERS | {"year_level": "", "present_half_days_1": "60", "caregiver_1_phone": "021 555 0199"}
    response = as_("attendance").send("/requests/new", **answers)
    assert response.status_code == 422
    page = response.text
    assert "There is a problem" in page
    assert 'href="#year_level"' in page
    assert "cannot be more than the half-days open" in page
    assert "Write the name of this caregiver." in page
    assert "021 555 0199" in page
    assert "Likes kapa haka." in page
    assert len(world.drafts) == 1


def test_what_the_service_refuses_stands_at_its_field_in_words(as_: As, world: World) -> None:
    world.failures["SaveDraft"] = InvalidArgumentError.of(
        Violation("content.student.nsn", "pattern", "must be nine or ten digits"),
        Violation("content.caregivers[0].phone", "pattern", "must be six to thirty digits"),
        Violation("content.student.date_of_birth", "age", "must make the student 4 to 20 years old"),
    )
    response = as_("attendance").send("/requests/new", **ANSWERS)
    assert response.status_code == 422
    assert 'href="#nsn"' in response.text
    # The first caregiver was left empty, so the contract's caregiver 0 is the form's second.
    assert 'href="#caregiver_2_phone"' in response.text
    assert "too young or too old for school" in response.text


def test_another_caregiver_gets_room_and_nothing_typed_is_lost(as_: As, world: World) -> None:
    response = as_("attendance").send("/requests/new", **ANSWERS, action="add-caregiver")
    assert response.status_code == 200
    assert "Caregiver 3" in response.text
    assert "Nanny Pretend" in response.text
    assert "There is a problem" not in response.text


def test_while_the_service_is_away_the_form_keeps_what_was_typed(as_: As, world: World) -> None:
    world.failures["SaveDraft"] = UnavailableError("database-away", "away")
    response = as_("attendance").send("/requests/new", **ANSWERS)
    assert response.status_code == 503
    assert "What you wrote is still here" in response.text
    assert "Likes kapa haka." in response.text


@pytest.mark.parametrize(
    "broken",
    [
        {"year_level": "x"},
        {"year_level": "99"},
        {"gender": "7"},
        {"term_1": "'; drop"},
        {"total_half_days_1": "\N{ARABIC-INDIC DIGIT FIVE}"},
        {"date_of_birth-year": "99999"},
        {"concern": "a\0b"},
        {"shown": "900"},
        {"shown": "²"},
        {"once": "x" * 500},
    ],
)
def test_answers_that_no_browser_sends_are_refused_in_words(as_: As, broken: dict[str, str]) -> None:
    response = as_("attendance").send("/requests/new", **(ANSWERS | broken))
    assert response.status_code in {303, 400, 422}


def post_file(browser: Browser, form: dict[str, object], content: bytes) -> TestResponse:
    # Encoded here, since the test client would leave a large body's temporary file open.
    boundary, body = encode_multipart(form | {"file": FileStorage(io.BytesIO(content), "requests.csv")})
    content_type = f"multipart/form-data; boundary={boundary}"
    return browser.client.post("/requests/import", data=body, content_type=content_type, base_url=URL)


def send_file(browser: Browser, content: bytes) -> tuple[dict[str, object], TestResponse]:
    form = browser.fill("/requests/import")
    return form, post_file(browser, form, content)


def test_a_file_is_answered_row_by_row_with_the_faults_first(as_: As) -> None:
    _form, response = send_file(as_("attendance"), b"header\ngood\nagain\nbad\ngood\n")
    assert response.status_code == 200
    page = response.text
    assert page.index("Line 4") < page.index("Line 3") < page.index("Line 2") < page.index("Line 5")
    assert "A National Student Number has nine or ten digits." in page
    assert "Write the date as year-month-day" in page
    assert "1 row was not sent." in page


def test_the_result_is_downloaded_row_by_row_and_no_cell_becomes_a_formula(as_: As, world: World) -> None:
    school = as_("attendance")
    _form, response = send_file(school, b"header\ngood\nbad\n")
    answers: dict[str, object] = {**hidden_fields(response.text)}
    result = school.post("/requests/import/result.csv", answers)
    assert result.status_code == 200
    assert "attachment" in result.headers["Content-Disposition"]
    rows = list(csv.DictReader(result.data.decode("utf-8-sig").splitlines()))
    assert [(row["line"], row["result"]) for row in rows] == [("2", "Sent"), ("3", "Not sent")]
    assert rows[0]["request"].startswith("http")
    assert "nsn: A National Student Number has nine or ten digits." in rows[1]["why"]
    assert results([(2, "Sent", "", ["=1+1"])]).decode("utf-8-sig").splitlines()[1] == "2,Sent,,'=1+1"
    for broken in ("", "x", "eJwrzcxLzi9KBQAWQQRa", "AAAA"):
        assert school.post("/requests/import/result.csv", answers | {"rows": broken}).status_code in {200, 400}


def test_loading_the_result_again_imports_nothing_again(as_: As, world: World) -> None:
    school = as_("attendance")
    form, _response = send_file(school, b"header\ngood\n")
    again = post_file(school, form, b"header\ngood\n")
    assert again.status_code == 200
    assert world.position == 101


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "That file is empty."),
        (b"x" * 1_048_577, "larger than 1 MB"),
        (b"header\n\xff\xfe", "must be UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_at_its_field(as_: As, content: bytes, told: str) -> None:
    _form, response = send_file(as_("attendance"), content)
    assert response.status_code == 422
    assert told in response.text
    assert 'href="#file"' in response.text


def test_no_file_chosen_is_said(as_: As) -> None:
    assert "Choose the file." in as_("attendance").send("/requests/import").text


def test_the_page_explains_exactly_the_columns_that_the_service_reads(as_: As) -> None:
    assert {column.name for column in COLUMNS} == set(FILE_COLUMNS)
    template = as_("attendance").get("/requests/import/template.csv")
    assert template.data.decode("utf-8-sig").splitlines()[0] == ",".join(column.name for column in COLUMNS)
    assert "attachment" in template.headers["Content-Disposition"]


def test_no_fault_of_a_file_is_said_in_another_language_than_the_page(app: Flask) -> None:
    rows = read_file((ROOT / "deploy/demo/requests.csv").read_bytes())
    faults = [
        *(replace(fault, field=column_of(fault.field)) for row in rows for fault in row.violations),
        Violation("school_number", "other-school", "must be the number of your own school, 0417"),
        Violation("date_of_birth", "age", "must make the student 4 to 20 years old"),
        Violation("present_half_days", "more-than-total", "must not be more than the total half-days"),
        *(faults_of(content) for content in (b"", b"nsn\n", b"\xff", b"a\0b", b'"a')),
    ]
    with app.test_request_context(headers={"Cookie": "language=mi"}):
        said = {fault.description: cell_words(fault) for fault in faults}
    assert len(said) > 12
    assert [words for described, words in said.items() if words == described] == []


def faults_of(content: bytes) -> Violation:
    """The first fault of a file that is none."""
    with pytest.raises(InvalidArgumentError) as raised:
        read_file(content)
    return raised.value.violations[0]
