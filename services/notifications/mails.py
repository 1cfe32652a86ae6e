"""What a notice says: a short e-mail in its reader's language; it names no student and leads behind sign-in.

Two are the exception: an invitation, which goes to someone who cannot sign in yet, names them, and holds the link to
accept by; and the link to choose a new passphrase by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType

from kit.clock import NEW_ZEALAND
from services.notifications.domain import Notice, NoticeKind
from services.notifications.people import Contact, Invited, ResetLink

LANGUAGES = ("en", "mi")
_FOLDER = Path(__file__).parent / "templates"
_PATHS = MappingProxyType(
    {
        NoticeKind.CASE_ASSIGNED: "cases/{}",
        NoticeKind.CASE_WOKEN: "cases/{}",
        NoticeKind.TASK_DUE: "tasks/{}",
        NoticeKind.TASK_OVERDUE: "tasks/{}",
        NoticeKind.LETTER_APPROVED: "letters/{}",
        NoticeKind.LETTER_RETURNED: "letters/{}",
        NoticeKind.LETTER_OVERDUE: "letters/{}",
        NoticeKind.LETTER_SUBMITTED: "letters/{}",
        NoticeKind.REQUEST_OVERDUE: "incoming/{}",
        NoticeKind.REQUEST_REPLIED: "incoming/{}",
        NoticeKind.WORK_FALLEN: "cases?state=new",
        NoticeKind.RETURN_OVERDUE: "returns",
        NoticeKind.PROVIDER_RETURN_OVERDUE: "provider-returns",
        NoticeKind.REQUEST_ACCEPTED: "requests/{}",
        NoticeKind.REQUEST_RETURNED: "requests/{}",
        NoticeKind.REQUEST_DECLINED: "requests/{}",
        NoticeKind.CONTACT_NAMED: "shared/{}",
        NoticeKind.ENTRY_SHARED: "shared/{}",
        NoticeKind.SHARED_CASE_CHANGED: "shared/{}",
        NoticeKind.PASSPHRASE_RESET: "account",
        NoticeKind.PASSPHRASE_CHANGED: "account",
        NoticeKind.ATTESTATION_DUE: "staff/{}",
        NoticeKind.DAILY: "notices",
    }
)
"""Where each kind leads; the others lead to the first page."""

_MONTHS = MappingProxyType(
    {
        "en": (
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
        "mi": (
            "Kohitātea", "Huitanguru", "Poutūterangi", "Paengawhāwhā", "Haratua", "Pipiri",
            "Hōngongoi", "Hereturikōkā", "Mahuru", "Whiringa-ā-nuku", "Whiringa-ā-rangi", "Hakihea",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where links lead ("https://ascms.example.nz", no slash at the end) and whom mail comes from.

    `sign_in_url` is the address of the sign-in service, where invitations are accepted.
    """

    public_url: str
    mail_from: str
    sign_in_url: str


def compose(notice: Notice, contact: Contact, letterhead: Letterhead, *, now: datetime) -> EmailMessage:
    """The e-mail of a notice. Sent twice, it has the same Message-ID, so that mail systems show it once."""
    fields = {"link": link_of(notice, letterhead.public_url)}
    return _message(notice, contact, letterhead, fields=fields, now=now)


def compose_daily(
    notice: Notice, carried: Sequence[Notice], contact: Contact, letterhead: Letterhead, *, now: datetime
) -> EmailMessage:
    """The e-mail of a day: a line and a link for each notice that it carries."""
    lines = [
        f"{render(each.kind, _language(contact), link='')[0]}\n{link_of(each, letterhead.public_url)}"
        for each in carried
    ]
    fields = {"lines": "\n\n".join(lines), "link": link_of(notice, letterhead.public_url)}
    return _message(notice, contact, letterhead, fields=fields, now=now)


def compose_invitation(notice: Notice, invited: Invited, letterhead: Letterhead, *, now: datetime) -> EmailMessage:
    """The e-mail that brings someone the link to accept an invitation by."""
    until = invited.expires_at.astimezone(NEW_ZEALAND)
    fields = {
        "name": invited.contact.name,
        "organisation": invited.organisation,
        "link": f"{letterhead.sign_in_url}/invitation?key={invited.key}",
        "until": f"{until.day} {_month(until.month, _language(invited.contact))} {until.year}",
    }
    return _message(notice, invited.contact, letterhead, fields=fields, now=now)


def compose_passphrase(notice: Notice, link: ResetLink, letterhead: Letterhead, *, now: datetime) -> EmailMessage:
    """The e-mail that brings someone the link to a new passphrase, or says that it was changed."""
    page = f"reset?key={link.key}" if notice.kind is NoticeKind.PASSPHRASE_RESET else "forgotten"
    until = link.expires_at.astimezone(NEW_ZEALAND)
    fields = {
        "name": link.contact.name,
        "link": f"{letterhead.sign_in_url}/passphrase/{page}",
        "until": f"{until:%H:%M}",
    }
    return _message(notice, link.contact, letterhead, fields=fields, now=now)


def _message(
    notice: Notice, contact: Contact, letterhead: Letterhead, *, fields: Mapping[str, str], now: datetime
) -> EmailMessage:
    language = _language(contact)
    subject, text = render(notice.kind, language, **fields)
    sender = Address(addr_spec=letterhead.mail_from)
    message = EmailMessage()
    message.set_content(text)
    message["Subject"] = subject
    message["From"] = sender
    message["To"] = Address(display_name=contact.name, addr_spec=contact.email)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice.notice_id}@{sender.domain}>"
    message["Content-Language"] = language
    message["Auto-Submitted"] = "auto-generated"
    return message


def _language(contact: Contact) -> str:
    return contact.language if contact.language in LANGUAGES else "en"


def _month(number: int, language: str) -> str:
    return _MONTHS[language][number - 1]


def link_of(notice: Notice, public_url: str) -> str:
    """The page a notice leads to. It shows nothing to who may not see it."""
    return f"{public_url}/{_PATHS.get(notice.kind, '').format(notice.subject_id)}"


def render(kind: NoticeKind, language: str, **fields: str) -> tuple[str, str]:
    """Subject and text of a kind of notice. Raises KeyError for a placeholder that nothing fills."""
    subject, _, text = _template(kind, language).substitute(fields).partition("\n")
    return subject, text


@cache
def _template(kind: NoticeKind, language: str) -> Template:
    return Template((_FOLDER / language / f"{kind}.txt").read_text(encoding="utf-8"))
