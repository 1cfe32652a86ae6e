"""Someone whose role does not work yet sees what is missing; their authoriser sees it too."""

import pytest

from tests.browser.journeys.conftest import PROVIDER, Demo, Opens, Visitor, signed_in

pytestmark = pytest.mark.chromium


def test_someone_waits_for_access(visitor: Visitor, person: Opens, system: Demo) -> None:
    # Given someone who was given a role and has not done the training
    newcomer = signed_in(visitor, next(one for one in system.people if one["email"].startswith("wiremu")))

    # Then the first page says exactly what is missing, and offers nothing that would not work
    assert newcomer.heading.startswith("Kia ora")
    assert newcomer.reads("Does not work yet")
    assert newcomer.reads("What is missing:")
    assert newcomer.page.get_by_role("link", name="Cases").count() == 0

    # And the authoriser sees them among those for whom something is missing
    authoriser = person("delegated_authoriser", PROVIDER)
    assert authoriser.heading == "Who has access"
    authoriser.follows("something is missing")
    assert authoriser.page.locator(".records__name").first.inner_text() == "Demo Wiremu Pōtae"
