"""Passphrases: long enough and not common; nothing is asked of their letters."""

import pytest

from kit.errors import InvalidArgumentError
from services.identity.strength import require_strong

KNOWN = ["Demo Māia Newcomer", "maia.newcomer@putahi.example"]


@pytest.mark.parametrize(
    "passphrase",
    ["quiet river stones", "tūī river stones", "kia ora e te whānau", "jagged basalt 9", "é" * 3 + " lantern umbrella"],
)
def test_several_words_will_do(passphrase: str) -> None:
    require_strong(passphrase, known=KNOWN)


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [
        ("elevenchars", "too-short"),
        ("x" * 201, "too-long"),
        ("password1234", "common"),
        ("P@ssw0rd1234", "common"),
        ("qwertyuiop12", "common"),
        ("aaaaaaaaaaaa", "common"),
        ("abcdefghijkl", "common"),
        ("123456789012", "common"),
        ("iloveyou1234", "common"),
        ("maia.newcomer@putahi.example", "common"),
        ("Demo Māia Newcomer", "common"),
        ("x" * 200, "common"),
    ],
)
def test_the_first_to_be_tried_are_refused(passphrase: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        require_strong(passphrase, known=KNOWN)
    assert [(each.field, each.reason) for each in refused.value.violations] == [("passphrase", reason)]
    assert passphrase not in refused.value.message
