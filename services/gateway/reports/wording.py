"""The words for indicators, their parts and their units: for pages and downloads alike."""

from collections.abc import Mapping
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kit.web.dates import say_minutes
from kit.web.i18n import current_language
from services.gateway.wording import year_name

INDICATORS = {
    "requests-returned": (
        _l("Requests sent back"),
        _l("Times a request was sent back to its school with a question. Counted on the day."),
        _l("requests"),
    ),
    "requests-declined": (
        _l("Requests declined"),
        _l("Requests for support that were declined, from a school or the enrolment register. Counted on the day."),
        _l("requests"),
    ),
    "cases-open-at-start": (
        _l("Open at the start"),
        _l("Cases that were open when the quarter began: opened or reopened before it, and not closed before it."),
        _l("cases"),
    ),
    "cases-opened": (
        _l("Cases opened"),
        _l(
            "Requests for support that were accepted in the quarter: each opens one case. Counted on the day the case "
            "was opened."
        ),
        _l("cases"),
    ),
    "cases-reopened": (
        _l("Cases reopened"),
        _l("Closed cases that were taken up again in the quarter. Counted on the day."),
        _l("cases"),
    ),
    "cases-closed": (
        _l("Cases closed"),
        _l("Cases whose work ended in the quarter, whatever came of it. Counted on the day the case was closed."),
        _l("cases"),
    ),
    "cases-open": (
        _l("Open at the end"),
        _l("Open at the start, and opened, and reopened, less closed. Paused cases are open."),
        _l("cases"),
    ),
    "caseload": (
        _l("With a case manager"),
        _l("Open cases that someone works on when the quarter ends, by case manager."),
        _l("cases"),
    ),
    "cases-paused": (_l("Paused at the end"), _l("Open cases that rest when the quarter ends."), _l("cases")),
    "pauses": (
        _l("Pauses"),
        _l("Rests that began in the quarter; a case may have several. Counted on the first day of the pause."),
        _l("pauses"),
    ),
    "days-to-assign": (
        _l("Days to a case manager"),
        _l(
            "Calendar days from the request to the first case manager: the one in the middle of all cases that got one "
            "in the quarter; of two in the middle the shorter."
        ),
        _l("days"),
    ),
    "assigned-in-time": (
        _l("Case manager within 5 days"),
        _l("Of the cases that got their first case manager in the quarter, how many did within 5 days. Rounded down."),
        _l("per cent"),
    ),
    "days-to-contact": (
        _l("Days to first contact"),
        _l(
            "Calendar days from the first case manager to the first visit, call or hui that reached someone: the one "
            "in the middle of all cases first reached in the quarter; of two in the middle the shorter."
        ),
        _l("days"),
    ),
    "contact-in-time": (
        _l("First contact within 10 days"),
        _l("Of the cases first reached in the quarter, how many were within 10 days. Rounded down."),
        _l("per cent"),
    ),
    "contact-attempts": (
        _l("Contact attempts"),
        _l("Calls, texts, emails and letters to reach someone. Counted on the day of the attempt."),
        _l("attempts"),
    ),
    "contact-rate": (
        _l("Contact rate"),
        _l("Of the contact attempts of the quarter, how many reached someone. Rounded down."),
        _l("per cent"),
    ),
    "home-visits": (
        _l("Home visits"),
        _l("Visits to where a student or whānau lives, whoever was reached. Counted on the day of the visit."),
        _l("visits"),
    ),
    "hui": (_l("Hui with whānau"), _l("Hui that were recorded. Counted on the day."), _l("hui")),
    "school-meetings": (
        _l("Meetings with schools"),
        _l("Meetings with a school about a student. Counted on the day."),
        _l("meetings"),
    ),
    "letters-sent": (
        _l("Letters sent"),
        _l("Letters to whānau that went out, of either kind. Counted on the day they were sent."),
        _l("letters"),
    ),
    "referrals": (
        _l("Referrals"),
        _l("Referrals to other services that were recorded. Counted on the day."),
        _l("referrals"),
    ),
    "minutes": (
        _l("Time recorded"),
        _l("All minutes recorded with entries of any kind, travel included. Counted on the day it happened."),
        _l("hours and minutes"),
    ),
    "tasks-overdue": (
        _l("Tasks overdue at the end"),
        _l("Tasks whose day had passed when the quarter ended, and that were neither done nor cancelled."),
        _l("tasks"),
    ),
}
SECTIONS = {
    "cases": (
        _l("Cases"),
        (
            "requests-returned",
            "requests-declined",
            "cases-open-at-start",
            "cases-opened",
            "cases-reopened",
            "cases-closed",
            "cases-open",
            "caseload",
            "cases-paused",
            "pauses",
        ),
    ),
    "days": (
        _l("How long it took"),
        ("days-to-assign", "assigned-in-time", "days-to-contact", "contact-in-time"),
    ),
    "contact": (
        _l("Contact"),
        ("contact-attempts", "contact-rate", "home-visits", "hui", "school-meetings"),
    ),
    "work": (_l("Work"), ("letters-sent", "referrals", "minutes", "tasks-overdue")),
}
DIMENSIONS = {
    "route": _l("By how the case came"),
    "school": _l("By school"),
    "year-level": _l("By year level"),
    "age": _l("By age"),
    "gender": _l("By gender"),
    "ethnicity": _l("By ethnicity, a student in each of theirs"),
    "family": _l("By kind of letter"),
    "stage": _l("By stage"),
    "reason": _l("By reason"),
    "outcome": _l("By outcome"),
    "kind": _l("By kind of work"),
    "case-manager": _l("By case manager"),
}
_KEYS = {
    "chronic-absence": _l("Chronic absence"),
    "non-enrolment": _l("Not enrolled"),
    "own-work": _l("Opened by the provider"),
    "under-6": _l("Under 6"),
    "6-to-9": _l("6 to 9"),
    "10-to-12": _l("10 to 12"),
    "13-to-15": _l("13 to 15"),
    "16-and-over": _l("16 and over"),
    "female": _l("Female"),
    "male": _l("Male"),
    "another": _l("Another gender"),
    "home-visit": _l("Home visit"),
    "contact-attempt": _l("Contact attempt"),
    "hui": _l("Hui with whānau"),
    "school-meeting": _l("Meeting with the school"),
    "support": _l("Support provided"),
    "action": _l("Action taken"),
    "referral": _l("Referral"),
    "progress-review": _l("Progress review"),
    "reached": _l("Reached someone"),
    "no-answer": _l("Nobody there"),
    "wrong-target": _l("Wrong address or number"),
    "refused": _l("They did not want to talk"),
    "unspecified": _l("Not said"),
    "sustained_attendance": _l("Attendance is sustained"),
    "enrolled": _l("Enrolled at a school"),
    "exemption_granted": _l("An exemption was granted"),
    "alternative_education": _l("In alternative education"),
    "moved_catchment": _l("Moved to another catchment"),
    "overseas": _l("Moved overseas"),
    "over_16": _l("Over 16"),
    "not_located": _l("Not located"),
    "referred_on": _l("Referred to another service"),
    "duplicate": _l("A duplicate of another case"),
    "attendance_not_of_concern": _l("Attendance is not of concern"),
    "try_more_first": _l("More can be tried at the school first"),
    "not_eligible": _l("The student cannot use this service"),
    "other_service": _l("Another service fits better"),
    "moved": _l("The student has moved away"),
    "not_enough_known": _l("Too little is known, and the question was not answered"),
    "request_unsuitable": _l("The request was not suitable"),
    "deceased": _l("The student has died"),
    "attending_regularly": _l("Attending regularly"),
    "attendance_improved": _l("Attendance has improved"),
    "attendance_unchanged": _l("Attendance has not changed"),
    "back_in_education": _l("Back in education"),
    "not_in_education": _l("Not in education"),
    "not_known": _l("Not known"),
    "not_applicable": _l("Does not apply"),
}
_ETHNICITIES = {
    "1": _l("European"),
    "2": _l("Māori"),
    "3": _l("Pacific Peoples"),
    "4": _l("Asian"),
    "5": _l("Middle Eastern, Latin American, African"),
    "6": _l("Other ethnicity"),
    "9": _l("Not stated"),
}
"""Level 1 of Stats NZ's classification."""
REGIONS = {
    "01": "Te Tai Tokerau Northland",
    "02": "Tāmaki Makaurau Auckland",
    "03": "Waikato",
    "04": "Te Moana-a-Toi Bay of Plenty",
    "05": "Te Tairāwhiti Gisborne",
    "06": "Te Matau-a-Māui Hawke’s Bay",
    "07": "Taranaki",
    "08": "Manawatū-Whanganui",
    "09": "Te Whanganui-a-Tara Wellington",
    "12": "Te Tai Poutini West Coast",
    "13": "Waitaha Canterbury",
    "14": "Ōtākou Otago",
    "15": "Murihiku Southland",
    "16": "Te Tai-o-Aorere Tasman",
    "17": "Whakatū Nelson",
    "18": "Te Tauihu-o-te-waka Marlborough",
    "99": "Wharekauri Rēkohu Chatham Islands",
}
MINUTES, PER_CENT = "minutes", {"assigned-in-time", "contact-in-time", "contact-rate"}


def say_value(code: str, value: int) -> str:
    """A figure for people: "18 h 50", "71 %", "1,204"."""
    if code == MINUTES and value >= 0:
        return say_minutes(value, language=current_language())
    return f"{value:,} %" if code in PER_CENT else f"{value:,}"


def section_of(code: str) -> str:
    """The section of a return that an indicator stands in; "work" for one that is new to this version."""
    return next((section for section, (_words, codes) in SECTIONS.items() if code in codes), "work")


def say_key(dimension: str, key: str, names: Mapping[str, str]) -> str:
    """A part of a figure for people. `names` are those of schools and case managers."""
    if not key:
        return str(_("Not known"))
    if dimension == "year-level" and key.isdigit():
        return year_name(int(key))
    if dimension == "stage":
        return str(_("Stage %(number)s", number=key))
    if dimension == "ethnicity":
        return str(_ETHNICITIES.get(key, key))
    if not _is_id(key):
        return str(_KEYS.get(key, key))
    gone = _("A school that is not there any more") if dimension == "school" else _("Someone who has left")
    return names.get(key) or str(gone)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
