"""A lead checks a figure, opens its cases, explains and submits the return; the ministry accepts, then reopens it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page

from tests.browser.journeys.conftest import MINISTRY, PROVIDER, Opens

pytestmark = pytest.mark.chromium


def ended_quarter() -> str:
    """The quarter that ended last in New Zealand."""
    today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    last_day = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1) - timedelta(days=1)
    return f"{last_day.year}-Q{(last_day.month + 2) // 3}"


def explain_all(page: Page) -> None:
    for box in page.locator("textarea[name^=explanation_]").all():
        box.fill("Recorded late.")


def test_a_lead_files_a_return(person: Opens) -> None:
    # Given a quarter that has ended, whose return is a draft
    quarter = ended_quarter()
    lead, admin = person("workflow_lead", PROVIDER), person("ministry_admin", MINISTRY)
    admin.goes_to(f"/provider-returns/{quarter}")
    for link in admin.page.get_by_role("link", name=f"Reopen {PROVIDER}").all():
        link.click()
        admin.page.get_by_label("Why is it reopened?").fill("The journey is made again.")
        admin.presses("Reopen it")

    # When the lead looks at a figure and opens the cases behind it
    lead.goes_to(f"/figures/{quarter}")
    lead.follows("Home visits")
    assert lead.page.locator(".records__link").count() > 0

    # And has the return checked, explains what was found, and submits it
    lead.goes_to(f"/returns/{quarter}")
    lead.page.get_by_label("Comment on cases").fill("A quiet quarter: he hauwhā mārire.")
    lead.presses("Save and check")
    explain_all(lead.page)
    lead.presses("Save and check")
    assert lead.reads("Checked.")
    lead.follows("Submit the return")
    lead.presses("Yes, submit it")

    # Then it is frozen with its checksum, and downloads
    assert lead.reads("Submitted and frozen.")
    assert lead.reads("he hauwhā mārire")
    assert lead.page.locator("textarea").count() == 0
    with lead.page.expect_download() as pdf:
        lead.page.get_by_role("link", name="PDF").click()
    assert pdf.value.suggested_filename.startswith(f"return-{quarter}-")

    # And the ministry accepts it, then gives it back with a reason
    admin.goes_to(f"/provider-returns/{quarter}")
    admin.follows(f"Accept {PROVIDER}")
    admin.presses("Accept it")
    assert admin.reads("The return is accepted.")
    admin.follows(f"Reopen {PROVIDER}")
    admin.presses("Reopen it")
    assert admin.reads("Say why. The provider reads it.")
    admin.page.get_by_label("Why is it reopened?").fill("One school was left out.")
    admin.presses("Reopen it")

    # And the lead reads why
    lead.goes_to(f"/returns/{quarter}")
    assert lead.reads("One school was left out.")
    assert lead.page.locator("textarea").count() > 0


def test_the_nation_hides_small_numbers(person: Opens) -> None:
    # Given an analyst at the figures of the quarter that has ended
    analyst = person("ministry_analyst", MINISTRY)

    # When they look at the nation's figures and at how returns stand
    analyst.goes_to(f"/national-figures/{ended_quarter()}")

    # Then small numbers are hidden in words, and there is no way to a case
    assert analyst.reads("Hidden does not mean zero.") or analyst.reads("hidden")
    assert analyst.page.locator("main a[href*='/cases']").count() == 0
    analyst.goes_to(f"/provider-returns/{ended_quarter()}")
    assert analyst.page.get_by_role("link", name="Accept").count() == 0
