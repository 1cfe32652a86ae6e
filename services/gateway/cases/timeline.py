"""What happened in a case, as its page shows it: entries by day, corrections beside what they correct."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ascms.cases.v1 import cases_pb2
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kit.clock import local_date
from kit.web.dates import DayGroup, say_date, say_minutes
from kit.web.i18n import current_language
from kit.web.pages import Link
from services.gateway.cases.names import Names
from services.gateway.wording import channel_name, kind_name, moment_of, outcome_name, today

SLUGS = {
    kind: cases_pb2.EventKind.Name(kind).removeprefix("EVENT_KIND_").lower().replace("_", "-")
    for kind in cases_pb2.EventKind.values()
    # A note and a letter are not recorded as events.
    if kind not in (cases_pb2.EVENT_KIND_UNSPECIFIED, cases_pb2.EVENT_KIND_NOTE, cases_pb2.EVENT_KIND_LETTER)
}
KINDS_BY_SLUG = {slug: kind for kind, slug in SLUGS.items()}
ICONS = {
    cases_pb2.EVENT_KIND_HOME_VISIT: "home",
    cases_pb2.EVENT_KIND_CONTACT_ATTEMPT: "phone",
    cases_pb2.EVENT_KIND_HUI: "people",
    cases_pb2.EVENT_KIND_SCHOOL_MEETING: "building",
    cases_pb2.EVENT_KIND_SUPPORT: "plus",
    cases_pb2.EVENT_KIND_ACTION: "check",
    cases_pb2.EVENT_KIND_REFERRAL: "share",
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW: "clock",
    cases_pb2.EVENT_KIND_NOTE: "note",
    cases_pb2.EVENT_KIND_LETTER: "letter",
}
FILTERS = {
    "visits": (cases_pb2.EVENT_KIND_HOME_VISIT, _l("Visits")),
    "contacts": (cases_pb2.EVENT_KIND_CONTACT_ATTEMPT, _l("Contact attempts")),
    "hui": (cases_pb2.EVENT_KIND_HUI, _l("Hui")),
    "support": (cases_pb2.EVENT_KIND_SUPPORT, _l("Support")),
    "notes": (cases_pb2.EVENT_KIND_NOTE, _l("Notes")),
}


def filter_links(case_id: str, shown: str) -> list[Link]:
    """The views of the timeline, each an address of its own."""
    everything = Link(str(_("Everything")), _address(case_id), is_current=shown not in FILTERS)
    return [
        everything,
        *(
            Link(str(words), _address(case_id, show=name), is_current=shown == name)
            for name, (_kind, words) in FILTERS.items()
        ),
    ]


def _address(case_id: str, show: str | None = None) -> str:
    return url_for("cases.show", case_id=case_id, show=show, _anchor="happened")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a timeline: with which names, and what they just saved."""

    names: Names
    just_recorded: str = ""


def present_timeline(entries: Sequence[cases_pb2.TimelineEntry], reader: Reader) -> list[DayGroup[dict[str, object]]]:
    """Entries, newest first, grouped by the day on which each happened."""
    return [
        DayGroup(day=date.fromisoformat(day), entries=tuple(_present_entry(entry, reader) for entry in group))
        for day, group in groupby(entries, key=lambda entry: entry.happened_on)
    ]


def entry_facts(entry: cases_pb2.TimelineEntry | cases_pb2.Correction) -> list[str]:
    """What came of it and how long it took, as far as either was said."""
    minutes = say_minutes(entry.minutes, language=current_language()) if entry.minutes else ""
    tried = (channel_name(entry.channel), entry.target)
    return [fact for fact in (*tried, outcome_name(entry.outcome), minutes) if fact]


def _present_entry(entry: cases_pb2.TimelineEntry, reader: Reader) -> dict[str, object]:
    recorded = moment_of(entry.recorded_at)
    is_same_day = recorded is not None and local_date(recorded).isoformat() == entry.happened_on
    is_letter = entry.kind == cases_pb2.EVENT_KIND_LETTER
    holding = entry.corrections[-1] if entry.corrections else entry
    return {
        "id": entry.entry_id,
        "icon": ICONS.get(entry.kind, "dot"),
        "title": kind_name(entry.kind),
        # An entry of a letter has the letter's id, and is not corrected: the letter says what it was.
        "href": url_for("letters.show", letter_id=entry.entry_id) if is_letter else "",
        "is_letter": is_letter,
        "facts": entry_facts(entry),
        "text": _text(entry),
        "who": reader.names.person(entry.recorded_by),
        "moment": recorded if is_same_day else None,
        "recorded_later": None if is_same_day else recorded,
        "is_shared": holding.visibility == cases_pb2.VISIBILITY_SCHOOL,
        "is_new": entry.entry_id == reader.just_recorded,
        "corrections": [_present_correction(entry, each, reader) for each in entry.corrections],
    }


def _text(entry: cases_pb2.TimelineEntry | cases_pb2.Correction) -> str:
    there = str(_("There: %(people)s", people=entry.attendees)) if entry.attendees else ""
    return "\n".join(part for part in (there, entry.note) if part)


def _present_correction(
    entry: cases_pb2.TimelineEntry, correction: cases_pb2.Correction, reader: Reader
) -> dict[str, object]:
    """What an entry should have said: its day only where that is another one."""
    day = date.fromisoformat(correction.happened_on)
    is_other_day = correction.happened_on != entry.happened_on
    moved = [say_date(day, today=today(), language=current_language())] if is_other_day else []
    return {
        "reason": correction.reason,
        "facts": [*moved, *entry_facts(correction)],
        "text": _text(correction),
        "who": reader.names.person(correction.corrected_by),
        "moment": moment_of(correction.corrected_at),
    }


def present_recorded(entries: Sequence[cases_pb2.TimelineEntry], entry_id: str) -> dict[str, object] | None:
    """The entry that was just saved, for the line that confirms it."""
    found = next((entry for entry in entries if entry.entry_id == entry_id), None)
    return {"title": kind_name(found.kind), "facts": entry_facts(found)} if found else None


def people_of(entries: Sequence[cases_pb2.TimelineEntry]) -> set[str]:
    """Everyone whose name a timeline shows."""
    recorded = {entry.recorded_by for entry in entries}
    return recorded | {each.corrected_by for entry in entries for each in entry.corrections}
