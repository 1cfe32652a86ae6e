"""The mail of the local system, to read: `python -m deploy.local.up.mail FOLDER PORT`.

A system on one machine has no mail server: notifications puts each mail into a folder, and this shows them, newest
first. It listens on this machine alone, changes nothing, and is no part of the product. Standard library only.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.local.up.options import HOST

_NAME = re.compile(r"[0-9a-f-]{36}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_MOST = 200
_STYLE = Path(__file__).with_name("mail.css")
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="/mail.css"></head>
<body><header><p><strong>Mail of this system</strong> Nothing here leaves this machine.</p></header>
<main>{body}</main></body></html>"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it was sent. `sent` is in New Zealand time."""

    name: str
    subject: str
    to: str
    sent: datetime
    text: str
    language: str


def read_mail(path: Path) -> Mail:
    """One mail of the folder. Raises OSError, and ValueError for what is none."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    sent = message["Date"].datetime if message["Date"] else datetime.fromtimestamp(path.stat().st_mtime, tz=_ZONE)
    return Mail(
        name=path.stem,
        subject=str(message["Subject"] or ""),
        to=str(message["To"] or ""),
        sent=sent.astimezone(_ZONE),
        text=body.get_content().replace("\r\n", "\n") if body is not None else "",
        language="mi" if message["Content-Language"] == "mi" else "en",
    )


_ZONE = ZoneInfo("Pacific/Auckland")


def list_mails(folder: Path, *, most: int = _MOST) -> list[Mail]:
    """The mails of a folder that is there or not yet, the newest first."""
    found = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [read_mail(path) for path in found[:most]]


def show_list(mails: list[Mail]) -> str:
    """The page of all of them."""
    if not mails:
        body = "<h1>No mail yet</h1><p>Invite someone, or give someone a case: the mail stands here a moment later.</p>"
        return _page("No mail yet", body)
    lines = "".join(
        f'<li><a href="/{mail.name}">{escape(mail.subject)}</a><span>{escape(mail.to)}</span>{_when(mail)}</li>'
        for mail in mails
    )
    lead = "The newest first. A mail names nobody but the one it goes to."
    return _page("Mail", f"<h1>Mail</h1><p>{lead}</p><ol>{lines}</ol>")


def show_mail(mail: Mail) -> str:
    """The page of one: as it was written, its links to be followed."""
    paragraphs = "".join(f"<p>{part}</p>" for part in _linked(mail.text).strip().split("\n\n"))
    body = (
        f'<nav><a href="/">All mail</a></nav><article lang="{mail.language}"><h1>{escape(mail.subject)}</h1>'
        f"<p class=to>To {escape(mail.to)} {_when(mail)}</p><div class=text>{paragraphs}</div></article>"
    )
    return _page(mail.subject, body)


def _linked(text: str) -> str:
    """Text as HTML; whole addresses become links."""
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    end = 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(".,;:!?)")
        yield escape(text[end : found.start()])
        yield f'<a href="{escape(address)}" rel="noreferrer">{escape(address)}</a>'
        end = found.start() + len(address)
    yield escape(text[end:])


def _when(mail: Mail) -> str:
    return f'<time datetime="{mail.sent.isoformat()}">{mail.sent:%a %d %b %Y, %H:%M}</time>'


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), body=body, language="en")


class MailHandler(BaseHTTPRequestHandler):
    """Answers for one folder."""

    def __init__(self, *args: object, folder: Path) -> None:
        """`folder` holds the mails."""
        self._folder = folder
        super().__init__(*args)  # type: ignore[arg-type]  # what the server gives

    def do_GET(self) -> None:
        """The list, one mail, the style, or nothing."""
        name = self.path.partition("?")[0].removeprefix("/")
        path = self._folder / f"{name}.eml"
        if not name:
            self._answer(show_list(list_mails(self._folder)))
        elif name == "mail.css":
            self._answer(_STYLE.read_text(encoding="utf-8"), kind="text/css")
        elif name == "health":
            self._answer("ok", kind="text/plain")
        elif _NAME.fullmatch(name) and path.is_file():
            self._answer(show_mail(read_mail(path)))
        else:
            body = '<h1>There is no such mail</h1><p><a href="/">All mail</a></p>'
            self._answer(_page("There is no such mail", body), status=HTTPStatus.NOT_FOUND)

    def _answer(self, text: str, *, kind: str = "text/html", status: HTTPStatus = HTTPStatus.OK) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Nothing: addresses and subjects are nobody's business in a log."""


def serving(folder: Path, port: int) -> ThreadingHTTPServer:
    """The server, bound; port 0 takes a free one."""
    return ThreadingHTTPServer((HOST, port), partial(MailHandler, folder=folder))


if __name__ == "__main__":
    serving(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
