"""What a browser keeps for us: the session's cookie, and the mark of a device that signed in before."""

from dataclasses import dataclass

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.identity import commands
from services.identity.commands import Deps
from services.identity.domain import SESSION_LASTS, email_key
from services.identity.web.grants import User

_DEVICE_SECONDS = 180 * 24 * 3600


@dataclass(frozen=True)
class Browser:
    """Reads and writes the two cookies. Host-only, HttpOnly, SameSite=Lax, and Secure wherever there is https."""

    deps: Deps
    is_secure: bool

    @property
    def _session_cookie(self) -> str:
        # The prefix makes browsers refuse it from anywhere but this very host over https.
        return "__Host-identity_session" if self.is_secure else "identity_session"

    @property
    def _device_cookie(self) -> str:
        return "__Host-identity_device" if self.is_secure else "identity_device"

    @property
    def cookie(self) -> str:
        """The session cookie that came with this request; empty without one."""
        return request.cookies.get(self._session_cookie, "")[:200]

    def user(self) -> User | None:
        """Who is signed in with this browser."""
        found = commands.find_session(self.deps, self.cookie) if self.cookie else None
        return User(*found) if found is not None else None

    def device(self, email: str) -> str:
        """The mark of this device, if this very address signed in with it before; else empty."""
        try:
            marked = self._serializer().loads(request.cookies.get(self._device_cookie, ""), max_age=_DEVICE_SECONDS)
        except BadSignature:
            return ""
        return str(marked["device"]) if marked.get("address") == self._address(email) else ""

    def remember(self, response: Response, *, cookie: str, email: str) -> None:
        """Keep a new session, and that this device knows the passphrase of this address."""
        self._set(response, self._session_cookie, cookie, seconds=int(SESSION_LASTS.total_seconds()))
        marked = {"address": self._address(email), "device": self.deps.new_secret()}
        self._set(response, self._device_cookie, self._serializer().dumps(marked), seconds=_DEVICE_SECONDS)

    def forget(self, response: Response) -> None:
        """Forget the session. The device stays known."""
        response.delete_cookie(self._session_cookie, path="/", secure=self.is_secure, httponly=True, samesite="Lax")

    def _address(self, email: str) -> str:
        return self.deps.secret.tag("devices", email_key(email)).hex()

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.deps.secret.key("device cookies"))

    def _set(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.is_secure, httponly=True, samesite="Lax"
        )
