"""What a person was told, why, and whether it arrived: in words for every kind of notice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ascms.notifications.v1 import notifications_pb2 as pb
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from services.gateway.wording import moment_of


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of notice says, why its reader gets it, and the path of the page it leads to ("{}": its subject)."""

    text: object
    why: object
    path: str = "/"


_MANAGER = _l("because you are the case manager")
_TASK = _l("because the task is yours")
_AUTHOR = _l("because you handed the letter in")
_LEAD = _l("because you are a workflow lead")
_SENDER = _l("because you sent the request")
_ADMIN = _l("because you are an administrator at the ministry")
_CONTACT = _l("because you are the contact for the case")
_ROLE = _l("because your role needs the training")
_ACCOUNT = _l("because it is your account")
KINDS: Mapping[int, Kind] = {
    pb.NOTICE_KIND_CASE_ASSIGNED: Kind(_l("You were given a case"), _MANAGER, "/cases/{}"),
    pb.NOTICE_KIND_CASE_WOKEN: Kind(_l("A paused case goes on"), _MANAGER, "/cases/{}"),
    pb.NOTICE_KIND_TASK_DUE: Kind(_l("A task of yours is due"), _TASK, "/tasks/{}"),
    pb.NOTICE_KIND_TASK_OVERDUE: Kind(_l("A task of yours is overdue"), _TASK, "/tasks/{}"),
    pb.NOTICE_KIND_LETTER_APPROVED: Kind(_l("A letter of yours was approved"), _AUTHOR, "/letters/{}"),
    pb.NOTICE_KIND_LETTER_RETURNED: Kind(_l("A letter of yours was given back"), _AUTHOR, "/letters/{}"),
    pb.NOTICE_KIND_LETTER_OVERDUE: Kind(_l("A letter should have gone on"), _MANAGER, "/letters/{}"),
    pb.NOTICE_KIND_LETTER_SUBMITTED: Kind(_l("A letter waits for approval"), _LEAD, "/letters/{}"),
    pb.NOTICE_KIND_REQUEST_OVERDUE: Kind(_l("A request is overdue"), _LEAD, "/incoming/{}"),
    pb.NOTICE_KIND_REQUEST_REPLIED: Kind(_l("A school replied to your question"), _LEAD, "/incoming/{}"),
    pb.NOTICE_KIND_WORK_FALLEN: Kind(_l("Work of someone who left waits for you"), _LEAD, "/cases?state=new"),
    pb.NOTICE_KIND_RETURN_OVERDUE: Kind(_l("Your quarterly return is overdue"), _LEAD, "/returns"),
    pb.NOTICE_KIND_PROVIDER_RETURN_OVERDUE: Kind(
        _l("The return of a provider is overdue"), _ADMIN, "/provider-returns"
    ),
    pb.NOTICE_KIND_REQUEST_ACCEPTED: Kind(_l("A request of yours was accepted"), _SENDER, "/requests/{}"),
    pb.NOTICE_KIND_REQUEST_RETURNED: Kind(_l("The provider has a question"), _SENDER, "/requests/{}"),
    pb.NOTICE_KIND_REQUEST_DECLINED: Kind(_l("A request of yours was declined"), _SENDER, "/requests/{}"),
    pb.NOTICE_KIND_CONTACT_NAMED: Kind(_l("You are the contact for a student"), _CONTACT, "/shared/{}"),
    pb.NOTICE_KIND_ENTRY_SHARED: Kind(_l("Something was shared with your school"), _CONTACT, "/shared/{}"),
    pb.NOTICE_KIND_SHARED_CASE_CHANGED: Kind(_l("The case of a student has changed"), _CONTACT, "/shared/{}"),
    pb.NOTICE_KIND_TRAINING_INVITATION: Kind(_l("Do the training for your role"), _ROLE),
    pb.NOTICE_KIND_TRAINING_ENDING: Kind(_l("Your training ends soon"), _ROLE),
    pb.NOTICE_KIND_TRAINING_LAPSED: Kind(_l("Your training has ended"), _ROLE),
    pb.NOTICE_KIND_PASSPHRASE_RESET: Kind(_l("A link to a new passphrase was asked for"), _ACCOUNT, "/account"),
    pb.NOTICE_KIND_PASSPHRASE_CHANGED: Kind(_l("Your passphrase was changed"), _ACCOUNT, "/account"),
    pb.NOTICE_KIND_ATTESTATION_DUE: Kind(
        _l("Say whether someone still needs their access"),
        _l("because you give access at your organisation"),
        "/staff/{}",
    ),
    pb.NOTICE_KIND_ACCESS_RESTING: Kind(_l("Your access rests"), _l("because you have a role")),
    pb.NOTICE_KIND_INVITATION: Kind(_l("An invitation to your organisation"), _l("because you were invited")),
}
"""Every kind of the contract: a test holds it complete."""

STATES: Mapping[int, object] = {
    pb.DELIVERY_STATE_PLANNED: _l("the email is on its way"),
    pb.DELIVERY_STATE_HELD: _l("comes with the daily email"),
    pb.DELIVERY_STATE_SENT: _l("sent by email"),
    pb.DELIVERY_STATE_FAILED: _l("its email did not arrive"),
    pb.DELIVERY_STATE_PAGE_ONLY: _l("not by email, as you chose"),
}
FAULTS: Mapping[int, object] = {
    pb.DELIVERY_FAULT_ADDRESS: _l("The address does not exist. Tell the service desk the right one."),
    pb.DELIVERY_FAULT_SERVER: _l("The mail server did not take it, though it was asked for seven hours."),
    pb.DELIVERY_FAULT_NO_ROLE: _l("No role of yours worked at that moment."),
}
OTHERS_FAULTS: Mapping[int, object] = {
    pb.DELIVERY_FAULT_ADDRESS: _l("The address does not exist: ask them for the right one."),
    pb.DELIVERY_FAULT_SERVER: _l("The mail server of their address did not take it."),
}
DELIVERIES: Mapping[str, int] = {
    "at-once": pb.NOTICE_DELIVERY_AT_ONCE,
    "daily": pb.NOTICE_DELIVERY_DAILY,
    "page": pb.NOTICE_DELIVERY_PAGE,
}
DELIVERY_SLUGS = {number: slug for slug, number in DELIVERIES.items()}


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice: what it says, why they got it, whom it is about where the page knows, where it leads, its email."""

    text: str
    why: str
    about: str
    href: str
    at: datetime | None
    is_unread: bool
    has_failed: bool
    email: str
    fault: str


def present_notices(notices: Iterable[pb.Notice], *, names: Mapping[str, str] | None = None) -> list[NoticeLine]:
    """Notices, newest first as they came; `names` of what the page shows anyway, by address."""
    return [_present(notice, names or {}) for notice in notices]


def _present(notice: pb.Notice, names: Mapping[str, str]) -> NoticeLine:
    # A kind that a newer service sends and this version does not know is shown plainly, never as an error.
    kind = KINDS.get(notice.kind, Kind(_("A notice"), ""))
    href = kind.path.format(notice.subject_id)
    return NoticeLine(
        text=str(kind.text),
        why=str(kind.why),
        about=names.get(href, ""),
        href=href,
        at=moment_of(notice.created_at),
        is_unread=notice.unread,
        has_failed=notice.state == pb.DELIVERY_STATE_FAILED,
        email=str(STATES.get(notice.state, "")),
        fault=str(FAULTS.get(notice.fault, "")),
    )


@dataclass(frozen=True, slots=True)
class FailureLine:
    """An email to someone of the organisation that did not arrive. Its words are kept nowhere."""

    person: str
    text: str
    at: datetime | None
    fault: str


def present_failures(failures: Iterable[pb.FailedDelivery], *, people: Mapping[str, str]) -> list[FailureLine]:
    """Failed deliveries, newest first as they came."""
    return [
        FailureLine(
            person=people.get(each.person_id, "") or str(_("someone who was invited")),
            text=str(KINDS[each.kind].text) if each.kind in KINDS else str(_("A notice")),
            at=moment_of(each.failed_at),
            fault=str(OTHERS_FAULTS.get(each.fault, "")),
        )
        for each in failures
    ]


@dataclass(frozen=True, slots=True)
class PreferenceLine:
    """How someone gets a kind of notice: the name of its field, its words, and the choice; "" where it has none."""

    name: str
    kind: int
    text: str
    why: str
    delivery: str
    is_mandatory: bool


def present_preferences(
    preferences: Iterable[pb.NoticePreference], *, typed: Mapping[str, str] | None = None
) -> list[PreferenceLine]:
    """Preferences in the order of the service; `typed` is what a form holds instead of what is saved."""
    return [_present_preference(each, typed or {}) for each in preferences if each.kind in KINDS]


def _present_preference(preference: pb.NoticePreference, typed: Mapping[str, str]) -> PreferenceLine:
    name = pb.NoticeKind.Name(preference.kind).removeprefix("NOTICE_KIND_").lower().replace("_", "-")
    return PreferenceLine(
        name=name,
        kind=preference.kind,
        text=str(KINDS[preference.kind].text),
        why=str(KINDS[preference.kind].why),
        delivery=typed.get(name) or DELIVERY_SLUGS.get(preference.delivery, "at-once"),
        is_mandatory=preference.mandatory,
    )
