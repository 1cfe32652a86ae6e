"""What journeys about a provider's own cases share."""

from tests.browser.journeys.conftest import Visitor

COLLEGE = "Pōhutukawa Demo College"


def opens_own_case(lead: Visitor, name: str, *, school: str) -> str:
    """A lead looks for a student, finds nobody, and opens a case of their own; its path."""
    page = lead.page
    lead.goes_to("/search")
    page.fill("main input[name=q]", name)
    lead.presses("Find")
    assert lead.reads("Nobody was found")
    lead.follows("Open a case of your own")
    page.get_by_label("Given names").fill(name)
    for part, value in (("Day", "3"), ("Month", "2"), ("Year", "2014")):
        page.get_by_label(part, exact=True).first.fill(value)
    page.locator("#year_level").select_option("5")
    page.locator("#school").fill(school)
    lead.presses("Find the school")
    page.get_by_label("Another agency asked").check()
    page.locator("#concern").fill("The clinic asked whether anyone sees her.")
    page.get_by_label("Decide later").check()
    lead.presses("Open the case")
    assert lead.heading.startswith(name)
    return page.url.removeprefix(lead.base_url).partition("?")[0]
