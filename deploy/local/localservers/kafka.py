"""One Apache Kafka broker in KRaft mode: broker and controller in one process, plain text, loopback only."""

import contextlib
import fcntl
import hashlib
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .server import Kind, Launch, ServerError, log

_SOURCES = Path(__file__).resolve().parent.parent / "kafka"

_PROPERTIES = """\
# Written by deploy/local/servers at each start.
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
# One node: every replicated internal topic has one copy.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A group that forms at once and may notice a dead member fast: people and tests wait for both.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# Topics are made by name, with their partitions: a misspelt one must fail, not appear.
auto.create.topics.enable=false
"""


class Kafka(Kind):
    """Apache Kafka; its jars come from Maven Central by `deploy/local/kafka/pom.xml` (43 MB, once)."""

    name: ClassVar[str] = "kafka"
    ports: ClassVar[tuple[str, ...]] = ("port", "controller")

    def is_fetched(self, *, cache: Path) -> bool:
        """Whether the jars that the present pom.xml asks for are in the cache."""
        return _jars(cache).is_dir()

    def fetch(self, *, cache: Path) -> None:
        """Copy the jars into the cache with Maven. Raises `ServerError` when Java or Maven is missing or it fails."""
        if shutil.which("java") is None:
            msg = "kafka needs Java 17 or later on the PATH (Debian: apt-get install openjdk-17-jre-headless)"
            raise ServerError(msg)
        if self.is_fetched(cache=cache):
            return
        if shutil.which("mvn") is None:
            msg = "kafka's jars are not in the cache and Maven is not on the PATH (Debian: apt-get install maven)"
            raise ServerError(msg)
        jars = _jars(cache)
        jars.parent.mkdir(parents=True, exist_ok=True)
        with (jars.parent / "kafka.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.is_fetched(cache=cache):
                return
            log(f"kafka: fetching jars into {jars} (43 MB, once)")
            # Into a folder beside it, renamed when complete: an interrupted fetch is never taken for a whole one.
            partial = Path(tempfile.mkdtemp(dir=jars.parent, prefix="partial-"))
            try:
                done = subprocess.run(
                    [
                        "mvn", "-q", "-B", "-f", str(_SOURCES / "pom.xml"), "dependency:copy-dependencies",
                        f"-DoutputDirectory={partial}", "-DincludeScope=runtime",
                    ],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode != 0:
                    msg = f"Maven could not fetch kafka's jars:\n{(done.stdout + done.stderr).strip()[-2000:]}"
                    raise ServerError(msg)
                partial.rename(jars)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:
        """Write `server.properties` and format the data folder, once."""
        data = folder / "data"
        properties = folder / "server.properties"
        properties.write_text(
            _PROPERTIES.format(port=ports["port"], controller=ports["controller"], data=data), encoding="utf-8"
        )
        java = (
            "java", "-Xmx384m", "-Xms128m", "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={_SOURCES / 'log4j2.yaml'}", "-cp", f"{_jars(cache)}/*",
        )  # fmt: skip
        # Formatting writes this file last of all, so it tells a whole folder from a half-made one.
        if not (data / "meta.properties").exists():
            shutil.rmtree(data, ignore_errors=True)
            tool = (*java, "kafka.tools.StorageTool")
            made = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=False)
            identity = made.stdout.strip().splitlines()[-1] if made.returncode == 0 else ""
            formatted = subprocess.run(
                [*tool, "format", "--standalone", "-t", identity, "-c", str(properties)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if formatted.returncode != 0:
                output = made.stderr + formatted.stdout + formatted.stderr
                msg = f"kafka's storage could not be formatted:\n{output[-2000:]}"
                raise ServerError(msg)
        address = f"127.0.0.1:{ports['port']}"
        return Launch(
            argv=(*java, "kafka.Kafka", str(properties)), facts={"address": address, "url": f"kafka://{address}"}
        )

    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        """Whether the broker answers an ApiVersions request, the first one that every client sends."""
        body = struct.pack(">hhih", 18, 0, 7, -1)  # Api key, version, correlation id, no client id.
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", ports["port"]), timeout=1.0) as connection:
                connection.sendall(struct.pack(">i", len(body)) + body)
                answer = connection.recv(10, socket.MSG_WAITALL)
            if len(answer) == 10:  # noqa: PLR2004 - size, correlation id, error code: the head of every answer
                _, correlation, error = struct.unpack(">iih", answer)
                return bool(correlation == 7 and error == 0)  # noqa: PLR2004 - the id we sent
        return False


def _jars(cache: Path) -> Path:
    """The cache folder of exactly this pom.xml, so that a changed version is fetched anew."""
    digest = hashlib.sha256((_SOURCES / "pom.xml").read_bytes()).hexdigest()[:12]
    return cache / f"kafka-{digest}"
