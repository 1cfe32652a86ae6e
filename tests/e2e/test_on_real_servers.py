"""The story and kills once more, on real servers as `make up-real` starts them."""

import json
from pathlib import Path

import pytest

from deploy.local.up.real import KINDS
from tests.support.system import System, members_of
from tests.support.world import world_of
from tests.support.written import found_in_topics


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_the_story_and_kills_on_kafka_s3_and_postgresql(real_system: System) -> None:
    told = real_system.script("deploy.story", seconds=120)
    assert told.returncode == 0, told.stdout + told.stderr
    with world_of(real_system) as world:
        assert found_in_topics(real_system, world.canaries) == []
        assert found_in_topics(real_system, [world.ids["case_id"]]) != [], "Kafka's records are what is searched"
    looped = real_system.script("deploy.story.kill_loop", "--kills", "7")
    assert looped.returncode == 0, looped.stdout + looped.stderr
    # On Kafka there is a moment at which nothing is on its way, too.
    addresses = str(real_system.state / "addresses.json")
    saved = real_system.script("kit.cli", "backup", str(real_system.state / "saved"), "--addresses", addresses)
    assert saved.returncode == 0, saved.stderr
    sessions = [*real_system.processes().values(), *_servers(real_system.state)]
    assert real_system.end() == 0
    assert members_of(sessions) == []


def _servers(state: Path) -> list[int]:
    """The processes of the servers that were started for a system, each the leader of its session."""
    found = [json.loads((state / "servers" / kind / "process.json").read_text())["pid"] for kind in KINDS]
    assert set(members_of(found)) >= set(found)
    return found
