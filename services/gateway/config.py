"""What the gateway is told by its environment."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from kit.config import Settings

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _origin(value: str) -> str:
    """An address that people type: scheme and host, perhaps a port, nothing behind it."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http(s) address, such as https://cases.example.nz")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError("must be scheme and host alone, such as https://cases.example.nz")
    return _secure(f"{parts.scheme}://{parts.netloc.lower()}")


def _secure(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be https: only a developer's own machine is reached by http")
    return value.rstrip("/")


class GatewaySettings(Settings):
    """Each field is the environment variable `ASCMS_<NAME>` in capitals."""

    host: str = "127.0.0.1"
    """Where to listen; 0.0.0.0 in a container."""
    port: int = 8080
    workers: int = Field(default=2, ge=1)
    threads: int = Field(default=8, ge=1)
    """Threads of each worker: how many people it answers at once."""
    public_url: Annotated[str, AfterValidator(_origin)]
    """The address people use. Requests for another host are refused."""
    issuer: Annotated[str, AfterValidator(_secure)]
    """The OpenID provider: `<issuer>/.well-known/openid-configuration` must answer."""
    gateway_client_id: str = "gateway"
    gateway_client_secret: SecretStr
    secret: Annotated[SecretStr, Field(min_length=32)]
    """Seals the cookies. Several, separated by commas, while one replaces another: the first seals, all open."""
    token_seconds: float = Field(default=50, gt=0, le=50)
    """How long a caller's internal token is kept: so much later at most an end of access works here."""
    identity_address: str
    cases_address: str
    documents_address: str
    reporting_address: str
    notifications_address: str

    @property
    def is_secure(self) -> bool:
        """Whether people reach us by https."""
        return self.public_url.startswith("https:")

    def is_own_alias(self, host: str) -> bool:
        """Whether a Host header is another name of the very address, on a developer's own machine."""
        own, other = urlsplit(self.public_url), urlsplit(f"//{host}")
        try:
            return own.hostname in _LOOPBACK and other.hostname in _LOOPBACK and own.port == other.port
        except ValueError:  # a port that is no number
            return False

    @property
    def public_host(self) -> str:
        """Host, and port where it is not the scheme's own, as a browser's Host header says it."""
        parts = urlsplit(self.public_url)
        return parts.netloc.removesuffix(":443" if self.is_secure else ":80")
