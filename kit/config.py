"""Settings: the environment is read once, into frozen objects, with every fault named at once."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What every process needs to know. Each field is the environment variable `ASCMS_<NAME>` in capitals."""

    model_config = SettingsConfigDict(env_prefix="ASCMS_", frozen=True, extra="ignore")

    environment: str = "production"
    """"development" switches on reflection and the style guide; anything else is production."""
    log_level: str = "INFO"
    trace_ratio: float = 0.01
    """Share of requests traced when the caller did not decide; 0 to 1."""
    trace_file: str = ""
    """A file to append spans to, one JSON object a line; for development and tests."""

    @property
    def is_development(self) -> bool:
        """Whether this is a developer's machine."""
        return self.environment == "development"


class ServiceSettings(Settings):
    """What every gRPC service needs to know."""

    database_url: str
    broker_url: str
    rpc_address: str
    """Where to listen, "127.0.0.1:8091"."""
    health_address: str
    """Where /health/live, /health/ready and /metrics are."""
    identity_address: str
    """Where identity's gRPC is: keys, and tokens for work outside a request."""
    service_credential: str = ""
    """The credential this service shows identity to get tokens for such work."""
    pool_size: int = 6
    rpc_threads: int = 4
    rpc_share_port: bool = False
    """Several processes on one port; off, so that a second copy started by mistake says so."""


S = TypeVar("S", bound=Settings)


class SettingsError(Exception):
    """The environment does not make valid settings; the message lists every fault."""


def load(settings: type[S]) -> S:
    """Read the environment into `settings`; raise SettingsError naming each wrong or missing variable."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        faults = [f"{prefix}{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        raise SettingsError("\n".join(faults)) from error
