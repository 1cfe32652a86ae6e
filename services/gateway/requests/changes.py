"""What a school changed in a request when it replied to a question: before and now, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _

from services.gateway.cases.reference import words_of
from services.gateway.people import present_attendance
from services.gateway.requests.asking import CONTACT_WAYS
from services.gateway.wording import moment_of

Said = cases_pb2.RequestAmendment | cases_pb2.RequestForSupport


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was changed; `before` and `now` have several lines where there are several things."""

    what: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed with one reply."""

    at: datetime | None
    rows: Sequence[Row]


def present_changes(request: cases_pb2.RequestForSupport) -> list[Change]:
    """What was changed in a request, the first change first."""
    versions = request.earlier_versions
    said: list[Said] = [*(version.said for version in versions), request]
    return [
        Change(moment_of(version.replaced_at), _rows(before, now))
        for version, (before, now) in zip(versions, pairwise(said), strict=True)
    ]


def _rows(before: Said, now: Said) -> list[Row]:
    pairs = zip(_in_words(before), _in_words(now), strict=True)
    return [Row(what, was, is_now) for (what, was), (_what, is_now) in pairs if was != is_now]


def _in_words(said: Said) -> Iterator[tuple[str, str]]:
    terms = [*([said.attendance] if said.HasField("attendance") else []), *said.earlier_terms]
    yield _("Attendance"), "\n".join(_term(term) for term in terms)
    yield _("Whānau and caregivers"), "\n".join(_caregiver(one) for one in said.caregivers)
    yield _("What worries the school"), said.concern
    yield _("What the school has tried"), _listed("step_tried", said.steps, said.steps_tried)
    yield _("What stands in the way"), _listed("barrier", said.barriers, said.barrier_words)
    yield _("Special care"), _("Address and contacts need special care.") if said.is_sensitive else ""


def _term(term: cases_pb2.Attendance) -> str:
    shown = present_attendance(term)
    half_days = _("%(present)s of %(total)s half-days", present=shown.present, total=shown.total)
    told = [f"{shown.term}: {shown.percent}", half_days]
    if term.justified_half_days or term.unjustified_half_days:
        told.append(
            _(
                "%(justified)s justified, %(unjustified)s not",
                justified=term.justified_half_days,
                unjustified=term.unjustified_half_days,
            )
        )
    return ", ".join(told)


def _caregiver(one: cases_pb2.Caregiver) -> str:
    safe = ", ".join(str(CONTACT_WAYS[way]) for way in one.safe_ways if way in CONTACT_WAYS)
    told = [one.name, one.relationship, one.phone, one.email, f"{_('Safe:')} {safe}" if safe else "", one.safe_note]
    return ", ".join(part for part in told if part)


def _listed(list_name: str, codes: Sequence[str], words: str) -> str:
    return "\n".join([*(words_of(list_name, code) for code in codes), *([words] if words else [])])
