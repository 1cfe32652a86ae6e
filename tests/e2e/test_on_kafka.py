"""The story and kills once more, on a system whose events go through Apache Kafka."""

import pytest

from tests.support.system import running_system


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_the_story_and_kills_on_kafka(kafka_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_system(tmp_path_factory.mktemp("kafka"), broker_url=kafka_url) as on_kafka:
        told = on_kafka.script("deploy.story", seconds=120)
        assert told.returncode == 0, told.stdout + told.stderr
        looped = on_kafka.script("deploy.story.kill_loop", "--kills", "7")
        assert looped.returncode == 0, looped.stdout + looped.stderr
