"""What the OpenID provider needs to know."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from kit.config import Settings
from services.identity.secrets import SHORTEST_SECRET

Addresses = Annotated[tuple[str, ...], NoDecode]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ProviderSettings(Settings):
    """The environment of the provider's own process."""

    database_url: str
    secret: str = Field(min_length=SHORTEST_SECRET)
    """The same as of the gRPC server: both read one set of signing keys."""
    issuer: str
    """Where browsers and clients find this provider, without a slash at its end, "https://sign-in.example.nz"."""
    gateway_client_secret: str = Field(min_length=SHORTEST_SECRET)
    gateway_client_id: str = "gateway"
    gateway_redirect_uris: Addresses
    """Where the gateway takes codes, separated by commas. Compared exactly."""
    gateway_post_logout_uris: Addresses = ()
    """Where a browser may be sent after signing out, separated by commas. Compared exactly."""
    program_client_id: str = "program"
    program_redirect_uris: Addresses = ()
    """Where people's own programs take codes: "http://127.0.0.1/callback", at any port. Empty: there are none."""
    product: str = "Attendance service"
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """How many proxies before this process write X-Forwarded-*; 0 ignores those headers."""
    pool_size: int = 6
    web_address: str = ""
    """Where `python -m services.identity.web` listens, "127.0.0.1:8081"; the issuer's own host and port when empty."""
    web_threads: int = Field(default=4, ge=1, le=64)

    @field_validator("gateway_redirect_uris", "gateway_post_logout_uris", "program_redirect_uris", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("gateway_redirect_uris")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("must name at least one address")
        return value

    @field_validator("issuer", "gateway_redirect_uris", "gateway_post_logout_uris", "program_redirect_uris")
    @classmethod
    def _is_safe(cls, value: Any) -> Any:
        for address in (value,) if isinstance(value, str) else value:
            parts = urlsplit(address)
            is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
            if not parts.hostname or not (parts.scheme == "https" or is_local) or parts.fragment:
                raise ValueError("must be an https:// address (http:// only on this machine), without a fragment")
        if isinstance(value, str) and (value.endswith("/") or urlsplit(value).query):
            raise ValueError("must not end with a slash or have a query")
        return value

    @property
    def bind(self) -> str:
        """Host and port to listen on."""
        parts = urlsplit(self.issuer)
        return self.web_address or f"{parts.hostname}:{parts.port or (443 if self.is_secure else 80)}"

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the provider by https, so that cookies may insist on it."""
        return self.issuer.startswith("https://")

    @property
    def product_url(self) -> str:
        """The product's own address: where its codes go."""
        parts = urlsplit(self.gateway_redirect_uris[0])
        return f"{parts.scheme}://{parts.netloc}/"

    @property
    def form_targets(self) -> tuple[str, ...]:
        """Origins that a form may end at: signing in leads back to the client."""
        origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, self.gateway_redirect_uris)}
        if self.program_redirect_uris:
            origins |= {"http://127.0.0.1:*"}
        return tuple(sorted(origins))
