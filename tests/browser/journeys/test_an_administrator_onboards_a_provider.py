"""A ministry administrator adds a provider and a school, gives them a catchment, and suspends the provider."""

from uuid import uuid4

import pytest

from tests.browser.journeys.conftest import MINISTRY, Opens

pytestmark = pytest.mark.chromium


def test_an_administrator_onboards_a_provider(person: Opens) -> None:
    # Given an administrator of the ministry
    tag = uuid4().hex[:8]
    admin = person("ministry_admin", MINISTRY)

    # When they add a provider
    admin.goes_to("/organisations")
    admin.follows("Add an organisation")
    admin.page.get_by_label("A provider").check()
    admin.page.get_by_label("Name").fill(f"Ngā Hoa {tag} (demo)")
    admin.page.get_by_label("Region").select_option("08")
    admin.presses("Add the organisation")
    assert admin.reads("invite its first person")

    # And a catchment with it
    admin.goes_to("/catchments")
    admin.follows("Add a catchment")
    admin.page.get_by_label("Name").fill(f"Takiwā {tag}")
    admin.page.get_by_label("Code").fill(f"demo-{tag}")
    admin.page.get_by_label("Provider").select_option(label=f"Ngā Hoa {tag} (demo)")
    admin.page.get_by_label("First day").fill("2026-01-01")
    admin.presses("Add the catchment")
    assert admin.heading == f"Takiwā {tag}"

    # Then the list finds it without its macrons
    admin.goes_to(f"/organisations?search=nga hoa {tag}")
    admin.follows(f"Ngā Hoa {tag}")
    assert admin.reads(f"Takiwā {tag}")

    # And suspended, it says so and can be let in again
    admin.follows("Suspend")
    admin.page.get_by_label("It asked for this").check()
    admin.presses("Suspend")
    assert admin.reads("Nobody of this organisation can work")
    admin.follows("Let them in again")
    admin.presses("Let them in again")
    assert admin.reads("Everyone is in again.")
