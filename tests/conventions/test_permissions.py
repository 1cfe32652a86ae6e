"""The page that says who may call what is what the contracts and the roles say."""

from services.identity import permissions
from services.identity.roles import ROLES
from tests.support.services import ROOT, contract_services

PAGE = ROOT / "docs" / "permissions.md"


def test_the_page_is_made_from_the_contracts_and_the_roles() -> None:
    assert PAGE.read_text(encoding="utf-8") == permissions.page(permissions.contracts())


def test_it_has_every_service_and_every_role() -> None:
    assert {service.full_name for service in permissions.contracts()} == {
        each.full_name for each in contract_services()
    }
    assert list(permissions.SHORT) == list(ROLES)
