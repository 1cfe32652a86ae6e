"""Names of people and organisations on a page, by id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _

from services.gateway.backends import names_of
from services.gateway.organisations.pages import organisation_names


@dataclass(frozen=True, slots=True)
class Names:
    """What a page calls people and organisations by."""

    people: Mapping[str, str] = field(default_factory=dict)
    organisations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[str], organisations: Iterable[str] = ()) -> "Names":
        """Names for these ids; an empty id is nobody's."""
        return cls(names_of(set(people) - {""}), organisation_names(set(organisations) - {""}))

    def person(self, person_id: str) -> str:
        """A colleague's name; words for whom the organisation does not know any more; "" for nobody."""
        if not person_id:
            return ""
        return self.people.get(person_id) or str(_("someone who has left"))

    def organisation(self, organisation_id: str) -> str:
        """An organisation's name; empty for one that is not known."""
        return self.organisations.get(organisation_id, "")
