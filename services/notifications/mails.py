"""What a notice says: a short e-mail in its reader's language that names nobody and leads to a page behind sign-in."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType

from services.notifications.domain import Notice, NoticeKind
from services.notifications.people import Contact

LANGUAGES = ("en", "mi")
_FOLDER = Path(__file__).parent / "templates"
_PATHS = MappingProxyType({NoticeKind.CASE_ASSIGNED: "cases", NoticeKind.REQUEST_OVERDUE: "incoming"})


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where links lead ("https://ascms.example.nz", no slash at the end) and whom mail comes from."""

    public_url: str
    mail_from: str


def compose(notice: Notice, contact: Contact, letterhead: Letterhead, *, now: datetime) -> EmailMessage:
    """The e-mail of a notice. Sent twice, it has the same Message-ID, so that mail systems show it once."""
    language = contact.language if contact.language in LANGUAGES else "en"
    subject, text = render(notice.kind, language, link=link_of(notice, letterhead.public_url))
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


def link_of(notice: Notice, public_url: str) -> str:
    """The page a notice leads to. It shows nothing to who may not see it."""
    return f"{public_url}/{_PATHS[notice.kind]}/{notice.subject_id}"


def render(kind: NoticeKind, language: str, *, link: str) -> tuple[str, str]:
    """Subject and text of a kind of notice. Raises KeyError for a placeholder that nothing fills."""
    subject, _, text = _template(kind, language).substitute(link=link).partition("\n")
    return subject, text


@cache
def _template(kind: NoticeKind, language: str) -> Template:
    return Template((_FOLDER / language / f"{kind}.txt").read_text(encoding="utf-8"))
