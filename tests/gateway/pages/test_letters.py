"""Letters: those of a case, writing one, its steps, its PDF, and what awaits a lead."""

from collections.abc import Callable
from typing import Any

import pytest
from ascms.cases.v1 import letters_pb2 as pb
from ascms.cases.v1 import requests_pb2

from kit.errors import FailedPreconditionError, StaleVersionError
from tests.gateway.pages.conftest import Browser, hidden_fields, typed
from tests.support.stub_letters import PDF, letter_id
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
CASE = f"/cases/{number_id(303)}"
DRAFT, AWAITING, APPROVED, SENT, ENDED = (f"/letters/{letter_id(number)}" for number in range(5))
WRITTEN: dict[str, Any] = {
    "which": "chronic-absence.1",
    "language": "maori",
    "address": "1 Nowhere Street\r\nŌtautahi",
    "support": "A ride each morning.",
    "contact_name": "Hēmi Testcase",
    "contact_phone": "06 555 0101",
}


def called(world: World, method: str) -> list[Any]:
    return [request for name, request in world.calls if name == method]


def test_the_letters_of_a_case_say_where_they_stand_and_what_comes_next(as_: As) -> None:
    page = as_("manager").text(f"{CASE}/letters")
    for words in (
        "Time away from school, first letter",
        "Awaiting approval",
        "Sent, answer awaited",
        "No response",
        "3 of 3",
        "1 of 2",
        "Letter 2 of 3, not before:",
        f'href="{CASE}/letters/new"',
    ):
        assert words in page


def test_a_case_without_letters_says_when_one_is_meant(as_: As, world: World) -> None:
    world.letters.clear()
    assert "No letter was written" in as_("manager").text(f"{CASE}/letters")


def test_a_letter_is_written_and_then_handed_in(as_: As, world: World) -> None:
    world.letters.clear()
    browser = as_("manager")
    safe = [one.name for one in world.cases[0].caregivers if one.safe_to_contact]
    answer = browser.send(f"{CASE}/letters/new", **WRITTEN, recipients=safe)
    assert answer.status_code == 303
    path = answer.headers["Location"].partition("?")[0]
    [asked] = called(world, "DraftLetter")
    assert (asked.family, asked.stage) == (pb.LETTER_FAMILY_CHRONIC_ABSENCE, 1)
    assert (list(asked.text.recipients), asked.text.address) == (safe, "1 Nowhere Street\nŌtautahi")
    page = browser.text(path)
    assert "A ride each morning." in page
    assert browser.post(f"{path}/submit", {**hidden_fields(page)}).status_code == 303
    assert "Next: someone who did not write it" in browser.text(path)


def test_only_who_is_safe_to_contact_is_offered(as_: As, world: World) -> None:
    first, *others = world.cases[0].caregivers
    for one in (first, *others):
        one.safe_to_contact = False
        one.ClearField("safe_ways")
    browser = as_("manager")
    page = browser.text(f"{CASE}/letters/new")
    assert "No caregiver of this case is marked as safe to contact" in page
    assert f"{first.name}: no letter. Ask the school first" in page
    first.safe_ways.append(requests_pb2.CONTACT_WAY_EMAIL)
    first.safe_note = "Not on Fridays."
    page = browser.text(f"{CASE}/letters/new")
    assert f"{first.name}: only by email. Not on Fridays." in page
    assert f'value="{first.name}"' in page


def test_only_the_ways_that_are_safe_are_offered_and_why_the_others_are_not(as_: As, world: World) -> None:
    world.closed_ways[pb.LETTER_MODE_HAND] = {"reason": "not-safe-to-contact", "names": ["Kererū"]}
    world.closed_ways[pb.LETTER_MODE_POST] = {"reason": "needs-address"}
    page = as_("manager").text(f"{APPROVED}/send")
    assert "Nothing is sent from here." in page
    assert 'value="email"' in page
    assert 'value="hand"' not in page
    assert "Not in person: a visit is not said to be safe for Kererū." in page
    assert "Not by post: the letter has no postal address." in page


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"language": ""}, "Choose the language of the letter."),
        ({"recipients": ["Nobody"]}, "This is not safe for everyone it is for."),
        ({"contact_phone": "ring me"}, "Write the phone number with digits"),
        ({"address": "x" * 501}, "This is longer than we can store."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    as_: As, answers: dict[str, Any], words: str
) -> None:
    answer = as_("manager").send(f"{CASE}/letters/new", **{**WRITTEN, **answers})
    assert answer.status_code == 422
    assert words in answer.text
    assert "A ride each morning." in answer.text


def test_a_draft_says_what_is_missing_and_is_changed(as_: As, world: World) -> None:
    browser = as_("manager")
    page = browser.text(DRAFT)
    assert "Handing it in needs: the phone number to call." in page
    assert "Hand in for approval</span>" not in page
    form = browser.fill(f"{DRAFT}/edit", **{**WRITTEN, "words": "Ka kite."})
    assert browser.post(f"{DRAFT}/edit", form).status_code == 303
    assert called(world, "ReviseLetter")[0].text.words == "Ka kite."


def test_two_people_at_one_draft_lose_nothing(as_: As, world: World) -> None:
    browser = as_("manager")
    form = {**typed(browser.text(f"{DRAFT}/edit")), "words": "Mine.", "address": "2 Nowhere Street"}
    letter = world.letters[0]
    letter.version, letter.text.support, letter.text.address = letter.version + 1, "Theirs.", "3 Nowhere Street"
    answer = browser.post(f"{DRAFT}/edit", form)
    assert answer.status_code == 409
    asked = answer.text.partition('class="compare"')[2].partition("</table>")[0]
    assert "3 Nowhere Street" in asked
    assert "2 Nowhere Street" in asked
    assert "Theirs." not in asked
    assert "Mine." not in asked
    settled = {**typed(answer.text), "address": "4 Nowhere Street"}
    assert browser.post(f"{DRAFT}/edit", settled).status_code == 303
    assert (letter.text.words, letter.text.support, letter.text.address) == ("Mine.", "Theirs.", "4 Nowhere Street")


def test_what_only_one_of_two_changed_is_put_together_without_asking(as_: As, world: World) -> None:
    browser = as_("manager")
    form = {**typed(browser.text(f"{DRAFT}/edit")), "words": "Mine."}
    letter = world.letters[0]
    letter.version, letter.text.support, letter.text.language = letter.version + 1, "Theirs.", pb.LETTER_LANGUAGE_BOTH
    assert browser.post(f"{DRAFT}/edit", form).status_code == 303
    assert (letter.text.words, letter.text.support) == ("Mine.", "Theirs.")
    assert letter.text.language == pb.LETTER_LANGUAGE_BOTH
    assert letter.text.contact_name


def test_a_lead_finds_approves_and_returns(as_: As, world: World) -> None:
    lead = as_("lead")
    queue = lead.text("/letters")
    assert AWAITING in queue
    assert SENT not in queue
    page = lead.text(AWAITING)
    assert "Approve</span>" in page
    answer = lead.send(f"{AWAITING}/return", note="Say which bus.")
    assert answer.status_code == 303
    assert "asks for a change" in as_("manager").text(AWAITING)
    assert called(world, "ReturnLetter")[0].note == "Say which bus."
    world.letters[1].state = pb.LETTER_STATE_AWAITING_APPROVAL
    form: dict[str, object] = {**hidden_fields(lead.text(AWAITING))}
    assert lead.post(f"{AWAITING}/approve", form).status_code == 303
    assert "The PDF is being made." in lead.text(AWAITING)


def test_who_wrote_it_is_not_offered_to_approve_it(as_: As, world: World) -> None:
    world.letters[1].submitted_by = world.people["lead"].person_id
    page = as_("lead").text(AWAITING)
    assert "Approve</span>" not in page
    assert "someone else approves it" in page


def test_a_letter_is_recorded_as_sent_and_answered(as_: As, world: World) -> None:
    browser = as_("manager")
    assert browser.send(f"{APPROVED}/send", mode="post", sent_on="2026-03-04").status_code == 303
    sent = called(world, "SendLetter")[0]
    assert (sent.mode, sent.sent_on, sent.expected_version) == (pb.LETTER_MODE_POST, "2026-03-04", 2)
    answer = browser.send(f"{APPROVED}/answer", answer="responded", answered_on="2026-03-04", note="Nan rang.")
    assert answer.status_code == 303
    page = browser.text(APPROVED)
    assert "They got in touch" in page
    assert "Nan rang." in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{APPROVED}/send", "Choose how it went out."),
        (f"{SENT}/answer", "Choose what came of it."),
        (f"{SENT}/undelivered", "Say why it came back."),
        (f"{DRAFT}/withdraw", "Say why it is not sent."),
    ],
)
def test_a_step_without_its_words_is_asked_again(as_: As, path: str, words: str) -> None:
    answer = as_("manager").send(path)
    assert answer.status_code == 422
    assert words in answer.text


def test_undelivered_and_withdrawn_are_recorded(as_: As, world: World) -> None:
    browser = as_("manager")
    assert browser.send(f"{SENT}/undelivered", noted_on="2026-03-04", note="Moved away.").status_code == 303
    assert "Came back" in browser.text(SENT)
    assert browser.send(f"{DRAFT}/withdraw", reason="They came to the hui.").status_code == 303
    assert called(world, "WithdrawLetter")[0].reason == "They came to the hui."


def test_what_cannot_be_done_now_says_so_before_anything_is_typed(as_: As) -> None:
    page = as_("manager").text(f"{DRAFT}/send")
    assert "This cannot be done now" in page
    assert "<textarea" not in page


def test_a_refusal_of_a_button_stands_on_the_letters_page(as_: As, world: World) -> None:
    lead = as_("lead")
    form: dict[str, object] = {**hidden_fields(lead.text(AWAITING))}
    world.failures["ApproveLetter"] = FailedPreconditionError("own-letter", "Own.")
    answer = lead.post(f"{AWAITING}/approve", form)
    assert answer.status_code == 409
    assert "someone else approves it" in answer.text
    world.failures["ApproveLetter"] = StaleVersionError(expected=1, actual=2)
    answer = lead.post(f"{AWAITING}/approve", {**hidden_fields(lead.text(AWAITING))})
    assert "This is how it stands now." in answer.text


def test_a_draft_is_previewed_as_a_pdf(as_: As) -> None:
    answer = as_("manager").get(f"{DRAFT}/preview.pdf")
    assert (answer.data, answer.headers["Content-Type"]) == (PDF, "application/pdf")
    assert "student" not in answer.headers["Content-Disposition"]


def test_letters_of_cases_that_are_not_theirs_are_not_there(as_: As) -> None:
    stranger = as_("manager2")
    for path in (DRAFT, f"{CASE}/letters", f"{DRAFT}/edit", f"{APPROVED}/send", f"{APPROVED}/letter.pdf"):
        assert stranger.get(path).status_code == 404


def test_no_name_stands_in_the_title(as_: As) -> None:
    title = as_("manager").text(DRAFT).partition("<title>")[2].partition("</title>")[0]
    assert title == "Letter of case 26-00817 · Attendance Service"
