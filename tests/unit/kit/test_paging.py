"""Page tokens go on where a list ended, and nowhere else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgumentError
from kit.paging import PageTokens

TOKENS = PageTokens("secret")
SCOPE = ("tenant", "cases", 1)
POSITION = ["2026-03-04T10:00:00.123456+00:00", "01890a5d-ac96-774b-bcce-b302099a8057"]
TOKEN = TOKENS.encode(POSITION, scope=SCOPE)


@given(st.lists(st.text(max_size=30), max_size=4))
def test_a_token_gives_its_position_back(position: list[str]) -> None:
    assert TOKENS.decode(TOKENS.encode(position, scope=SCOPE), scope=SCOPE) == position


def test_no_token_is_the_first_page() -> None:
    assert TOKENS.decode("", scope=SCOPE) is None


def test_a_token_is_short_and_plain() -> None:
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    assert len(TOKEN) < 200


@pytest.mark.parametrize("scope", [("other", "cases", 1), ("tenant", "events", 1), ("tenant", "cases", 2), ()])
def test_a_token_from_elsewhere_is_refused(scope: tuple[object, ...]) -> None:
    refuse(TOKEN, scope)


@pytest.mark.parametrize(
    "token",
    [TOKEN[:-1], TOKEN + "A", "A" + TOKEN, TOKEN.swapcase(), "x", "%%%", "éé", "=", "AAAA" * 50, TOKEN[:16], "\x00"],
)
def test_a_damaged_token_is_refused(token: str) -> None:
    refuse(token, SCOPE)


def test_another_services_token_is_refused() -> None:
    refuse(PageTokens("another secret").encode(POSITION, scope=SCOPE), SCOPE)


def refuse(token: str, scope: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        TOKENS.decode(token, scope=scope)
    assert [each.field for each in raised.value.violations] == ["page_token"]
