"""What journeys about access share: inviting by the page, reading the mail, accepting, and the training system."""

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import requests
import yaml

from tests.browser.journeys.conftest import Demo, Visitor
from tests.support.postgres import ROOT
from tests.support.waiting import until

PEOPLE = yaml.safe_load(Path(ROOT / "deploy/demo/people.yaml").read_text(encoding="utf-8"))
PASSPHRASE = "seven quiet kererū over the ridge"
INVITATION, NEW_PASSPHRASE = "/invitation?key=", "/passphrase/reset?key="
_BETWEEN_LOOKS_SECONDS = 0.5


@dataclass(frozen=True)
class Newcomer:
    """Someone made up, whom nobody in the system has met."""

    name: str
    email: str


def newcomer() -> Newcomer:
    """A new one each time, so that a journey can be made again."""
    mark = uuid4().hex[:8]
    return Newcomer(f"Demo Aroha {mark}", f"aroha.{mark}@putahi.example")


def invites(authoriser: Visitor, someone: Newcomer) -> None:
    """The authoriser writes down what they saw and sends the invitation."""
    authoriser.goes_to("/")
    authoriser.follows("Invite someone")
    authoriser.page.get_by_label("Their name").fill(someone.name)
    authoriser.page.get_by_label("Email address").fill(someone.email)
    authoriser.page.get_by_label("New Zealand full birth certificate").check()
    authoriser.page.get_by_label("Kiwi Access card").check()
    authoriser.presses("Send the invitation")
    assert authoriser.heading == f"Invitation of {someone.name}"
    assert authoriser.reads("The invitation is on its way.")


def finds(authoriser: Visitor, someone: Newcomer) -> None:
    """The authoriser opens the page of a person."""
    authoriser.goes_to("/staff")
    authoriser.page.get_by_label("Name or email address").fill(someone.email)
    authoriser.presses("Find")
    authoriser.follows(someone.name)


def mailed_link(system: Demo, email: str, *, besides: str = "", path: str = INVITATION) -> str:
    """The newest link of a kind to an address, once it is in the mail; another one than `besides`."""
    link = re.compile(rf'href="(http[^"]+{re.escape(path)}[^"]+)"')

    def newest() -> str | None:
        listed = requests.get(system.mail_url, timeout=10).text
        for name, to in re.findall(r'<a href="/([0-9a-f-]{36})">[^<]*</a><span>([^<]*)</span>', listed):
            found = link.search(requests.get(f"{system.mail_url}/{name}", timeout=10).text) if email in to else None
            if found and found[1] != besides:
                return found[1]
        return None

    return until(newest, f"a mail to {email}")


def reloads_until(visitor: Visitor, path: str, words: str) -> None:
    """The page says something at last: what the gateway has to ask identity for again."""

    def look() -> bool | None:
        visitor.page.goto(visitor.base_url + path)
        return visitor.reads(words) or None

    until(look, f"{path} says {words}", pause_seconds=_BETWEEN_LOOKS_SECONDS)
    visitor.looks()


def gives_role(authoriser: Visitor, someone: Newcomer, role: str) -> None:
    """The authoriser gives a role, and reads what is missing and what happens next."""
    finds(authoriser, someone)
    authoriser.follows("Give a role")
    authoriser.page.get_by_label(role).check()
    authoriser.presses("Give the role")
    assert authoriser.reads("The role is given.")
    assert authoriser.reads("The training for this role is not finished.")
    assert authoriser.reads("The role works as soon as it is done.")


def accepts(visitor: Visitor, link: str) -> None:
    """Whoever was invited makes a profile behind the link."""
    visitor.page.goto(link)
    visitor.looks()
    assert visitor.heading == "Accept your invitation"
    visitor.page.get_by_label("Passphrase").fill(PASSPHRASE)
    visitor.presses("Make my profile and accept")
    assert visitor.heading == "You have accepted"


def signs_in(visitor: Visitor, someone: Newcomer) -> None:
    """With the passphrase that they chose."""
    visitor.goes_to("/")
    visitor.follows("Sign in")
    visitor.page.fill("input[name=email]", someone.email)
    visitor.page.fill("input[type=password]", PASSPHRASE)
    visitor.presses("Sign in")


def training_recorded(system: Demo, person_id: str) -> None:
    """The training system says by REST, with client credentials, that someone completed the course."""
    [client] = [machine for machine in PEOPLE["machines"] if "training_system" in machine["roles"]]
    token = requests.post(
        f"{system.issuer}/token",
        data={"grant_type": "client_credentials"},
        auth=(client["id"], client["secret"]),
        timeout=10,
    ).json()["access_token"]
    answer = requests.post(
        f"{system.base_url}/api/v1/people/{person_id}/training",
        json={"course": "attendance-service", "completed_on": "2026-01-12", "expires_on": "2030-12-31"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["roles_changed"]) == (200, 1)


def works_on_cases(system: Demo, authoriser: Visitor, visitor: Visitor, someone: Newcomer) -> None:
    """From the invitation to access that works, the quick way: a case manager whom nobody knew before."""
    invites(authoriser, someone)
    accepts(visitor, mailed_link(system, someone.email))
    gives_role(authoriser, someone, "Case manager")
    training_recorded(system, authoriser.page.url.rpartition("/staff/")[2].partition("?")[0])


def gives_case(lead: Visitor, someone: Newcomer) -> str:
    """A lead gives their first case to someone; the path of the case."""
    lead.goes_to("/cases?state=active")
    path = lead.page.locator("a.records__link").first.get_attribute("href") or ""
    lead.goes_to(f"{path}/assign")
    lead.page.get_by_label(someone.name).check()
    lead.presses("Give them the case")
    assert lead.reads(someone.name)
    return path
