"""OAuth clients as Authlib asks for them: the gateway, from settings, each organisation's machines, and programs.

A program that people run themselves (a script against the REST API) can keep no secret. It is one public client, which
exists only where settings give it an address: PKCE proves that who redeems a code also asked for it (RFC 8252).
"""

import hmac
import re
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

from services.identity import commands
from services.identity.commands import Deps
from services.identity.secrets import digest
from services.identity.store.machines import Machine
from services.identity.web.settings import ProviderSettings

SCOPES = ("openid", "profile", "email")
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
NO_SECRET = "none"  # noqa: S105 - the name of a method, no secret
TOKEN_METHODS = (*SECRET_METHODS, NO_SECRET)
_LOOPBACK = re.compile(r"(http://127\.0\.0\.1):[0-9]{1,5}(?=/)")


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib publishes no types
    """A client. One that is neither public nor has a secret digest is nobody: it never authenticates."""

    client_id: str
    secret_digest: bytes | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    machine: Machine | None = None
    is_public: bool = False

    def get_client_id(self) -> str:
        """Its id."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: an address must always be named."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """Those of the scopes asked for that there are."""
        if self.machine is not None or not scope:
            return ""
        return " ".join(word for word in SCOPES if word in scope.split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether an address is one of its own, letter by letter; a program listens at whichever port is free."""
        wanted = _LOOPBACK.sub(r"\1", redirect_uri, count=1) if self.is_public else redirect_uri
        return wanted in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether a secret is its own, compared in constant time."""
        given = digest(client_secret)
        return hmac.compare_digest(given, self.secret_digest or digest("")) and self.secret_digest is not None

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Its secret, in the header or in the form; nothing for a public client, which has none."""
        return method == NO_SECRET if self.is_public else method in SECRET_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use a grant."""
        return grant_type in self.grant_types


@dataclass(frozen=True)
class Clients:
    """Finds clients by id."""

    deps: Deps
    settings: ProviderSettings

    @property
    def gateway(self) -> Client:
        """The gateway's client."""
        return Client(
            client_id=self.settings.gateway_client_id,
            secret_digest=digest(self.settings.gateway_client_secret),
            redirect_uris=self.settings.gateway_redirect_uris,
            post_logout_uris=self.settings.gateway_post_logout_uris,
            grant_types=("authorization_code", "refresh_token"),
        )

    @property
    def program(self) -> Client:
        """The public client of programs that people run themselves."""
        return Client(
            client_id=self.settings.program_client_id,
            redirect_uris=self.settings.program_redirect_uris,
            grant_types=("authorization_code", "refresh_token"),
            is_public=True,
        )

    def find(self, client_id: str) -> Client:
        """A client; for an unknown id one that is refused everywhere in the same words as a wrong secret."""
        if client_id == self.settings.gateway_client_id:
            return self.gateway
        if self.settings.program_redirect_uris and client_id == self.settings.program_client_id:
            return self.program
        machine = commands.find_machine(self.deps, client_id)
        if machine is None:
            return Client(client_id)
        return Client(
            client_id=client_id,
            secret_digest=machine.secret_digest,
            grant_types=("client_credentials",),
            machine=machine,
        )
