"""A letter in te reo Māori: written, given back, approved, sent, answered. Two people, one letter."""

import pytest

from deploy.story.api import Api
from deploy.story.cast import Person
from deploy.story.signin import Program
from tests.browser.journeys.conftest import PROVIDER, SCHOOL, Demo, Opens, Visitor, new_name
from tests.support.waiting import until

pytestmark = pytest.mark.chromium
TRIED = ("EVENT_KIND_HOME_VISIT", "EVENT_KIND_CONTACT_ATTEMPT", "EVENT_KIND_HUI")


def program(system: Demo, role: str, organisation: str) -> Api:
    """The REST API as someone of the demonstration."""
    who = system.person(role, organisation)
    person = Person(who["email"], who["passphrase"], who["organisation"], tuple(who["roles"]))
    return Api(system.base_url, Program(system.issuer).tokens_of(person).access_token)


@pytest.fixture
def case_id(system: Demo) -> str:
    """A case whose whānau was tried three times in three ways, with a nan who is safe to contact."""
    school, lead = program(system, "attendance_lead", SCHOOL), program(system, "workflow_lead", PROVIDER)
    manager = program(system, "case_manager", PROVIDER)
    asked = {
        "student": {"given_names": new_name(), "date_of_birth": "2013-05-06", "year_level": 8},
        "caregivers": [{"name": "Kererū Tauira", "relationship": "nan", "safe_to_contact": True}],
        "attendance": {"term": "2026-T1", "present_half_days": 20, "total_half_days": 60},
        "concern": "Away most mornings.",
    }
    request_id = school.post("/v1/requests", asked)["request"]["request_id"]
    opening = {"case_manager_id": manager.get("/v1/me")["person"]["person_id"]}
    case = lead.post(f"/v1/incoming-requests/{request_id}:open", opening)["case"]
    for kind in TRIED:
        tried = {"kind": kind, "happened_on": case["opened_at"][:10], "outcome": "OUTCOME_REFUSED"}
        manager.post(f"/v1/cases/{case['case_id']}/events", tried)
    return str(case["case_id"])


def is_printed(manager: Visitor) -> bool | None:
    """Whether the letter's page offers the PDF that is kept; None while it is being made."""
    manager.page.reload()
    return True if manager.page.get_by_role("link", name="Open the PDF").count() else None


def test_a_letter_goes_out_and_is_answered(person: Opens, case_id: str) -> None:
    # Given a case manager at a case whose whānau does not engage
    manager = person("case_manager", PROVIDER)
    manager.goes_to(f"/cases/{case_id}")
    manager.follows("Letters")
    assert manager.reads("No letter was written")

    # When they write a first letter in te reo Māori and hand it in
    manager.follows("Write a letter")
    page = manager.page
    page.get_by_label("Time away from school, first letter").check(force=True)
    page.get_by_label("Te reo Māori", exact=True).check(force=True)
    page.get_by_label("Kererū Tauira").check(force=True)
    page.get_by_label("Postal address").fill("1 Nowhere Street\nŌtautahi")
    page.get_by_label("What support was offered").fill("He waka hari i ia ata.")
    manager.presses("Save the draft")
    assert manager.reads("Handing it in needs: the phone number to call.")
    manager.follows("Change it")
    page.get_by_label("Phone number to call").fill("06 555 0101")
    manager.presses("Save the draft")
    manager.presses("Hand in for approval")
    assert manager.reads("The letter awaits approval.")
    path = page.url.removeprefix(manager.base_url).partition("?")[0]

    # And the lead finds it in their queue and gives it back
    lead = person("workflow_lead", PROVIDER)
    lead.goes_to("/letters")
    assert path in lead.page.content()
    lead.goes_to(path)
    lead.follows("Give it back")
    lead.page.get_by_label("What should be changed").fill("Say when the ride would come.")
    lead.presses("Give it back")

    # Then its author reads why, changes it, and hands it in again
    manager.goes_to(path)
    assert manager.reads("Say when the ride would come.")
    manager.follows("Change it")
    page.get_by_label("What support was offered").fill("He waka hari i ia ata, i te whitu karaka.")
    manager.presses("Save the draft")
    manager.presses("Hand in for approval")

    # When the lead approves it
    lead.goes_to(path)
    lead.presses("Approve")
    assert lead.reads("The letter is approved.")

    # Then the PDF is there, and is a PDF
    until(lambda: is_printed(manager), "the PDF of the letter", pause_seconds=0.2)
    manager.looks()
    content = page.context.request.get(f"{manager.base_url}{path}/letter.pdf")
    assert content.headers["content-type"] == "application/pdf"
    assert content.body().startswith(b"%PDF-")

    # When it went out, and the whānau rang
    manager.follows("Record how it went out")
    page.get_by_label("By post").check(force=True)
    manager.presses("Save")
    manager.follows("Record what came of it")
    page.get_by_label("They got in touch").check(force=True)
    page.get_by_label("What was said and agreed").fill("Nan rang. Hui on Thursday.")
    manager.presses("Save")

    # Then the letter and the case tell the whole of it
    assert manager.reads("Nan rang. Hui on Thursday.")
    manager.goes_to(f"/cases/{case_id}")
    assert manager.reads("Letter sent")


def test_letters_are_all_in_te_reo_maori_too(person: Opens, case_id: str) -> None:
    # Given a case manager who reads the pages in te reo Māori
    manager = person("case_manager", PROVIDER)
    manager.page.context.add_cookies([{"name": "language", "value": "mi", "url": manager.base_url}])

    # When they look at the letters of a case and begin one
    manager.goes_to(f"/cases/{case_id}/letters")
    assert manager.heading == "Ngā reta"
    manager.follows("Tuhia he reta")

    # Then what is asked is asked in te reo Māori
    assert manager.reads("Te reo o te reta")
    assert manager.reads("Wāhitau poutāpeta")
