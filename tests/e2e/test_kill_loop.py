"""Each service is killed once while people write; and the loop would notice if something were doubled."""

import pytest

from tests.support.system import System


@pytest.mark.timeout(420)
def test_nothing_is_lost_or_doubled_when_every_service_is_killed(system: System) -> None:
    done = system.script("deploy.story.kill_loop", "--kills", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing lost, nothing doubled" in done.stdout


@pytest.mark.timeout(420)
def test_the_loop_finds_out_when_keys_are_ignored(system: System) -> None:
    done = system.script("deploy.story.kill_loop", "--kills", "2", "--ignore-keys")
    assert done.returncode == 1, done.stdout
    assert "nobody was told of" in done.stderr or "doubled" in done.stderr
