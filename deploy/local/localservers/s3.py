"""One S3 server: versitygw over a folder. Buckets are folders, objects are files."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .go import GoServer, store_facts
from .server import Launch

_KEYS = {"ROOT_ACCESS_KEY": "ascms-local", "ROOT_SECRET_KEY": "ascms-local-only"}  # Loopback, made-up data.


class S3(GoServer):
    """versitygw."""

    name: ClassVar[str] = "s3"
    module: ClassVar[str] = "github.com/versity/versitygw/cmd/versitygw"
    version: ClassVar[str] = "v1.8.0"
    cost: ClassVar[str] = "84 MB, a minute or two"
    health_path: ClassVar[str] = "/healthz"

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:
        """Make the folder of the buckets, and the one for their metadata where extended attributes may be missing."""
        data, sidecar = folder / "data", folder / "sidecar"
        data.mkdir(exist_ok=True)
        sidecar.mkdir(exist_ok=True)
        address = f"127.0.0.1:{ports['port']}"
        return Launch(
            argv=(
                str(self.binary(cache=cache)), "--port", address, "--health", self.health_path,
                "posix", "--sidecar", str(sidecar), str(data),
            ),
            environment=_KEYS,
            facts=store_facts(address, access_key=_KEYS["ROOT_ACCESS_KEY"], secret_key=_KEYS["ROOT_SECRET_KEY"]),
        )  # fmt: skip
