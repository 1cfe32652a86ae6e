"""Another S3 server: MinIO, from its last public source. What is stored has to behave the same on both."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .go import GoServer, store_facts
from .server import Launch

_USER, _PASSWORD = "ascms-local", "ascms-local-only"


class Minio(GoServer):
    """MinIO, one drive, without its console."""

    name: ClassVar[str] = "minio"
    module: ClassVar[str] = "github.com/minio/minio"
    version: ClassVar[str] = "v0.0.0-20260212201848-7aac2a2c5b7c"
    cost: ClassVar[str] = "150 MB, three minutes"
    health_path: ClassVar[str] = "/minio/health/ready"

    def prepare(self, *, cache: Path, folder: Path, ports: Mapping[str, int]) -> Launch:
        """Make the folder of its drive."""
        data = folder / "data"
        data.mkdir(exist_ok=True)
        address = f"127.0.0.1:{ports['port']}"
        return Launch(
            argv=(str(self.binary(cache=cache)), "server", str(data), "--address", address, "--quiet"),
            environment={"MINIO_ROOT_USER": _USER, "MINIO_ROOT_PASSWORD": _PASSWORD, "MINIO_BROWSER": "off"},
            facts=store_facts(address, access_key=_USER, secret_key=_PASSWORD),
        )
