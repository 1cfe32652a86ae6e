"""The words of the lists that people choose from: reasons to pause and close, outcomes. They are data, not code."""

from collections.abc import Mapping

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice

from services.gateway.backends import call, current_backends

PAUSE_REASON, CLOSE_REASON, CLOSE_OUTCOME = "pause_reason", "close_reason", "close_outcome"
_KEPT_SECONDS = 60.0

# The service has its words in English. Those that it began with are known in te reo Māori here, by the words
# themselves: what the ministry words anew is shown as it stands.
_KNOWN = (
    _l("The whānau asked for it"),
    _l("The student is unwell"),
    _l("Bereavement or tangihanga"),
    _l("Away from the area for a time"),
    _l("Another service leads for now"),
    _l("School holidays"),
    _l("Attendance is sustained"),
    _l("Enrolled at a school"),
    _l("An exemption was granted"),
    _l("In alternative education"),
    _l("Moved to another catchment"),
    _l("Moved overseas"),
    _l("Over 16"),
    _l("Not located"),
    _l("Referred to another service"),
    _l("A duplicate of another case"),
    _l("The request was not suitable"),
    _l("The student has died"),
    _l("Attending regularly"),
    _l("Attendance has improved"),
    _l("Attendance has not changed"),
    _l("Back in education"),
    _l("Not in education"),
    _l("Not known"),
    _l("Does not apply"),
    _l("Calls or messages home"),
    _l("A letter or email home"),
    _l("A meeting or hui with whānau"),
    _l("A home visit by the school"),
    _l("Pastoral care, a dean or a counsellor"),
    _l("A change to the timetable or class"),
    _l("Learning support"),
    _l("Help with transport, uniform or food"),
    _l("An attendance plan"),
    _l("Another agency was brought in"),
    _l("Physical health"),
    _l("Anxiety or mental wellbeing"),
    _l("Bullying, or not feeling safe at school"),
    _l("Learning needs that are not met"),
    _l("Not interested in school"),
    _l("What is happening at home"),
    _l("Caring for someone in the whānau"),
    _l("Getting to school"),
    _l("Uniform, food or other costs"),
    _l("Housing, or moving often"),
    _l("Paid work"),
    _l("New Zealand European"),
    _l("Māori"),
    _l("Samoan"),
    _l("Cook Islands Māori"),
    _l("Tongan"),
    _l("Niuean"),
    _l("Tokelauan"),
    _l("Fijian"),
    _l("Other Pacific peoples"),
    _l("Filipino"),
    _l("Cambodian"),
    _l("Vietnamese"),
    _l("Other Southeast Asian"),
    _l("Chinese"),
    _l("Indian"),
    _l("Sri Lankan"),
    _l("Japanese"),
    _l("Korean"),
    _l("Other Asian"),
    _l("British and Irish"),
    _l("Dutch"),
    _l("German"),
    _l("Australian"),
    _l("Other European"),
    _l("Middle Eastern"),
    _l("Latin American"),
    _l("African"),
    _l("Other ethnicity"),
    _l("Attendance is not of concern"),
    _l("More can be tried at the school first"),
    _l("The student cannot use this service"),
    _l("Another service fits better"),
    _l("The student has moved away"),
    _l("There is a case already"),
    _l("Too little is known, and the question was not answered"),
    _l("Found in the community"),
    _l("A sibling of a student we work with"),
    _l("The whānau asked for help"),
    _l("Another agency asked"),
    _l("Moved here from another provider"),
    _l("Chronic absence in two terms or more"),
    _l("Chronic absence, three kinds of steps tried"),
    _l("Chronic absence this term"),
    _l("Fifteen days away this term"),
    _l("Absence that the school can work on first"),
    _l("Regular, or less than five days were missed"),
    _l("Hapū of more than one iwi"),
    _l("Ngāti Kahungunu, region not said"),
)


def words_of(list_name: str, code: str) -> str:
    """What people read for a code; the code itself where the list does not have it any more."""
    return str(gettext(_items(list_name).get(code, code.replace("_", " "))))


def choices_of(list_name: str) -> list[SelectChoice]:
    """What may be chosen today, in the order of the list."""
    return [SelectChoice(code, gettext(label)) for code, label in _items(list_name).items()]


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
