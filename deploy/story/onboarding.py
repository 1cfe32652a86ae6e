"""The register: an organisation is suspended, its people are out, and in again; a file changes nothing by being read.

What is proved here is the next exchange: a token made after the suspension opens nothing. That tokens from before end
within the minute is proved with a clock, in identity's own tests.
"""

from deploy.story.api import Answer, Api
from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.signin import Program
from deploy.story.telling import Story

_OK, _FORBIDDEN = 200, 403


def tell_onboarding(story: Story, provider: str) -> None:
    """Suspend a provider that the story does not use otherwise, and let it in again."""
    story.steps.chapter("The register")
    admin = story.api(story.cast.one("ministry_admin"))
    person = story.cast.one("delegated_authoriser", not_at=(provider,))
    found = admin.get("/v1/organisations", search=person.organisation)["organisations"]
    organisation = f"/v1/organisations/{found[0]['organisation_id']}"
    try:
        with story.steps.step(f"the ministry suspends {person.organisation}: the next sign-in there opens nothing"):
            admin.post(f"{organisation}:suspend", {"reason": "SUSPENSION_REASON_REQUESTED"})
            refused = _asks(story, person)
            expect("the refusal", (refused.status, refused.body.get("reason")), (_FORBIDDEN, "organisation-suspended"))
            expect_that("since when", bool(refused.body["metadata"]["suspended_at"]))
    finally:
        resumed = admin.post(f"{organisation}:resume")
    with story.steps.step("the ministry lets them in again, with what they had"):
        expect("the state", resumed["organisation"]["state"], "ORGANISATION_STATE_ACTIVE")
        expect("the answer", _asks(story, person).status, _OK)
    with story.steps.step("the register, downloaded and sent in as it is, would change nothing"):
        content = admin.get("/v1/register")["content"]
        plan = admin.post("/v1/register/plans", {"content": content})
        expect("faults", plan["faults"], [])
        expect("differences", admin.get(f"/v1/register/plans/{plan['plan_id']}")["change_count"], 0)


def _asks(story: Story, person: Person) -> Answer:
    """Who they are, with a token made now: nothing that was kept can answer."""
    token = Program(story.cast.issuer).tokens_of(person).access_token
    return Api(story.cast.base_url, token).ask("GET", "/v1/me")
