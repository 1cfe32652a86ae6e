"""What servers written in Go have in common: one binary of one version, built once by `go install` into the cache."""

import contextlib
import fcntl
import http.client
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .server import Kind, ServerError, log


class GoServer(Kind):
    """A kind whose binary is built from `module` at `version`, and which answers 200 at `health_path`."""

    ports: ClassVar[tuple[str, ...]] = ("port",)
    module: ClassVar[str]
    version: ClassVar[str]
    cost: ClassVar[str]
    """What building it takes, for people who wait for it."""
    health_path: ClassVar[str]

    @property
    def program(self) -> str:
        """The binary's name, as `go install` calls it."""
        return self.module.rpartition("/")[2]

    def binary(self, *, cache: Path) -> Path:
        """Where exactly this version is kept."""
        return cache / f"{self.program}-{self.version}" / self.program

    def is_fetched(self, *, cache: Path) -> bool:
        """Whether the binary of this version is in the cache."""
        return self.binary(cache=cache).exists()

    def fetch(self, *, cache: Path) -> None:
        """Build the binary into the cache. Raises `ServerError` when Go is missing or the build fails."""
        if self.is_fetched(cache=cache):
            return
        if shutil.which("go") is None:
            msg = f"{self.program} is not in the cache and Go is not on the PATH (https://go.dev/doc/install)"
            raise ServerError(msg)
        folder = self.binary(cache=cache).parent
        folder.mkdir(parents=True, exist_ok=True)
        with (cache / f"{self.name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.is_fetched(cache=cache):
                return
            log(f"{self.name}: building {self.program} {self.version} into {folder} ({self.cost}, once)")
            done = subprocess.run(
                ["go", "install", f"{self.module}@{self.version}"],
                env={**os.environ, "GOBIN": str(folder)},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                msg = f"{self.program} could not be built:\n{done.stderr.strip()[-2000:]}"
                raise ServerError(msg)

    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        """Whether its health address answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", ports["port"], timeout=1.0)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", self.health_path)
            return connection.getresponse().status == http.HTTPStatus.OK
        return False


def store_facts(address: str, *, access_key: str, secret_key: str) -> dict[str, str]:
    """What a client of an S3 server needs to know."""
    return {
        "address": address,
        "url": f"http://{address}",
        "access_key": access_key,
        "secret_key": secret_key,
        "region": "us-east-1",
    }
