"""One S3 server: versitygw over a folder. Buckets are folders, objects are files."""

import contextlib
import fcntl
import http.client
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .server import Kind, Launch, ServerError, log

_MODULE = "github.com/versity/versitygw/cmd/versitygw"
_VERSION = "v1.8.0"
_KEYS = {"ROOT_ACCESS_KEY": "ascms-local", "ROOT_SECRET_KEY": "ascms-local-only"}  # Loopback, made-up data.


class S3(Kind):
    """versitygw, built once by `go install` into the cache (about a minute and a half, 84 MB)."""

    name: ClassVar[str] = "s3"
    ports: ClassVar[tuple[str, ...]] = ("port",)

    def is_fetched(self, *, cache: Path) -> bool:
        """Whether the binary of this version is in the cache."""
        return _binary(cache).exists()

    def fetch(self, *, cache: Path) -> None:
        """Build the binary into the cache. Raises `ServerError` when Go is missing or the build fails."""
        if self.is_fetched(cache=cache):
            return
        if shutil.which("go") is None:
            msg = "versitygw is not in the cache and Go is not on the PATH (https://go.dev/doc/install)"
            raise ServerError(msg)
        folder = _binary(cache).parent
        folder.mkdir(parents=True, exist_ok=True)
        with (cache / "s3.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.is_fetched(cache=cache):
                return
            log(f"s3: building versitygw {_VERSION} into {folder} (a minute or two, once)")
            done = subprocess.run(
                ["go", "install", f"{_MODULE}@{_VERSION}"],
                env={**os.environ, "GOBIN": str(folder)},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                msg = f"versitygw could not be built:\n{done.stderr.strip()[-2000:]}"
                raise ServerError(msg)

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:
        """Make the folder of the buckets, and the one for their metadata where extended attributes may be missing."""
        data, sidecar = folder / "data", folder / "sidecar"
        data.mkdir(exist_ok=True)
        sidecar.mkdir(exist_ok=True)
        address = f"127.0.0.1:{ports['port']}"
        return Launch(
            argv=(
                str(_binary(cache)), "--port", address, "--health", "/healthz",
                "posix", "--sidecar", str(sidecar), str(data),
            ),
            environment=_KEYS,
            facts={
                "address": address,
                "url": f"http://{address}",
                "access_key": _KEYS["ROOT_ACCESS_KEY"],
                "secret_key": _KEYS["ROOT_SECRET_KEY"],
                "region": "us-east-1",
            },
        )  # fmt: skip

    def is_healthy(self, *, ports: Mapping[str, int]) -> bool:
        """Whether its health address answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", ports["port"], timeout=1.0)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        return False


def _binary(cache: Path) -> Path:
    return cache / f"versitygw-{_VERSION}" / "versitygw"
