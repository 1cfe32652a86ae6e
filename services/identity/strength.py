"""What a passphrase must hold to: long enough, and not one of those that are tried first. No rules of composition."""

from collections.abc import Sequence

from kit.errors import InvalidArgumentError, Violation

SHORTEST_PASSPHRASE = 12
LONGEST_PASSPHRASE = 200
_MOST_LOOKED_AT = 72
"""What takes the estimate longer adds nothing to it."""
_LEAST_GUESSES_LOG10 = 8.0
"""Tries that whoever stole the hashes would need, as a power of ten; each costs them an Argon2id."""


def require_strong(passphrase: str, *, known: Sequence[str]) -> None:
    """Refuse a passphrase that is too short or among the first that anyone would try.

    The estimate is zxcvbn's: lists of common passwords, words and names, keyboard walks, repeats, dates. `known` is
    what is known of the person (name, address), which counts as guessed at once.

    Raises:
        InvalidArgumentError: "too-short", "too-long" or "common" for the field `passphrase`.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise _refused("too-short", f"must have {SHORTEST_PASSPHRASE} characters or more")
    if len(passphrase) > LONGEST_PASSPHRASE:
        raise _refused("too-long", f"may have at most {LONGEST_PASSPHRASE} characters")
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take 8 MB that only this needs

    words = [word for text in known for word in (text, *text.replace("@", " ").replace(".", " ").split())]
    if zxcvbn(passphrase[:_MOST_LOOKED_AT], user_inputs=words)["guesses_log10"] < _LEAST_GUESSES_LOG10:
        raise _refused("common", "is too easy to guess")


def _refused(reason: str, words: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(Violation("passphrase", reason, words))
