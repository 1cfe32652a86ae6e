"""The local system's mail, to read: newest first, links to follow, nothing taken for HTML, nothing else served."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from deploy.local.up.mail import serving

Get = Callable[[str], requests.Response]


@pytest.fixture
def get(tmp_path: Path) -> Iterator[Get]:
    server = serving(tmp_path / "mail", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    session = requests.Session()
    session.trust_env = False
    yield lambda path: session.get(f"http://127.0.0.1:{server.server_port}{path}", timeout=10)
    session.close()
    server.shutdown()
    server.server_close()
    thread.join()


def put(folder: Path, subject: str, text: str, *, at: int) -> str:
    (folder / "mail").mkdir(exist_ok=True)
    message = EmailMessage()
    message.set_content(text)
    message["Subject"], message["To"] = subject, "Demo Tāne <tane@putahi.example>"
    message["Date"] = format_datetime(datetime(2026, 3, 4, 1, tzinfo=UTC))
    name = str(uuid4())
    path = folder / "mail" / f"{name}.eml"
    path.write_bytes(message.as_bytes(policy=SMTP))
    os.utime(path, (at, at))
    return name


def test_an_empty_folder_or_none_says_so(get: Get) -> None:
    page = get("/")
    assert page.status_code == 200
    assert "No mail yet" in page.text


def test_mails_stand_newest_first_with_whom_they_are_for(get: Get, tmp_path: Path) -> None:
    put(tmp_path, "Older", "…", at=1)
    newer = put(tmp_path, "Nō te rā nei", "…", at=2)
    page = get("/").text
    assert page.index("Nō te rā nei") < page.index("Older")
    assert f'href="/{newer}"' in page
    assert "Demo Tāne" in page
    assert "Wed 04 Mar 2026, 14:00" in page, "in New Zealand time"


def test_a_mail_is_shown_as_written_and_its_addresses_can_be_followed(get: Get, tmp_path: Path) -> None:
    name = put(tmp_path, "Subject", "Open it:\nhttp://127.0.0.1:1/invitation?key=a&b.\n\nKia ora", at=1)
    page = get(f"/{name}").text
    assert '<a href="http://127.0.0.1:1/invitation?key=a&amp;b" rel="noreferrer">' in page
    assert "<p>Kia ora</p>" in page


def test_what_a_mail_says_is_never_taken_for_html(get: Get, tmp_path: Path) -> None:
    name = put(tmp_path, "<script>alert(1)</script>", '<img src=x onerror=alert(1)> https://x.example/"><b>', at=1)
    for path in ("/", f"/{name}"):
        answer = get(path)
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/../secrets", "/..%2fsecrets", "/etc/passwd", "/01890a5d-ac96-774b-bcce-b302099a8057", "/x.eml"]
)
def test_nothing_but_mails_is_served(get: Get, tmp_path: Path, path: str) -> None:
    put(tmp_path, "One", "…", at=1)
    (tmp_path / "secrets.eml").write_text("secret")
    assert get(path).status_code == 404
