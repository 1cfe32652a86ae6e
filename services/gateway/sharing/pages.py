"""What the pages of shared cases show, for the student's school."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import contacts_pb2
from flask import url_for
from flask_babel import gettext as _

from kit.clock import local_date
from kit.web.dates import DayGroup
from services.gateway.cases.timeline import ICONS
from services.gateway.wording import day_of, kind_name, moment_of, outcome_name, year_name

STATES = {
    cases_pb2.SHARED_STATE_WORKING: "working",
    cases_pb2.SHARED_STATE_PAUSED: "paused",
    cases_pb2.SHARED_STATE_ENDED: "ended",
}
STATES_BY_FILTER = {name: state for state, name in STATES.items()}

Contacts = Mapping[str, contacts_pb2.ProviderContact]


@dataclass(frozen=True, slots=True)
class SharedCase:
    """A case in a list or on its page. `contact` is empty while nobody works on it.

    `is_mine`: the reader gets its notices.
    """

    href: str
    number: str
    name: str
    year: str
    level: int
    state: str
    provider: str
    contact: str
    email: str
    is_mine: bool
    opened: date | None
    wakes_on: date | None
    ended: date | None
    last_shared: datetime | None

    @property
    def last_shared_on(self) -> date | None:
        """The day on which something was last shared."""
        return local_date(self.last_shared) if self.last_shared else None


def present_case(
    case: cases_pb2.SharedCase, *, contacts: Contacts, providers: Mapping[str, str], reader: str
) -> SharedCase:
    """One case."""
    contact = contacts.get(case.case_manager_id)
    opened, ended = moment_of(case.opened_at), moment_of(case.closed_at)
    return SharedCase(
        href=url_for("sharing.show", case_id=case.case_id),
        number=case.number,
        name=case.student_name,
        year=year_name(case.year_level),
        level=case.year_level,
        state=STATES.get(case.state, ""),
        provider=providers.get(case.provider_id, ""),
        contact=contact.name if contact else "",
        email=contact.email if contact else "",
        is_mine=case.primary_contact_id == reader,
        opened=local_date(opened) if opened else None,
        wakes_on=day_of(case.wakes_on),
        ended=local_date(ended) if ended else None,
        last_shared=moment_of(case.last_shared_at),
    )


def present_entries(
    entries: Sequence[cases_pb2.SharedEntry], *, contacts: Contacts
) -> list[DayGroup[dict[str, object]]]:
    """What was shared, newest first, grouped by the day on which each happened."""
    return [
        DayGroup(day=date.fromisoformat(day), entries=tuple(_present_entry(entry, contacts) for entry in group))
        for day, group in groupby(entries, key=lambda entry: entry.happened_on)
    ]


def _present_entry(entry: cases_pb2.SharedEntry, contacts: Contacts) -> dict[str, object]:
    who = contacts.get(entry.recorded_by)
    outcome = outcome_name(entry.outcome)
    return {
        "icon": ICONS.get(entry.kind, "note"),
        "title": kind_name(entry.kind) if entry.kind != cases_pb2.EVENT_KIND_NOTE else str(_("Note")),
        "facts": [outcome] if outcome else [],
        "text": entry.note,
        "who": who.name if who else str(_("the provider")),
        "corrected": moment_of(entry.corrected_at),
    }
