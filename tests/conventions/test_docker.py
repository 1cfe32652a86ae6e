"""The container files describe the system that `make up` starts: every process, every setting, nothing else.

No Docker is needed: both files are read as what they are.
"""

import os
import re
from collections.abc import Mapping
from importlib import import_module

import pytest
from pydantic_settings import BaseSettings

from deploy.local.up.processes import SERVICES
from kit.config import Settings
from kit.probe import ready_url
from tests.support.containers import COMPOSE, DOCKERFILE, instructions, made_up_secrets, with_secrets
from tests.support.services import ROOT

OURS = {name: one for name, one in COMPOSE["services"].items() if one.get("image") == "ascms"}
SETTINGS: Mapping[str, str] = {
    **{name: f"services.{name}.app:Settings" for name in SERVICES},
    "gateway": "services.gateway.config:GatewaySettings",
    "identity-web": "services.identity.web.settings:ProviderSettings",
}


def settings_of(name: str) -> type[BaseSettings]:
    """The settings that a process reads."""
    module, _, kind = SETTINGS[name].partition(":")
    found: type[BaseSettings] = getattr(import_module(module), kind)
    return found


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    return made_up_secrets()


def test_every_process_of_the_system_is_there() -> None:
    assert set(OURS) == {*SETTINGS, "migrate", "demo"}
    assert len(SETTINGS) >= 7


@pytest.mark.parametrize("name", SETTINGS)
def test_a_process_is_told_what_it_needs_and_nothing_that_it_does_not_know(
    name: str, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = with_secrets(OURS[name]["environment"], secrets)
    known = {f"ASCMS_{field.upper()}" for field in settings_of(name).model_fields}
    assert set(told) - known == set()
    for key in [key for key in os.environ if key.startswith("ASCMS_")]:
        monkeypatch.delenv(key)
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    assert isinstance(settings_of(name)(), Settings)


@pytest.mark.parametrize("name", SERVICES)
def test_others_find_a_service_where_it_listens(name: str) -> None:
    own = OURS[name]["environment"]["ASCMS_RPC_ADDRESS"].rpartition(":")[2]
    asked = [one["environment"].get(f"ASCMS_{name.upper()}_ADDRESS") for one in OURS.values() if "environment" in one]
    assert {address for address in asked if address} == {f"{name}:{own}"}


def test_every_variable_is_made_up_and_every_made_up_one_is_used(secrets: dict[str, str]) -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")))
    assert used == set(secrets)
    assert len(set(secrets.values())) == len(secrets)


@pytest.mark.parametrize("name", OURS)
def test_a_process_runs_the_image_with_no_more_rights_than_it_needs(name: str) -> None:
    one = OURS[name]
    assert one["cap_drop"] == ["ALL"]
    assert one["read_only"] is True
    assert one["command"][:2] == ["python", "-m"]
    module = ROOT / one["command"][2].replace(".", "/")
    assert (module / "__main__.py").exists() or module.with_suffix(".py").exists()


def test_what_a_process_waits_for_is_there_and_can_say_that_it_is_ready() -> None:
    for name, one in COMPOSE["services"].items():
        for other, how in one.get("depends_on", {}).items():
            awaited = COMPOSE["services"][other]
            says = {
                "service_healthy": "healthcheck" in awaited or awaited.get("image") == "ascms",
                "service_completed_successfully": awaited.get("restart") == "no",
                "service_started": True,
            }
            assert says[how["condition"]], (name, other)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_health_check_asks_where_the_process_tells(name: str) -> None:
    environment = OURS[name]["environment"]
    port = int(ready_url(environment).split(":")[2].partition("/")[0])
    told = [environment.get(key, "") for key in ("ASCMS_HEALTH_ADDRESS", "ASCMS_WEB_ADDRESS", "ASCMS_PORT")]
    assert str(port) in {address.rpartition(":")[2] for address in told}
    assert f" {port}" in DOCKERFILE.partition("EXPOSE")[2].partition("\n")[0]


def test_volumes_that_are_used_are_declared_and_the_other_way_round() -> None:
    used = {
        volume.partition(":")[0]
        for one in COMPOSE["services"].values()
        for volume in one.get("volumes", [])
        if not volume.startswith((".", "/"))
    }
    assert used == set(COMPOSE["volumes"])


def test_the_image_is_made_in_stages_by_hash_and_runs_as_nobody() -> None:
    words = [word for word, _ in instructions()]
    assert words.count("FROM") == 2
    (install,) = [rest for word, rest in instructions() if word == "RUN" and "pip" in rest]
    assert "--require-hashes" in install
    last = words[len(words) - words[::-1].index("FROM") :]
    assert [rest for word, rest in instructions() if word == "USER"] == ["10001:10001"]
    assert "USER" in last
    assert "HEALTHCHECK" in last
    assert not {"ADD", "ENTRYPOINT", "VOLUME"} & set(words)


def test_what_is_copied_is_there_and_not_kept_from_the_build() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line[:1] == "!"
    }
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
