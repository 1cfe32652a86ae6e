"""The words of the lists that people choose from: reasons to pause and close, outcomes. They are data, not code."""

from collections.abc import Mapping

from ascms.cases.v1 import cases_pb2
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice

from kit.web.i18n import current_language
from services.gateway.backends import call, current_backends

PAUSE_REASON, CLOSE_REASON, CLOSE_OUTCOME = "pause_reason", "close_reason", "close_outcome"
_KEPT_SECONDS = 60.0

# The service has its words in English; those that it began with are known in te reo Māori here.
_IN_MAORI = {
    "whanau_request": _l("The whānau asked for it"),
    "student_unwell": _l("The student is unwell"),
    "bereavement": _l("Bereavement or tangihanga"),
    "away_from_area": _l("Away from the area for a time"),
    "other_service_leading": _l("Another service leads for now"),
    "school_holidays": _l("School holidays"),
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


def words_of(list_name: str, code: str) -> str:
    """What people read for a code; the code itself where the list does not have it any more."""
    return _words(code, _items(list_name).get(code, code.replace("_", " ")))


def choices_of(list_name: str) -> list[SelectChoice]:
    """What may be chosen today, in the order of the list."""
    return [SelectChoice(code, _words(code, label)) for code, label in _items(list_name).items()]


def _words(code: str, label: str) -> str:
    return str(_IN_MAORI[code]) if current_language() == "mi" and code in _IN_MAORI else label


def _items(list_name: str) -> Mapping[str, str]:
    """Labels by code, asked for once a minute in each process: the lists are the same for everyone."""
    kept = current_backends().reference
    found = kept.get("all")
    if found is None:
        answer = call("cases", "ListReferenceItems", cases_pb2.ListReferenceItemsRequest())
        found = {}
        for item in answer.items:
            found.setdefault(item.list, {})[item.code] = item.label
        kept.put("all", found, seconds=_KEPT_SECONDS)
    return found.get(list_name, {})
