"""A return's pages: written, checked, submitted, downloaded; and how the ministry decides."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import openpyxl
import pytest
from ascms.reporting.v1 import returns_pb2

from services.gateway.reports.downloads import Document, Table, as_csv, as_xlsx, harmless
from tests.gateway.pages.conftest import Browser
from tests.support.stub_quarter import CHECKSUM
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
RETURN = "/returns/2026-Q1"
PROVIDER = f"/provider-returns/2026-Q1/{number_id(1)}"


def given_a_checked_return(lead: Browser) -> None:
    answers = {"do": "check", "explanation_change_cases_opened": "Two schools closed."}
    assert lead.send(RETURN, **answers).location == f"{RETURN}?done=checked"


def given_a_submitted_return(lead: Browser) -> None:
    given_a_checked_return(lead)
    assert lead.send(f"{RETURN}/submit").location == f"{RETURN}?done=submitted"


def test_a_return_says_what_it_holds_when_it_is_due_and_what_is_next(as_: As) -> None:
    page = as_("lead").text(RETURN)

    assert "January to March 2026" in page
    assert "Draft" in page
    assert "To submit it, have it checked" in page
    assert "6 fewer" in page, "since the quarter before"


def test_comments_are_saved_and_shown_again(as_: As, world: World) -> None:
    lead = as_("lead")

    assert lead.send(RETURN, do="save", comment_cases="A busy term.").location == f"{RETURN}?done=saved"

    assert [(each.code, each.text) for each in world.filed.comments] == [("cases", "A busy term.")]
    assert "A busy term." in lead.text(f"{RETURN}?done=saved")


def test_what_the_check_finds_is_explained_where_it_stands(as_: As) -> None:
    lead = as_("lead")
    lead.send(RETURN, do="check")

    page = lead.text(f"{RETURN}?done=checked")
    assert "Cases opened changed by more than half" in page
    assert "3 now, 9 the quarter before" in page
    assert "Submit the return" not in page

    given_a_checked_return(lead)
    assert "Submit the return" in lead.text(RETURN)


def test_a_colleagues_change_is_said_and_nothing_typed_is_lost(as_: As, world: World) -> None:
    lead = as_("lead")
    form = lead.fill(RETURN, do="save", comment_work="Mine.")
    world.filed.version += 1

    response = lead.post(RETURN, form)

    assert response.status_code == 409
    assert "A colleague changed the return" in response.text
    assert "Mine." in response.text


def test_a_submitted_return_is_frozen_with_its_checksum_and_what_changed(as_: As) -> None:
    lead = as_("lead")
    given_a_submitted_return(lead)

    page = lead.text(RETURN)

    assert CHECKSUM in page
    assert "Changed since it was submitted" in page
    assert "1 h 30" in page
    assert "<textarea" not in page


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf", "json"])
def test_a_frozen_return_downloads_the_same_bytes_each_time(as_: As, kind: str) -> None:
    lead = as_("lead")
    given_a_submitted_return(lead)

    first, second = lead.get(f"{RETURN}/{kind}"), lead.get(f"{RETURN}/{kind}")

    assert first.status_code == 200
    assert first.data == second.data
    assert first.headers["Content-Disposition"] == f'attachment; filename="return-2026-Q1-1.{kind}"'


def test_a_draft_has_no_frozen_bytes(as_: As) -> None:
    assert as_("lead").get(f"{RETURN}/json").status_code == 404
    assert as_("lead").get(f"{RETURN}/csv").data.startswith(b"\xef\xbb\xbf")


def test_the_ministry_accepts_and_reopens_with_a_reason(as_: As, world: World) -> None:
    given_a_submitted_return(as_("lead"))
    admin = as_("admin")
    assert "Tūī Attendance Service" in admin.text("/provider-returns/2026-Q1")

    assert admin.send(f"{PROVIDER}/accept").location == "/provider-returns/2026-Q1?done=accepted"
    assert world.filed.state == returns_pb2.RETURN_STATE_ACCEPTED

    refused = admin.send(f"{PROVIDER}/reopen", reason=" ")
    assert refused.status_code == 422
    assert "Say why. The provider reads it." in refused.text
    admin.send(f"{PROVIDER}/reopen", reason="One school was left out.")
    assert "One school was left out." in as_("lead").text(RETURN)


def test_an_analyst_sees_how_returns_stand_and_decides_nothing(as_: As) -> None:
    given_a_submitted_return(as_("lead"))

    page = as_("analyst").text("/provider-returns/2026-Q1")

    assert "Submitted" in page
    assert "/accept" not in page
    assert "/cases/" not in page


def test_the_cases_behind_a_figure_open_and_those_of_others_are_said(as_: As) -> None:
    page = as_("lead").text("/figures/2026-Q1/minutes?by=kind&key=home-visit")

    assert f"/cases/{number_id(303)}" in page
    assert "1 of these cases is not yours to see." in page
    assert "By kind of work: Home visit" in page


def test_the_national_page_has_no_way_to_a_case(as_: As) -> None:
    page = as_("analyst").text("/national-figures/2026-Q1")

    assert "Taranaki" in page
    assert "/cases" not in page
    assert "/figures/2026-Q1/" not in page.replace("/national-figures/", "")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_the_national_table_downloads_with_the_same_numbers_hidden(as_: As, kind: str) -> None:
    answer = as_("analyst").get(f"/national-figures/2026-Q1/{kind}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


HOSTILE = '=HYPERLINK("http://x.example")'
DOCUMENT = Document(
    "Pūrongo",
    ["@fact"],
    created=datetime(2026, 4, 1, 2, 0, tzinfo=UTC),
    tables=[Table("Ngā kēhi: [a/b]", ["Kura", "N"], [[HOSTILE, 1204], ["Te Kura o Ngāmotu", 7]], note="-note")],
)


def test_text_never_becomes_a_formula_and_macrons_stay() -> None:
    text = as_csv(DOCUMENT).decode("utf-8-sig")
    assert "\"'=HYPERLINK" in text
    assert "'@fact" in text
    assert "Te Kura o Ngāmotu,7" in text

    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(DOCUMENT))).worksheets[1]
    assert (sheet["A4"].value, sheet["A4"].data_type, sheet["B4"].value) == (HOSTILE, "s", 1204)
    assert "<f>" not in zipfile.ZipFile(io.BytesIO(as_xlsx(DOCUMENT))).read("xl/worksheets/sheet2.xml").decode()


@pytest.mark.parametrize(
    "text", ["=1+1", "  =1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\u00a0=1"]
)
def test_whatever_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert (harmless("Tūī = manu"), harmless(-1)) == ("Tūī = manu", -1)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert as_xlsx(DOCUMENT) == as_xlsx(DOCUMENT)
