"""The register's words: regions, reasons of suspension, what is wrong with a file."""

from collections.abc import Mapping

from ascms.identity.v1 import register_pb2 as pb
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice

REGIONS: Mapping[str, object] = {
    "01": _l("Northland"),
    "02": _l("Auckland"),
    "03": _l("Waikato"),
    "04": _l("Bay of Plenty"),
    "05": _l("Gisborne"),
    "06": _l("Hawke’s Bay"),
    "07": _l("Taranaki"),
    "08": _l("Manawatū-Whanganui"),
    "09": _l("Wellington"),
    "12": _l("West Coast"),
    "13": _l("Canterbury"),
    "14": _l("Otago"),
    "15": _l("Southland"),
    "16": _l("Tasman"),
    "17": _l("Nelson"),
    "18": _l("Marlborough"),
    "99": _l("Outside every region"),
}
REASONS = {
    "contract-ended": _l("Its contract has ended"),
    "closed": _l("It has closed or merged"),
    "security": _l("Its access may be misused"),
    "requested": _l("It asked for this"),
    "register-file": _l("A register file said so"),
}
REASON_NUMBERS: Mapping[str, pb.SuspensionReason.ValueType] = {
    "contract-ended": pb.SUSPENSION_REASON_CONTRACT_ENDED,
    "closed": pb.SUSPENSION_REASON_CLOSED,
    "security": pb.SUSPENSION_REASON_SECURITY,
    "requested": pb.SUSPENSION_REASON_REQUESTED,
    "register-file": pb.SUSPENSION_REASON_REGISTER_FILE,
}
REASON_OF = {number: code for code, number in REASON_NUMBERS.items()}
ACTIONS: Mapping[int, str] = {
    pb.REGISTER_ACTION_ADDED: "added",
    pb.REGISTER_ACTION_CHANGED: "changed",
    pb.REGISTER_ACTION_SUSPENDED: "suspended",
    pb.REGISTER_ACTION_RESUMED: "resumed",
    pb.REGISTER_ACTION_REMOVED: "removed",
}
SUBJECTS: Mapping[int, object] = {
    pb.REGISTER_SUBJECT_ORGANISATION: _l("Organisation"),
    pb.REGISTER_SUBJECT_CATCHMENT: _l("Catchment"),
    pb.REGISTER_SUBJECT_PLACEMENT: _l("School in a catchment"),
}
FIELDS = {
    "kind": _l("Kind"),
    "name": _l("Name"),
    "school_number": _l("School number"),
    "region": _l("Region"),
    "provider": _l("Provider"),
    "catchment": _l("Catchment"),
    "starts_on": _l("First day"),
    "ends_on": _l("Last day"),
}
_FAULTS = {
    "required": _l("Something is missing here."),
    "unknown-field": _l("We do not know this field. Is it spelled right?"),
    "wrong-type": _l("This is not the kind of value that belongs here. Put text that looks like a number in quotes."),
    "unknown-kind": _l("Write provider, school or ministry."),
    "unknown-region": _l("Write the region’s code of Stats NZ: two digits, in quotes."),
    "string-pattern-mismatch": _l("This has not the form that is needed. A school number has up to four digits."),
    "duplicate": _l("This stands in the file twice."),
    "not-allowed": _l("Only a school has a number."),
    "ministry": _l("There is one ministry, and it is not suspended."),
    "uuid": _l("This is not an id."),
    "date": _l("Write a date such as 2026-02-01, without quotes."),
    "characters": _l("There is a character here that we cannot store."),
    "space": _l("This begins or ends with a space."),
    "unknown-provider": _l("This is not a provider of the file."),
    "unknown-school": _l("This is not a school of the file."),
    "backwards": _l("The last day lies before the first."),
    "outside-catchment": _l("This reaches beyond the days of its catchment."),
    "two-catchments": _l("This school lies in two catchments on the same days."),
    "missing": _l("An organisation that we know is not in the file. None may vanish: to end its access, suspend it."),
    "kind-changed": _l("An organisation cannot become another kind."),
    "repeated-key": _l("This field stands twice."),
    "alias": _l("Write this out instead of referring to another place."),
    "yaml": _l("We cannot read the file from here on: it is not YAML."),
    "encoding": _l("The file is not UTF-8 text from here on."),
    "value": _l("There is a value that does not exist, such as the 31st of February."),
    "empty": _l("The file is empty."),
    "too-large": _l("The file is too large."),
}


def region_choices() -> list[SelectChoice]:
    """Regions as the choices of a field, the first of them none."""
    return [SelectChoice("", _l("Choose")), *(SelectChoice(code, name) for code, name in REGIONS.items())]


def region_name(code: str) -> str:
    """A region as people call it."""
    return str(REGIONS.get(code, code))


def fault_words(rule: str, message: str) -> str:
    """A rule that a file breaks, in the reader's language; the service's own words where we know no better."""
    return str(_FAULTS.get(rule, message))
