"""The words of notices: complete in each language, macrons kept, naming nobody."""

import unicodedata
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.notifications.domain import NoticeKind, notice_of
from services.notifications.mails import LANGUAGES, Letterhead, compose, link_of, render
from services.notifications.people import Contact

NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
SUBJECT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
EVERY = [(kind, language) for kind in NoticeKind for language in LANGUAGES]


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_nothing_is_left_to_fill_in(kind: NoticeKind, language: str) -> None:
    subject, text = render(kind, language, link="https://ascms.example.nz/x")

    assert subject
    assert "$" not in subject + text
    assert "{" not in subject + text
    assert text.count("https://ascms.example.nz/x\n") == 1
    assert unicodedata.is_normalized("NFC", subject + text)


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_te_reo_keeps_its_macrons_and_is_not_english(kind: NoticeKind) -> None:
    _, maori = render(kind, "mi", link="")
    _, english = render(kind, "en", link="")

    assert set("āēīōū") & set(maori)
    assert maori != english


def test_a_language_we_do_not_have_is_answered_in_english() -> None:
    notice = notice_of(
        event_id=UUID(int=1), person_id=UUID(int=2), kind=NoticeKind.CASE_ASSIGNED, subject_id=SUBJECT, now=NOW
    )
    contact = Contact(name="Example Person", email="example@example.nz", language="fr")

    mail = compose(notice, contact, Letterhead("https://ascms.example.nz", "notices@example.nz"), now=NOW)

    assert mail["Content-Language"] == "en"
    assert mail["Subject"] == "A case is now yours"


@pytest.mark.parametrize(
    ("kind", "path"), [(NoticeKind.CASE_ASSIGNED, "cases"), (NoticeKind.REQUEST_OVERDUE, "incoming")]
)
def test_a_link_leads_to_the_page(kind: NoticeKind, path: str) -> None:
    notice = notice_of(event_id=UUID(int=1), person_id=UUID(int=2), kind=kind, subject_id=SUBJECT, now=NOW)

    assert link_of(notice, "https://ascms.example.nz") == f"https://ascms.example.nz/{path}/{SUBJECT}"
