"""Both object stores, one behaviour: a folder, and real S3 servers started by deploy/local/servers."""

import os
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from kit.errors import UnavailableError
from kit.objects import CHUNK_BYTES, FolderStore, ObjectMissingError, ObjectStore, open_store
from tests.contract.conftest import owner_of_run, servers

BODY = os.urandom(3 * CHUNK_BYTES + 17)


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The S3 server of this run, or the one that ASCMS_TEST_S3_URL names."""
    return os.environ.get("ASCMS_TEST_S3_URL") or _started("s3", tmp_path_factory)


@pytest.fixture(scope="session")
def minio_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """MinIO itself: where its binary is, or has to be made with ASCMS_TEST_MINIO=1."""
    return _started("minio", tmp_path_factory)


def _started(kind: str, folders: pytest.TempPathFactory) -> str:
    base = folders.getbasetemp()
    state = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "servers"
    is_required = os.environ.get(f"ASCMS_TEST_{kind.upper()}") == "1"
    if not is_required and not servers(kind, "status", state=state)["fetched"]:
        pytest.skip(f"NO {kind.upper()} SERVER is here: run `deploy/local/servers {kind} fetch` once (needs Go)")
    started = servers(kind, "start", "--while-pid", str(owner_of_run()), state=state)
    return f"s3://{started['access_key']}:{started['secret_key']}@{started['address']}/contract"


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


def test_a_new_folder_is_ready(tmp_path: Path) -> None:
    assert FolderStore(tmp_path / "new").is_ready()


@pytest.mark.parametrize("url", ["", "ftp://x/y", "s3://host/bucket", "s3://a:b@host"])
def test_a_wrong_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="an object store is") as caught:
        open_store(url)
    assert not url or url not in str(caught.value)
