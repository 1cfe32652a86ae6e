"""The words of notices: complete in each language, macrons kept, naming nobody."""

import unicodedata
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.notifications.domain import NoticeKind, invitation_notice, notice_of
from services.notifications.mails import LANGUAGES, Letterhead, compose, compose_invitation, link_of, render
from services.notifications.people import Contact, Invited

NOW = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
SUBJECT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FIELDS = {"lines": "A line", "name": "Example", "organisation": "Example Provider", "until": "18 March 2026"}
LETTERHEAD = Letterhead("https://ascms.example.nz", "notices@example.nz", "https://sign-in.example.nz")
EVERY = [(kind, language) for kind in NoticeKind for language in LANGUAGES]


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_nothing_is_left_to_fill_in(kind: NoticeKind, language: str) -> None:
    subject, text = render(kind, language, link="https://ascms.example.nz/x", **FIELDS)

    assert subject
    assert "$" not in subject + text
    assert "{" not in subject + text
    assert text.count("https://ascms.example.nz/x\n") == 1
    assert unicodedata.is_normalized("NFC", subject + text)


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_te_reo_keeps_its_macrons_and_is_not_english(kind: NoticeKind) -> None:
    _, maori = render(kind, "mi", link="", **FIELDS)
    _, english = render(kind, "en", link="", **FIELDS)

    assert set("āēīōū") & set(maori)
    assert maori != english


def test_a_language_we_do_not_have_is_answered_in_english() -> None:
    notice = notice_of(
        event_id=UUID(int=1), person_id=UUID(int=2), kind=NoticeKind.CASE_ASSIGNED, subject_id=SUBJECT, now=NOW
    )
    contact = Contact(name="Example Person", email="example@example.nz", language="fr")

    mail = compose(notice, contact, LETTERHEAD, now=NOW)

    assert mail["Content-Language"] == "en"
    assert mail["Subject"] == "A case is now yours"


@pytest.mark.parametrize(
    ("kind", "path"), [(NoticeKind.CASE_ASSIGNED, "cases"), (NoticeKind.REQUEST_OVERDUE, "incoming")]
)
def test_a_link_leads_to_the_page(kind: NoticeKind, path: str) -> None:
    notice = notice_of(event_id=UUID(int=1), person_id=UUID(int=2), kind=kind, subject_id=SUBJECT, now=NOW)

    assert link_of(notice, "https://ascms.example.nz") == f"https://ascms.example.nz/{path}/{SUBJECT}"


@pytest.mark.parametrize(("language", "until"), [("en", "18 March 2026"), ("mi", "18 Poutūterangi 2026")])
def test_an_invitation_leads_to_the_sign_in_service_and_says_until_when(language: str, until: str) -> None:
    notice = invitation_notice(event_id=UUID(int=1), link_id=SUBJECT, now=NOW)
    invited = Invited(
        contact=Contact(name="Demo $Māia Example", email="maia@example.nz", language=language),
        organisation="Te Pūtahi Tauira",
        key="k" * 43,
        expires_at=datetime(2026, 3, 17, 21, 0, tzinfo=UTC),
    )

    mail = compose_invitation(notice, invited, LETTERHEAD, now=NOW)

    assert mail["To"].addresses[0].addr_spec == "maia@example.nz"
    text = mail.get_content()
    assert f"https://sign-in.example.nz/invitation?key={'k' * 43}\n" in text
    assert "Demo $Māia Example" in text
    assert "Te Pūtahi Tauira" in text
    assert until in text
