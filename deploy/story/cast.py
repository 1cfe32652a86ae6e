"""The people of the story: those of `.state/demo.json`, which `make up` writes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can sign in."""

    email: str
    passphrase: str
    organisation: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everyone, and where the system is."""

    base_url: str
    issuer: str
    people: tuple[Person, ...]
    mail_url: str = ""
    """Where the system's mail can be read; empty where that is not known."""

    def all_with(self, role: str, *, at: str = "") -> Iterator[Person]:
        """Everyone with a role, at one organisation where it is named."""
        return (person for person in self.people if role in person.roles and at in {"", person.organisation})

    def one(self, role: str, *, at: str = "", not_at: tuple[str, ...] = ()) -> Person:
        """The first with a role; raises LookupError."""
        for person in self.all_with(role, at=at):
            if person.organisation not in not_at:
                return person
        raise LookupError(f"the demo has nobody who is {role} at {at or 'any organisation'}")


def read_cast(path: Path, *, base_url: str = "") -> Cast:
    """Read the file; `base_url` overrides where it says the system is. Raises OSError, ValueError, KeyError."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Cast(
        base_url=(base_url or found["base_url"]).rstrip("/"),
        issuer=found["issuer"].rstrip("/"),
        people=tuple(
            Person(one["email"], one["passphrase"], one["organisation"], tuple(one["roles"])) for one in found["people"]
        ),
        mail_url=found.get("mail_url", ""),
    )
