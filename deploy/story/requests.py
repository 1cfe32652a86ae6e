"""A request back and forth: a draft, found without macrons, asked about, replied to, declined with a reason."""

from uuid import uuid4

from deploy.story.cast import Person
from deploy.story.report import expect, expect_that
from deploy.story.telling import Story


def tell_requests(story: Story, school: Person, lead: Person) -> None:
    """A draft becomes a request, goes back with a question, and is declined. Each telling has a student of its own."""
    name = f"Tāwhiri {uuid4().hex[:10]}"
    at_school, at_provider = story.api(school), story.api(lead)
    student = {"given_names": name, "date_of_birth": "2013-03-04", "year_level": 8}
    with story.steps.step("a request is put aside unfinished, and finished later"):
        draft = at_school.post("/v1/request-drafts", {"content": {"student": student}})["draft"]
        found = at_school.get(f"/v1/request-drafts/{draft['draft_id']}")
        expect_that("the draft says what is missing", bool(found["faults"]), saw=found["faults"])
        content = {
            "student": student,
            "attendance": {"term": "2026-T2", "present_half_days": 40, "total_half_days": 96},
            "concern": "Away most mornings.",
        }
        at_school.post("/v1/request-drafts", {"draft_id": draft["draft_id"], "content": content})
        sent = at_school.post(f"/v1/request-drafts/{draft['draft_id']}:submit", {})["request"]
        expect("its band", sent["attendance"]["band"], "chronic")
        expect("the stepped response", sent["assessment"]["stepped_response_days"], 15)
    with story.steps.step("the lead finds the student without macrons, by the page"):
        browser = story.browser(lead)
        page = browser.send(browser.get("/search").form("q", "csrf_token"), {"q": name.replace("ā", "a")})
        expect_that("the request is found", sent["request_id"] in page.html, saw=page.title)
    with story.steps.step("asks the school something, which replies"):
        path = f"/v1/incoming-requests/{sent['request_id']}"
        at_provider.post(f"{path}:return", {"question": "Does the bus still come?"})
        again = at_school.post(f"/v1/requests/{sent['request_id']}:resubmit", {"reply": "Yes, at 7.40."})["request"]
        expect("the request", again["state"], "REQUEST_STATE_SUBMITTED")
    with story.steps.step("and declines it with a reason that the school reads, by the page"):
        at_provider.post(f"{path}:decline", {"reason": "try_more_first", "words": "Try a hui first."})
        page = story.browser(school).get(f"/requests/{sent['request_id']}")
        expect_that("the school reads why", "Try a hui first." in page.text, saw=page.title)
