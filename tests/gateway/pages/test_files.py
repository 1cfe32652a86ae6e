"""Files of a case: the list, putting in, having, describing, taking out."""

from collections.abc import Callable
from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage

from kit.errors import UnavailableError
from services.gateway.transfer import MOST_BYTES
from tests.gateway.pages.conftest import Browser, hidden_fields
from tests.support.stub_documents import CONTENT
from tests.support.stub_world import World, number_id

As = Callable[..., Browser]
FILES = f"/cases/{number_id(303)}/files"
ADD = f"{FILES}/new"
CLEAN, UNSCANNED, WAITING, GONE, LETTER = (f"/files/{number_id(900 + number)}" for number in (0, 1, 2, 5, 6))


def attached(*contents: bytes, name: str = "Whānau hui {}.txt") -> list[FileStorage]:
    return [FileStorage(BytesIO(one), filename=name.format(number)) for number, one in enumerate(contents, 1)]


def test_the_list_says_what_each_file_is_and_where_its_scan_stands(as_: As) -> None:
    page = as_("manager").text(FILES)
    for words in (
        "Hui 4 March.txt",
        "Text, 2.3\u00a0MB",
        "Who came, and what was agreed",
        "Shared with the school",
        "Checked",
        "Not checked for viruses",
        "Being checked",
        "Not checked yet",
        "Harmful, deleted",
        "A file is harmful",
        "Taken out",
        "The wrong student",
        "Hēmi Testcase",
    ):
        assert words in page


def test_what_can_be_done_with_each_is_offered_and_nothing_else(as_: As) -> None:
    page = as_("manager").text(FILES)
    assert f'href="{CLEAN}" download' in page
    assert f'href="{WAITING}" download' not in page
    assert f'href="{WAITING}/remove"' in page
    assert f'href="{GONE}/remove"' not in page


def test_a_case_without_files_says_so(as_: As) -> None:
    assert "No files yet" in as_("lead").text(f"/cases/{number_id(305)}/files")


def test_the_case_leads_to_its_files(as_: As) -> None:
    assert f'href="{FILES}"' in as_("manager").text(f"/cases/{number_id(303)}")


def test_files_are_put_into_the_case_with_what_is_said_about_them(as_: As, world: World) -> None:
    manager = as_("manager")
    response = manager.send(ADD, files=attached(b"one", b"two"), description="From the hui", share="y")
    assert (response.status_code, response.location) == (303, f"{FILES}?added=2")
    headers = [request for method, request in world.calls if method == "UploadDocument"]
    assert [(one.name, one.description, one.visibility) for one in headers] == [
        ("Whānau hui 1.txt", "From the hui", 2),
        ("Whānau hui 2.txt", "From the hui", 2),
    ]
    assert "They stand first below" in manager.text(response.location)


def test_a_file_that_is_refused_says_why_and_the_others_are_kept(as_: As, world: World) -> None:
    files = [*attached(b"MZ program", name="setup.exe"), *attached(b"", name="empty.txt"), *attached(b"fine")]
    response = as_("manager").send(ADD, files=files, description="From the hui")
    assert response.status_code == 422
    assert "setup.exe is of a kind that we do not keep" in response.text
    assert "empty.txt is empty" in response.text
    assert "Whānau hui 1.txt" in response.text
    assert 'value="From the hui"' in response.text
    assert [one.name for one in world.documents.values()][-1] == "Whānau hui 1.txt"


def test_one_byte_too_many_is_told_by_its_rule_and_sent_nowhere(
    as_: As, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The true limit is tried by the REST API's tests.
    monkeypatch.setattr("services.gateway.transfer.MOST_BYTES", 1_000)
    response = as_("manager").send(ADD, files=attached(bytes(1_001)))
    assert response.status_code == 422
    assert "Whānau hui 1.txt is larger than 25 MB" in response.text
    assert "UploadDocument" not in {method for method, _request in world.calls}


def test_far_too_much_is_told_in_words(as_: As) -> None:
    manager = as_("manager")
    form = manager.fill(ADD)
    response = manager.client.post(
        ADD,
        data=form,
        base_url="http://localhost",
        content_type="multipart/form-data",
        environ_overrides={"CONTENT_LENGTH": str(10 * MOST_BYTES)},
    )
    assert response.status_code == 413
    assert "Files may have up to 25 MB each." in response.text


def test_who_may_not_put_files_in_may_not_send_much_either(as_: As) -> None:
    response = as_("attendance").client.post(
        ADD, data={}, base_url="http://localhost", environ_overrides={"CONTENT_LENGTH": str(MOST_BYTES)}
    )
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("files", "words"),
    [([], "Choose at least one file."), ([b"x"] * 6, "Choose at most 5 files at once.")],
)
def test_the_number_of_files_has_bounds(as_: As, files: list[bytes], words: str) -> None:
    response = as_("manager").send(ADD, files=attached(*files) or FileStorage(BytesIO(), filename=""))
    assert response.status_code == 422
    assert words in response.text


FORM = "multipart/form-data"
EDGE = "edge"


def part(head: str, body: bytes = b"x") -> bytes:
    return f"--{EDGE}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n"


@pytest.mark.parametrize(
    ("content_type", "body", "statuses"),
    [
        (FORM, part('name="files"; filename="a.txt"'), {400}),
        (f"{FORM}; boundary={EDGE}", part('name="description"'), {400}),
        (f"{FORM}; boundary=other", part('name="files"; filename="a.txt"') + b"--edge--", {400}),
        (f"{FORM}; boundary={EDGE}", part(f'name="files"; filename="{"a" * 2_000_000}"') + b"--edge--", {400, 413}),
        (f"{FORM}; boundary={EDGE}", part('name="description"') * 2_000 + b"--edge--", {413}),
        (f"{FORM}; boundary={EDGE}", part('name="description"', b"x" * 2_000_000) + b"--edge--", {413}),
    ],
    ids=["no boundary", "no end", "another boundary", "a huge header", "many parts", "a huge field"],
)
def test_a_form_that_is_no_form_keeps_nothing(
    as_: As, world: World, content_type: str, body: bytes, statuses: set[int]
) -> None:
    response = as_("manager").client.post(ADD, data=body, content_type=content_type, base_url="http://localhost")
    assert response.status_code in statuses
    assert "UploadDocument" not in {method for method, _request in world.calls}


def test_two_files_are_two_and_what_the_browser_says_of_their_type_counts_for_nothing(as_: As, world: World) -> None:
    one, two = attached(b"one", b"two")
    one.headers["Content-Type"] = "text/html"
    assert as_("manager").send(ADD, files=[one, two]).status_code == 303
    headers = [request for method, request in world.calls if method == "UploadDocument"]
    assert [header.name for header in headers] == ["Whānau hui 1.txt", "Whānau hui 2.txt"]


def test_a_name_is_sent_without_what_no_name_needs(as_: As, world: World) -> None:
    as_("manager").send(ADD, files=attached(b"x", name="M\u0101ori\u202egnp.txt"))
    (header,) = [request for method, request in world.calls if method == "UploadDocument"]
    assert header.name == "Māorignp.txt"


def test_what_could_not_be_stored_is_sent_again_with_what_was_written(as_: As, world: World) -> None:
    world.failures["UploadDocument"] = UnavailableError("store-away", "away")
    manager = as_("manager")
    response = manager.send(ADD, files=attached(b"one"), description="Kept words")
    assert response.status_code == 503
    assert "could not be stored just now" in response.text
    assert 'value="Kept words"' in response.text
    del world.failures["UploadDocument"]
    again = manager.post(ADD, {**hidden_fields(response.text), "files": attached(b"one"), "description": "Kept words"})
    assert again.status_code == 303


def test_a_file_is_downloaded_to_be_saved(as_: As) -> None:
    with as_("manager").get(CLEAN) as response:
        assert response.data == CONTENT
        assert response.headers["Content-Disposition"].startswith("attachment; ")
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_file_that_is_being_checked_is_not_had_and_says_so(as_: As) -> None:
    response = as_("manager").get(WAITING)
    assert response.status_code == 409
    assert "This file is being checked" in response.text


def test_a_file_is_described(as_: As, world: World) -> None:
    manager = as_("manager")
    page = manager.text(f"{UNSCANNED}/describe")
    assert 'value="Whānau hui notes.pdf"' in page
    response = manager.send(f"{UNSCANNED}/describe", name="Hui.pdf", description="Who came")
    assert (response.status_code, response.location) == (303, f"{FILES}?done=described")
    assert world.documents[number_id(901)].name == "Hui.pdf"


def test_the_second_of_two_sees_both_versions_and_loses_nothing(as_: As, world: World) -> None:
    manager = as_("manager")
    form = manager.fill(f"{UNSCANNED}/describe", name="Mine.pdf", description="My words")
    manager.send(f"{UNSCANNED}/describe", name="Theirs.pdf", description="Their words")
    response = manager.post(f"{UNSCANNED}/describe", form)
    assert response.status_code == 409
    for words in ("Someone else changed this", "Theirs.pdf", "Their words", 'value="Mine.pdf"', 'value="My words"'):
        assert words in response.text


def test_a_file_is_taken_out_with_a_reason(as_: As, world: World) -> None:
    manager = as_("manager")
    response = manager.send(f"{CLEAN}/remove", reason="")
    assert (response.status_code, "Say why." in response.text) == (422, True)
    response = manager.send(f"{CLEAN}/remove", reason="The sister's case")
    assert (response.status_code, response.location) == (303, f"{FILES}?done=removed")
    assert "The sister&#39;s case" in manager.text(response.location)


@pytest.mark.parametrize("verb", ["describe", "remove"])
def test_what_is_out_already_is_not_asked_about_again(as_: As, verb: str) -> None:
    page = as_("manager").text(f"{GONE}/{verb}")
    assert "This file was taken out of the case" in page
    assert "<textarea" not in page


def test_a_letter_offers_no_way_out_and_says_why(as_: As) -> None:
    manager = as_("manager")
    page = manager.text(FILES)
    assert f"{LETTER}/describe" in page
    assert f"{LETTER}/remove" not in page
    assert "A letter is kept as it was printed and cannot be taken out." in page
    refused = manager.text(f"{LETTER}/remove")
    assert "This letter is kept as a record" in refused
    assert "<textarea" not in refused


@pytest.mark.parametrize("path", ["", "/describe", "/remove"])
def test_a_file_that_is_none_is_not_found(as_: As, path: str) -> None:
    assert as_("manager").get(f"/files/{number_id(999)}{path}").status_code == 404


def test_documents_away_is_said_in_words(as_: As, world: World) -> None:
    world.failures["ListDocuments"] = UnavailableError("store-away", "away")
    assert as_("manager").get(FILES).status_code == 503
