"""Both object stores, one behaviour: a folder, and real S3 servers started by deploy/local/servers."""

import contextlib
import os
import socketserver
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from kit.errors import UnavailableError
from kit.objects import CHUNK_BYTES, FolderStore, ObjectMissingError, ObjectStore, open_store
from tests.support.local_servers import object_server

BODY = os.urandom(3 * CHUNK_BYTES + 17)


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The S3 server of this run, or the one that ASCMS_TEST_S3_URL names."""
    return os.environ.get("ASCMS_TEST_S3_URL") or object_server("s3", tmp_path_factory, bucket="contract")


@pytest.fixture(scope="session")
def minio_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """MinIO itself: where its binary is, or has to be made with ASCMS_TEST_MINIO=1."""
    return object_server("minio", tmp_path_factory, bucket="contract")


@pytest.fixture(params=["folder", "s3", "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    url = f"folder://{tmp_path}" if request.param == "folder" else request.getfixturevalue(f"{request.param}_url")
    store = open_store(url)
    yield store
    for found in list(store.list("")):
        store.delete(found.key)


def put(store: ObjectStore, key: str, body: bytes) -> None:
    store.put(key, BytesIO(body), size=len(body), content_type="text/plain")


def test_what_was_put_is_read(store: ObjectStore) -> None:
    put(store, "a/b-1", BODY)
    pieces = list(store.read("a/b-1"))
    assert b"".join(pieces) == BODY
    assert max(map(len, pieces)) <= CHUNK_BYTES


def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    put(store, "a/b", BODY)
    put(store, "a/b", b"short")
    assert b"".join(store.read("a/b")) == b"short"


def test_what_is_missing_is_said_before_the_first_piece(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissingError):
        store.read("a/none")


def test_a_deleted_object_is_gone_and_deleting_again_is_harmless(store: ObjectStore) -> None:
    put(store, "a/b", BODY)
    store.delete("a/b")
    store.delete("a/b")
    with pytest.raises(ObjectMissingError):
        store.read("a/b")


def test_a_listing_has_every_object_below_a_prefix(store: ObjectStore) -> None:
    for key in ("one/a", "one/b", "two/a"):
        put(store, key, b"x" * 7)
    assert {(found.key, found.size) for found in store.list("one/")} == {("one/a", 7), ("one/b", 7)}
    assert len(list(store.list(""))) == 3


@pytest.mark.parametrize("key", ["../up", "/root", "a//b", "A", "a/../b", "", "a\x00b", "naïve"])
def test_a_key_that_a_person_might_have_chosen_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        put(store, key, b"x")


def test_a_source_that_ends_early_leaves_nothing(store: ObjectStore) -> None:
    with pytest.raises(UnavailableError):
        store.put("a/b", BytesIO(b"half"), size=8, content_type="text/plain")
    with pytest.raises(ObjectMissingError):
        store.read("a/b")


def test_a_source_that_ends_early_leaves_what_was_there(store: ObjectStore) -> None:
    put(store, "a/b", BODY)
    with pytest.raises(UnavailableError):
        store.put("a/b", BytesIO(b"half"), size=8, content_type="text/plain")
    assert b"".join(store.read("a/b")) == BODY


def test_a_source_of_unknown_length_is_stored_to_its_end(store: ObjectStore) -> None:
    store.put("a/b", BytesIO(BODY), size=None, content_type="text/plain")
    assert b"".join(store.read("a/b")) == BODY
    store.put("a/b", BytesIO(b""), size=None, content_type="text/plain")
    assert list(store.read("a/b")) == []


def test_a_reader_that_stops_half_way_leaves_the_store_well(store: ObjectStore) -> None:
    put(store, "a/b", BODY)
    for _ in range(20):
        with store.read("a/b") as pieces:
            next(pieces)
    assert b"".join(store.read("a/b")) == BODY


def test_a_put_holds_pieces_in_memory_and_not_the_object(store: ObjectStore, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(25 * 1024 * 1024)
    store.put("a/warm", BytesIO(b"x"), size=1, content_type="text/plain")
    tracemalloc.start()
    try:
        with large.open("rb") as file:
            store.put("a/b", file, size=25 * 1024 * 1024, content_type="text/plain")
        assert tracemalloc.get_traced_memory()[1] < 8 * CHUNK_BYTES
    finally:
        tracemalloc.stop()


def test_what_a_writer_that_died_left_behind_is_discarded(tmp_path: Path) -> None:
    folder = FolderStore(tmp_path)
    put(folder, "a/b", BODY)
    (tmp_path / "a" / ".half").write_bytes(b"half")
    begun = datetime.fromtimestamp((tmp_path / "a" / ".half").stat().st_mtime, UTC)
    assert folder.discard_unfinished(before=begun) == 0
    assert folder.discard_unfinished(before=begun + timedelta(seconds=1)) == 1
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b"]


def test_twenty_at_once_do_not_mix(store: ObjectStore) -> None:
    def work(number: int) -> None:
        put(store, f"many/{number}", bytes([number]) * 100_000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(b"".join(store.read(f"many/{number}"))) for number in range(20)] == [{n} for n in range(20)]


def test_a_store_says_that_it_is_ready(store: ObjectStore) -> None:
    assert store.is_ready()


def test_a_server_that_is_away_is_not_ready_and_says_so() -> None:
    away = open_store("s3://key:secret@127.0.0.1:1/bucket")
    assert not away.is_ready()
    with pytest.raises(UnavailableError):
        put(away, "a/b", b"x")


class Tardy(socketserver.BaseRequestHandler):
    """A server that takes a connection and then does not do what it should: a handler for each fault."""

    def handle(self) -> None:
        """Say nothing."""
        self.server.is_over.wait()  # type: ignore[attr-defined]


class Trickling(Tardy):
    def handle(self) -> None:
        """Promise a megabyte and send it byte by byte."""
        self.request.recv(65_536)
        with contextlib.suppress(OSError):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not self.server.is_over.wait(0.02):  # type: ignore[attr-defined]
                self.request.sendall(b"x")


@pytest.fixture
def tardy_store(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    """A store whose server is as bad as the test's parameter says, and that is waited for shortly."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), request.param) as server:
        server.daemon_threads = True
        server.is_over = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        yield open_store(f"s3://key:secret@{address}/bucket?answer_seconds=0.1&object_seconds=0.3")
        server.is_over.set()  # type: ignore[attr-defined]
        server.shutdown()


@pytest.mark.parametrize("tardy_store", [Tardy], indirect=True)
def test_a_server_that_says_nothing_is_given_up(tardy_store: ObjectStore) -> None:
    for attempt in (
        lambda: put(tardy_store, "a/b", BODY),
        lambda: tardy_store.read("a/b"),
        lambda: tardy_store.delete("a/b"),
        lambda: list(tardy_store.list("")),
    ):
        with pytest.raises(UnavailableError) as caught:
            attempt()
        assert caught.value.reason == "store-away"
        assert "Try again in a moment." in str(caught.value)
    assert not tardy_store.is_ready()


@pytest.mark.parametrize("tardy_store", [Trickling], indirect=True)
def test_a_server_that_never_comes_to_an_end_is_given_up(tardy_store: ObjectStore) -> None:
    with pytest.raises(UnavailableError), tardy_store.read("a/b") as pieces:
        list(pieces)


def test_a_new_folder_is_ready(tmp_path: Path) -> None:
    assert FolderStore(tmp_path / "new").is_ready()


@pytest.mark.parametrize("url", ["", "ftp://x/y", "s3://host/bucket", "s3://a:b@host"])
def test_a_wrong_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="an object store is") as caught:
        open_store(url)
    assert not url or url not in str(caught.value)
