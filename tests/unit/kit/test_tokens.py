"""Internal tokens: what a service accepts, and everything it must not."""

import base64
import json
import time
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from kit.errors import UnauthenticatedError
from kit.tokens import LEEWAY_SECONDS, LIFETIME_SECONDS, Verifier, claims_of
from tests.support.tokens import person

LEAD = person(1, "cases:read", "cases:assign", tenant=UUID(int=7))
KEY = ECKey.generate_key("P-256", parameters={"kid": "one"})
OTHER = ECKey.generate_key("P-256", parameters={"kid": "two"})


def keys(*all_keys: ECKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in all_keys]}


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {**claims_of(LEAD), "iat": now, "exp": now + LIFETIME_SECONDS, **changes}


def signed(payload: dict[str, Any], *, key: ECKey = KEY, kid: str = "one") -> str:
    return jwt.encode({"alg": "ES256", "kid": kid}, payload, key, algorithms=["ES256"])


def test_a_token_carries_its_actor() -> None:
    assert Verifier(lambda: keys(KEY)).verify(signed(claims())) == LEAD


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        signed(claims(exp=int(time.time()) - LEEWAY_SECONDS - 1)),
        signed(claims(aud="someone-else")),
        signed(claims(iss="someone-else")),
        signed(claims(tid="not-a-uuid")),
        signed(claims(knd="king")),
        signed({key: value for key, value in claims().items() if key != "exp"}),
        signed({key: value for key, value in claims().items() if key != "prm"}),
        signed(claims(), key=OTHER),
        signed(claims(), key=OTHER, kid="two"),
        jwt.encode({"alg": "HS256", "kid": "one"}, claims(), OctKey.import_key("k" * 32), algorithms=["HS256"]),
    ],
)
def test_anything_but_a_valid_token_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Verifier(lambda: keys(KEY)).verify(token)


def test_a_token_without_a_signature_is_refused() -> None:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    with pytest.raises(UnauthenticatedError):
        Verifier(lambda: keys(KEY)).verify(f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims())}.")


def test_a_known_token_still_ends() -> None:
    moment = [time.time()]
    verifier = Verifier(lambda: keys(KEY), now=lambda: moment[0])
    token = signed(claims())
    verifier.verify(token)
    moment[0] += LIFETIME_SECONDS + LEEWAY_SECONDS + 1
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)


def test_a_new_key_is_fetched_when_it_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    published = [keys(KEY)]
    verifier = Verifier(lambda: published[-1])
    verifier.verify(signed(claims()))
    published.append(keys(KEY, OTHER))
    monkeypatch.setattr("kit.tokens._REFETCH_SECONDS", 0.0)
    assert verifier.verify(signed(claims(), key=OTHER, kid="two")) == LEAD
