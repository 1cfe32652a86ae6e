"""The words for what the services say by code: states, roles, reasons. In both languages, in one place.

Codes that a newer service may send and this version does not know are shown as they are, never as an error.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import DomainError, Violation

ROLES = {
    "workflow_lead": _l("Workflow lead"),
    "case_manager": _l("Case manager"),
    "delegated_authoriser": _l("Delegated authoriser"),
    "attendance_lead": _l("Attendance lead"),
    "primary_contact": _l("Primary contact"),
    "office_support": _l("Office support"),
    "ministry_analyst": _l("Ministry analyst"),
    "ministry_admin": _l("Ministry administrator"),
    "service_desk": _l("Service desk"),
}
ROLE_MEANINGS = {
    "workflow_lead": _l("See every case of your provider, answer requests, choose case managers, read your figures."),
    "case_manager": _l("Work on the cases that were given to you, and record what happens."),
    "delegated_authoriser": _l("Invite people, give and take roles, end access, and see what each one lacks."),
    "attendance_lead": _l("Ask for support for students of your school, and read what was shared about them."),
    "primary_contact": _l("Get the notices about a student of your school, and read what the provider shares."),
    "office_support": _l("Ask for support for students of your school, and follow your requests."),
    "ministry_analyst": _l("Read the figures of all providers. Small numbers are hidden."),
    "ministry_admin": _l("Look after the organisations that use the service."),
    "service_desk": _l("Help people who cannot get in."),
}
MISSING = {
    "training": _l("The training for this role is not finished."),
    "training-lapsed": _l("The training for this role has run out and must be done again."),
    "start": _l("This role begins on a later day."),
    "resting": _l("This role rests, because nobody signed in with it for a long time."),
    "organisation": _l("This role does not belong to an organisation like yours."),
}
MISSING_NEXT = {
    "training": _l(
        "An invitation to the training comes by email within one working day. The role works once it is done."
    ),
    "training-lapsed": _l("Do the training again. The role works as soon as it is done."),
    "resting": _l("Ask your delegated authoriser to wake it, or the service desk if your organisation has none."),
    "start": _l("On that day it works by itself, if nothing else is missing. There is nothing for you to do."),
    "organisation": _l("Ask the delegated authoriser of your organisation, or call the service desk."),
}
ORGANISATION_KINDS: Mapping[int, object] = {
    identity_pb2.ORGANISATION_KIND_PROVIDER: _l("Provider"),
    identity_pb2.ORGANISATION_KIND_SCHOOL: _l("School"),
    identity_pb2.ORGANISATION_KIND_MINISTRY: _l("Ministry"),
}
BANDS = {
    "regular": _l("regular attendance"),
    "irregular": _l("irregular absence"),
    "moderate": _l("moderate absence"),
    "chronic": _l("chronic absence"),
}
GENDERS = {
    cases_pb2.GENDER_FEMALE: _l("Female"),
    cases_pb2.GENDER_MALE: _l("Male"),
    cases_pb2.GENDER_ANOTHER: _l("Another gender"),
}
KINDS: Mapping[int, object] = {
    cases_pb2.EVENT_KIND_HOME_VISIT: _l("Home visit"),
    cases_pb2.EVENT_KIND_CONTACT_ATTEMPT: _l("Contact attempt"),
    cases_pb2.EVENT_KIND_HUI: _l("Hui with whānau"),
    cases_pb2.EVENT_KIND_SCHOOL_MEETING: _l("Meeting with the school"),
    cases_pb2.EVENT_KIND_SUPPORT: _l("Support provided"),
    cases_pb2.EVENT_KIND_ACTION: _l("Action taken"),
    cases_pb2.EVENT_KIND_REFERRAL: _l("Referral"),
    cases_pb2.EVENT_KIND_PROGRESS_REVIEW: _l("Progress review"),
    cases_pb2.EVENT_KIND_NOTE: _l("Note"),
    cases_pb2.EVENT_KIND_LETTER: _l("Letter sent"),
}
OUTCOMES: Mapping[int, object] = {
    cases_pb2.OUTCOME_REACHED: _l("reached"),
    cases_pb2.OUTCOME_NO_ANSWER: _l("nobody there"),
    cases_pb2.OUTCOME_WRONG_TARGET: _l("wrong address or number"),
    cases_pb2.OUTCOME_REFUSED: _l("did not want to talk"),
}
CHANNELS: Mapping[int, object] = {
    cases_pb2.CONTACT_CHANNEL_PHONE: _l("by phone"),
    cases_pb2.CONTACT_CHANNEL_TEXT_MESSAGE: _l("by text message"),
    cases_pb2.CONTACT_CHANNEL_EMAIL: _l("by email"),
    cases_pb2.CONTACT_CHANNEL_LETTER: _l("by letter"),
    cases_pb2.CONTACT_CHANNEL_IN_PERSON: _l("in person"),
    cases_pb2.CONTACT_CHANNEL_ONLINE: _l("online"),
    cases_pb2.CONTACT_CHANNEL_THROUGH_SOMEONE: _l("through someone else"),
}
_VIOLATIONS = {
    "not-in-effect": _l("The catchment is not in effect on this day. Choose another day."),
    "not-allowed": _l("This does not belong here. Leave it empty."),
    "photo": _l("One of the two documents must show a photo."),
    "required": _l("Answer this question."),
    "too-long": _l("This is longer than we can store. Make it shorter."),
    "too-small": _l("This number is too small."),
    "too-large": _l("This number is too large."),
    "characters": _l("There is a character here that we cannot store. Remove it or type it again."),
    "unknown-value": _l("Choose one of the answers."),
    "not-a-case-manager": _l("The access of that person does not work at the moment. Choose someone else."),
    "not-a-contact": _l("This person cannot be the contact at the moment. Choose someone else."),
    "not-working": _l("The access of that person does not work at the moment. Choose someone else."),
    "not-in-future": _l("The case wakes on this day, so it has to be after today."),
    "too-far": _l("This day is too far away. Choose an earlier one."),
    "in-past": _l("This day has passed. Choose today or later."),
    "in-future": _l("This day is still to come. Choose today or earlier."),
    "before-birth": _l("This day is before the student was born. Check the year."),
    "age": _l("By this day the student would be too young or too old for school. Check the year."),
    "range": _l("Write the minutes as a number from 0 to 1440, such as 25."),
    "day-full": _l("With this your work on that day would be more than 24 hours. Check the minutes and the day."),
    "backwards": _l("The last day must not be before the first."),
    "past": _l("This day is over already. Choose a later one."),
    "not-a-caregiver": _l("Choose among the caregivers of the case."),
    "not-safe-to-contact": _l("This is not safe for everyone it is for. Choose someone else or another way."),
    "no-common-way": _l("No single way is safe for all of them. Write a letter for each."),
    "twice": _l("Choose each person once."),
    "already-sent": _l("This letter was sent already. Choose the next one."),
    "goes-back": _l("A later letter was sent already. Choose the next one."),
    "needs-address": _l("The letter has no postal address. Choose another way, or have it given back and add one."),
    "needs-email": _l("We have no email address of everyone it is for. Choose another way."),
    "too-early": _l("This day is too early. Choose a later one."),
    "more-than-total": _l("The half-days present cannot be more than the half-days open."),
}
_FORMS = {
    "date_of_birth": _l("Write the date as year-month-day, such as 2012-03-04."),
    "year_level": _l("Write the year as a number from 0 to 13."),
    "term": _l("Write the year and the term, such as 2026-T3."),
    "present_half_days": _l("Write the half-days as a number from 0 to 200."),
    "total_half_days": _l("Write the half-days as a number from 1 to 200."),
    "gender": _l("Write female, male or another, or leave it empty."),
    "safe_to_contact": _l("Write yes or no, or leave it empty."),
    "nsn": _l("A National Student Number has nine or ten digits. Leave it empty if you do not know it."),
    "contact_phone": _l("Write the phone number with digits, spaces, brackets or dashes, such as 021 555 0101."),
    "phone": _l("Write the phone number with digits, spaces, brackets or dashes, such as 021 555 0101."),
    "email": _l("Write the email address like name@example.nz."),
    "school_number": _l("A school number has up to four digits."),
    "code": _l("Write the code with small letters and digits, with dashes between."),
}
_FORM_REASONS = {"pattern", "format", "unknown-value", "too-small", "too-large"}
_NEEDED_CELL = _l("This cell is empty, and it is needed.")
_FILE_FAULTS = (
    (re.compile(r"lacks the column (?P<name>\S+)"), _l("The first line lacks the column %(name)s.")),
    (re.compile(r"has a column '(?P<name>.*)' that is not known"), _l("We do not know the column %(name)s.")),
    (re.compile(r"has the column (?P<name>\S+) more than once"), _l("The column %(name)s is there more than once.")),
    (
        re.compile(r"is not UTF-8 text.*line (?P<line>[0-9,]+)"),
        _l("We cannot read the letters from line %(line)s on. Save the file as “CSV UTF-8” and send it again."),
    ),
    (re.compile(r"NUL.*line (?P<line>[0-9,]+)"), _l("Line %(line)s holds a character that no text has.")),
    (
        re.compile(r"cannot be read from line (?P<line>[0-9,]+)"),
        _l("We cannot read the file from line %(line)s on. Is a quotation mark left open?"),
    ),
    (re.compile(r"more than (?P<most>[0-9,]+) rows"), _l("The file has more than %(most)s rows. Send it in parts.")),
    (re.compile(r"has no rows"), _l("The file has no rows below its first line.")),
    (re.compile(r"is empty"), _l("The file is empty. Its first line names the columns.")),
    (
        re.compile(r"has (?P<cells>[0-9]+) cells where the header has (?P<header>[0-9]+)"),
        _l("This row has %(cells)s cells where the first line has %(header)s."),
    ),
    (
        re.compile(r"the number of your own school, (?P<number>\S+)"),
        _l("This is not the number of your own school, which is %(number)s."),
    ),
)
_ERRORS = {
    "no-draft": _l("There is no draft to publish: it was published already."),
    "school-number-taken": _l("Another school has this number."),
    "catchment-exists": _l("There is a catchment with this code already."),
    "has-first": _l("Someone there has this role already, and can invite others."),
    "register-changed": _l("The register changed since this file was looked at. Send the file again."),
    "plan-applied": _l("This file was applied already."),
    "idempotency-key-reused": _l(
        "This form was sent before with other words, and those are saved. Look at what is there first. If this is "
        "something further, send it now: it will be saved beside it."
    ),
    "no-provider": _l("No provider looks after your school yet. Call the service desk."),
    "not-assigned": _l("Nobody works on this case yet. Choose a case manager first."),
    "not-active": _l("Work on this case has not begun. Record what happened first."),
    "already-paused": _l("The case is paused already."),
    "not-paused": _l("The case is not paused any more."),
    "case-closed": _l("The case is closed. Reopen it first."),
    "not-closed": _l("The case is open already."),
    "closing-needs-tasks": _l("The case still has open tasks. Complete or cancel them, then close it."),
    "closing-needs-letters": _l("The case still has open letters. Finish or withdraw them, then close it."),
    "task-ended": _l("This task was completed or cancelled already."),
    "already-contact": _l("That is so already."),
    "already-answered": _l("A colleague answered this request already."),
    "already-assigned": _l("This person is the case manager already."),
    "already-invited": _l(
        "An invitation to this address waits to be accepted. Send that one again, or withdraw it first."
    ),
    "invitation-used": _l("This invitation was accepted meanwhile."),
    "invitation-withdrawn": _l("This invitation was withdrawn."),
    "own-role": _l("You cannot give yourself a role. Another delegated authoriser can."),
    "last-authoriser": _l("The last delegated authoriser cannot be taken away. Give that role to someone else first."),
    "letter-open": _l("A letter of this kind is being written already. Finish or withdraw it first."),
    "letter-state": _l("The letter has moved on meanwhile. Look at where it stands now."),
    "letter-incomplete": _l("Something is missing from the letter. See below what it is."),
    "own-letter": _l("You wrote this letter, so someone else approves it."),
    "letter-not-printed": _l("The PDF is being made. Try again in a moment."),
    "letter-too-early": _l("It is too soon after the letter before. See below from which day it may be sent."),
    "already-open": _l("There is an open request for this student already."),
}
NOT_ASSIGNED = {
    "not-found": _l("It is not there any more, or not yours to see."),
    "already-assigned": _l("This person has it already."),
    "case-closed": _l("It is closed. Reopen it first."),
}
ACTION_REASONS: Mapping[tuple[str, str], object] = {
    ("record", "not-assigned"): _l("Recording needs a case manager. Choose one first."),
    ("pause", "not-active"): _l("A pause needs work that has begun. Record what happened first."),
}


def role_name(role: str) -> str:
    """A role as people call it."""
    return str(ROLES.get(role, role))


def band_name(band: str) -> str:
    """An attendance band as people call it; empty stays empty."""
    return str(BANDS.get(band, band))


def kind_name(kind: int) -> str:
    """What kind of thing happened."""
    return str(KINDS.get(kind, _("Entry")))


def outcome_name(outcome: int) -> str:
    """What came of it; empty where nothing was said."""
    return str(OUTCOMES.get(outcome, ""))


def channel_name(channel: int) -> str:
    """How someone was tried to be reached; empty where nothing was said."""
    return str(CHANNELS.get(channel, ""))


def error_words(error: DomainError) -> str:
    """An error as one sentence in the reader's language; the service's own where we know no better."""
    return str(_ERRORS.get(error.reason, error.message))


def violation_words(violation: Violation) -> str:
    """A broken rule as an instruction in the reader's language."""
    name = violation.field.rsplit(".", 1)[-1].removeprefix("caregiver_")
    if violation.reason in _FORM_REASONS and name in _FORMS:
        return str(_FORMS[name])
    words = _VIOLATIONS.get(violation.reason)
    return str(words) if words else _file_words(violation.description)


def cell_words(violation: Violation) -> str:
    """A broken rule of a cell in a file, in the reader's language."""
    return str(_NEEDED_CELL) if violation.reason == "required" else violation_words(violation)


def _file_words(description: str) -> str:
    for pattern, words in _FILE_FAULTS:
        if found := pattern.search(description):
            return str(words) % found.groupdict()
    return description


def in_words(violations: Iterable[Violation]) -> list[Violation]:
    """The same violations with descriptions for people."""
    return [replace(violation, description=violation_words(violation)) for violation in violations]


def year_name(level: int) -> str:
    """A year level: "Year 9"."""
    return str(_("Year\u00a0%(level)s", level=level))


def today() -> date:
    """The calendar day in New Zealand, by the application's clock."""
    day: date = current_app.jinja_env.globals["today"]()  # type: ignore[operator]  # a function that init_web put there
    return day


def day_of(text: str) -> date | None:
    """A day of the contract ("2026-03-04"); None for none."""
    return date.fromisoformat(text) if text else None


def moment_of(timestamp: Timestamp) -> datetime | None:
    """A moment of the contract; None when it is unset."""
    return timestamp.ToDatetime(tzinfo=UTC) if timestamp.seconds else None
