"""The gateway on a made-up world, for looking at its pages: `python -m tests.support.stub_gateway [port]`.

`/as/<key>` signs in as one of the world's people ("lead", "manager", "attendance", …); `/as/nobody` signs out.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from flask import Flask, Response, redirect
from pydantic import SecretStr
from werkzeug.serving import make_server

from kit.clock import Clock, SystemClock
from services.gateway.app import create_app
from services.gateway.backends import STUBS, Backends
from services.gateway.config import GatewaySettings
from services.gateway.sessions import Cookies, Seal, SignIn, cookie_name, secrets_of
from tests.support.stub_services import serving
from tests.support.stub_world import World, furnish

DEFAULT_PORT = 18200


def settings_for(addresses: dict[str, str], *, public_url: str) -> GatewaySettings:
    """Settings of a gateway in development."""
    values: dict[str, Any] = {f"{name}_address": addresses.get(name, "127.0.0.1:1") for name in STUBS}
    return GatewaySettings(
        environment="development",
        public_url=public_url,
        issuer="http://127.0.0.1:1",
        gateway_client_secret=SecretStr("s" * 32),
        secret=SecretStr("t" * 40),
        **values,
    )


def sign_in_cookie(settings: GatewaySettings, key: str) -> str:
    """The value of the cookie "sign-in" for one of the world's people."""
    now = int(time.time())
    kept = SignIn(f"as-{key}", "refresh", now + 12 * 3600, f"session-{key}", now)
    app = Flask("cookie")
    with app.test_request_context():
        cookies = Cookies(Seal(secrets_of(settings), purpose="sign-in cookie"), is_secure=False)
        cookies.keep_sign_in(kept)
        written = cookies.write(Response())
    return written.headers["Set-Cookie"].partition(";")[0].partition("=")[2]


@contextmanager
def running(world: World, *, port: int = 0, clock: Clock | None = None) -> Iterator[str]:
    """Serve the gateway on a world; yields its address."""
    with serving(world) as addresses:
        holder = make_server("127.0.0.1", port, Flask("placeholder"), threaded=True)
        url = f"http://127.0.0.1:{holder.port}"
        settings = settings_for(dict(addresses), public_url=url)
        backends = Backends(dict(addresses))
        app = create_app(settings, backends=backends, clock=clock or world.clock)

        @app.get("/as/<key>")
        def sign_in_as(key: str) -> Response:
            response = redirect("/", 303)
            if key in world.people:
                response.set_cookie(
                    cookie_name("sign-in", is_secure=False),
                    sign_in_cookie(settings, key),
                    httponly=True,
                    samesite="Lax",
                )
            else:
                response.delete_cookie(cookie_name("sign-in", is_secure=False))
            response.delete_cookie(cookie_name("organisation", is_secure=False))
            return response  # type: ignore[return-value]

        holder.app = app
        thread = Thread(target=holder.serve_forever, daemon=True)
        thread.start()
        try:
            yield url
        finally:
            holder.shutdown()
            backends.close()


def main() -> None:
    """Serve until told to stop."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT
    with running(furnish(SystemClock()), port=port) as url:
        sys.stdout.write(f"{url}/as/lead\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
