"""Ways to hand over an e-mail: a mail server, or a folder on a system that has none. Both pass the same tests."""

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

_TIMEOUT_SECONDS = 5.0
_PERMANENT = range(500, 600)


class SendError(Exception):
    """The e-mail was not taken. `fault` is a code for it, "smtp-550"; never what the server said about anyone."""

    def __init__(self, fault: str, *, is_permanent: bool = False) -> None:
        """`is_permanent`: trying again cannot help."""
        super().__init__(fault)
        self.fault = fault
        self.is_permanent = is_permanent


class Sender(Protocol):
    """Hands an e-mail over to whoever delivers it."""

    def send(self, message: EmailMessage) -> None:
        """Return once the message is theirs; raise SendError when it is not, or not known to be."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """A mail server. With `starttls` the connection is encrypted and its certificate checked, or nothing is sent."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    starttls: bool = False

    def send(self, message: EmailMessage) -> None:
        """As `Sender.send`; a connection of its own each time."""
        try:
            with smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_SECONDS) as server:
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise SendError(f"smtp-{code}", is_permanent=code in _PERMANENT) from error
        except smtplib.SMTPResponseException as error:
            # 5xx to the message itself is about this message; to a sign-in or a sender it is about us, and may pass.
            is_permanent = isinstance(error, smtplib.SMTPDataError) and error.smtp_code in _PERMANENT
            raise SendError(f"smtp-{error.smtp_code}", is_permanent=is_permanent) from error
        except smtplib.SMTPNotSupportedError as error:
            raise SendError("smtp-not-supported") from error
        except (OSError, smtplib.SMTPException) as error:
            raise SendError("mail-server-away") from error


@dataclass(frozen=True, slots=True)
class FolderSender:
    """A folder in which each e-mail is a file, `<notice id>.eml`, for any mail program to open."""

    folder: Path

    def send(self, message: EmailMessage) -> None:
        """As `Sender.send`; the same message again replaces its file."""
        name = message["Message-ID"].strip("<>").partition("@")[0]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = self.folder / f".{name}.{os.getpid()}"
            unfinished.write_bytes(message.as_bytes(policy=SMTP))
            unfinished.replace(self.folder / f"{name}.eml")
        except OSError as error:
            raise SendError("mail-folder-away") from error


def open_sender(url: str) -> Sender:
    """The sender at `url`: `folder:///path`, `smtp://[user:password@]host:port`, `smtp+starttls://…`.

    Does not connect. Raises ValueError for anything else.
    """
    parts = urlsplit(url)
    if parts.scheme == "folder" and parts.path:
        return FolderSender(Path(unquote(parts.path)))
    if parts.scheme in ("smtp", "smtp+starttls") and parts.hostname:
        starttls = parts.scheme == "smtp+starttls"
        return SmtpSender(
            parts.hostname,
            parts.port or (587 if starttls else 25),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            starttls,
        )
    raise ValueError("the address for mail is folder:///path, smtp://host:port or smtp+starttls://host:port")
