"""One contract for both ways that mail leaves: a real mail server, and a folder."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.notifications.domain import NoticeKind, notice_of
from services.notifications.mails import Letterhead, compose
from services.notifications.people import Contact
from services.notifications.senders import FolderSender, Sender, SendError, SmtpSender, open_sender
from tests.service.notifications.conftest import CASE, read_mail

NOTICE = notice_of(
    event_id=UUID(int=7),
    person_id=UUID(int=8),
    kind=NoticeKind.CASE_ASSIGNED,
    subject_id=CASE,
    now=datetime(2026, 3, 3, 21, 0, tzinfo=UTC),
)
LETTERHEAD = Letterhead("https://ascms.example.nz", "notices@example.nz", "https://sign-in.example.nz")


@dataclass
class Inbox:
    """What a real mail server took, and what it is to answer."""

    answer: str = "250 OK"
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope.original_content or b"")
        return self.answer

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("unknown"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Way(Protocol):
    """A sender, and what came out at its other end."""

    @property
    def sender(self) -> Sender: ...

    def mails(self) -> list[EmailMessage]: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class ByFolder:
    folder: Path

    @property
    def sender(self) -> Sender:
        return FolderSender(self.folder / "mail")

    def mails(self) -> list[EmailMessage]:
        return [read_mail(path.read_bytes()) for path in sorted((self.folder / "mail").iterdir())]


@dataclass
class BySmtp:
    inbox: Inbox
    server: Any

    @property
    def sender(self) -> Sender:
        return SmtpSender(self.server.hostname, self.server.port)

    def mails(self) -> list[EmailMessage]:
        return [read_mail(content) for content in self.inbox.taken]


@pytest.fixture
def smtp() -> Iterator[BySmtp]:
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    yield BySmtp(inbox, server)
    server.stop()


@pytest.fixture(params=["folder", "smtp"])
def way(request: pytest.FixtureRequest, tmp_path: Path, smtp: BySmtp) -> Way:
    ways: dict[str, Way] = {"folder": ByFolder(tmp_path), "smtp": smtp}
    return ways[request.param]


def mail(*, to: str = "mereana@example.nz", language: str = "mi") -> EmailMessage:
    contact = Contact(name="Mereana Tauira-Kōwhai", email=to, language=language)
    return compose(NOTICE, contact, LETTERHEAD, now=datetime(2026, 3, 3, 21, 0, tzinfo=UTC))


def test_a_mail_arrives_as_it_was_written(way: Way) -> None:
    sent = mail()

    way.sender.send(sent)

    (arrived,) = way.mails()
    assert arrived["Subject"] == "Kua tukuna tētahi kēhi ki a koe"
    assert arrived["To"].addresses[0].display_name == "Mereana Tauira-Kōwhai"
    assert arrived["To"].addresses[0].addr_spec == "mereana@example.nz"
    assert arrived["From"].addresses[0].addr_spec == "notices@example.nz"
    assert arrived["Message-ID"] == f"<{NOTICE.notice_id}@example.nz>"
    assert arrived["Date"].datetime == datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_content().replace("\r\n", "\n") == sent.get_content()


def test_the_same_mail_again_can_be_told_to_be_the_same(way: Way) -> None:
    way.sender.send(mail())
    way.sender.send(mail())

    assert len({arrived["Message-ID"] for arrived in way.mails()}) == 1


@pytest.mark.parametrize(
    ("to", "fault", "is_permanent"),
    [("unknown@example.nz", "smtp-550", True), ("busy@example.nz", "smtp-451", False)],
)
def test_what_a_server_says_of_an_address_decides_whether_to_try_again(
    smtp: BySmtp, to: str, fault: str, *, is_permanent: bool
) -> None:
    with pytest.raises(SendError) as refused:
        smtp.sender.send(mail(to=to))

    assert (refused.value.fault, refused.value.is_permanent) == (fault, is_permanent)


def test_a_message_that_a_server_will_never_take_is_not_tried_again(smtp: BySmtp) -> None:
    smtp.inbox.answer = "554 no thank you"

    with pytest.raises(SendError) as refused:
        smtp.sender.send(mail())

    assert (refused.value.fault, refused.value.is_permanent) == ("smtp-554", True)


def test_a_server_that_cannot_encrypt_gets_nothing_where_encryption_is_asked_for(smtp: BySmtp) -> None:
    strict = SmtpSender(smtp.server.hostname, smtp.server.port, starttls=True)

    with pytest.raises(SendError) as refused:
        strict.send(mail())

    assert refused.value.fault == "smtp-not-supported"
    assert smtp.inbox.taken == []


def test_a_server_or_folder_that_is_away_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SendError) as no_server:
        SmtpSender("127.0.0.1", 1).send(mail())
    with pytest.raises(SendError) as no_folder:
        FolderSender(tmp_path / "file").send(mail())

    assert (no_server.value.fault, no_server.value.is_permanent) == ("mail-server-away", False)
    assert (no_folder.value.fault, no_folder.value.is_permanent) == ("mail-folder-away", False)


def test_the_address_for_mail_chooses_the_way() -> None:
    assert open_sender("folder:///var/mail%20out") == FolderSender(Path("/var/mail out"))
    assert open_sender("smtp://mail.example.nz:2525") == SmtpSender("mail.example.nz", 2525)
    assert open_sender("smtp+starttls://us:p%40ss@mail.example.nz") == SmtpSender(
        "mail.example.nz", 587, "us", "p@ss", starttls=True
    )


@pytest.mark.parametrize("url", ["", "folder://", "http://mail.example.nz", "smtp://", "mail.example.nz:25"])
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the address for mail"):
        open_sender(url)
