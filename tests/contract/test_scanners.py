"""The scanner's client with a small clamd, and with ClamAV's own where it is installed: one behaviour."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from kit.errors import UnavailableError
from services.documents.scanning import ClamdScanner, Scanner, open_scanner
from tests.support.clamd import HARMFUL, fake_clamd

PIECE = 256 * 1024


@pytest.fixture(scope="session")
def clamav_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A clamd of this machine with one signature of ours; its signatures cannot be had everywhere."""
    clamd = shutil.which("clamd")
    if clamd is None:
        pytest.skip("NO CLAMAV is here: `apt-get install clamav-daemon` brings it")
    folder = tmp_path_factory.mktemp("clamav")
    (folder / "ours.hdb").write_text(f"{md5(HARMFUL).hexdigest()}:{len(HARMFUL)}:Demo.Harmful\n")  # noqa: S324 - its form
    (folder / "clamd.conf").write_text(
        f"LocalSocket {folder}/clamd.ctl\nDatabaseDirectory {folder}\nForeground yes\nStreamMaxLength 30M\n"
        f"MaxFileSize 30M\nMaxScanSize 30M\nTemporaryDirectory {folder}\n"
    )
    with subprocess.Popen([clamd, "-c", str(folder / "clamd.conf")], stdout=subprocess.DEVNULL) as process:
        _await_socket(folder / "clamd.ctl")
        yield f"clamd://{folder}/clamd.ctl"
        process.terminate()


def _await_socket(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not open_scanner(f"clamd://{path}").is_ready():  # type: ignore[union-attr]  # a URL makes one
        assert time.monotonic() < deadline, "clamd does not answer"
        time.sleep(0.05)


@pytest.fixture(params=["fake", "clamav"])
def scanner(request: pytest.FixtureRequest) -> Iterator[Scanner]:
    with fake_clamd() as fake:
        url = fake.url if request.param == "fake" else request.getfixturevalue("clamav_url")
        found = open_scanner(url)
        assert found is not None
        yield found


def test_what_is_harmless_is_clean(scanner: Scanner) -> None:
    assert scanner.is_clean([b"Kia ora, wh", "ānau".encode()])


def test_an_empty_file_is_clean(scanner: Scanner) -> None:
    assert scanner.is_clean([])


def test_what_is_harmful_is_found(scanner: Scanner) -> None:
    assert not scanner.is_clean([HARMFUL])


def test_what_is_harmful_is_found_across_pieces(scanner: Scanner) -> None:
    assert not scanner.is_clean([HARMFUL[:5], HARMFUL[5:]])


def test_the_largest_file_is_scanned(scanner: Scanner) -> None:
    block = os.urandom(PIECE)
    assert scanner.is_clean(block for _ in range(100))


def test_a_scanner_says_that_it_is_ready(scanner: Scanner) -> None:
    assert scanner.is_ready()


def test_a_scanner_with_too_small_a_limit_does_not_say_clean() -> None:
    with fake_clamd() as fake:
        fake.most_bytes = 10
        with pytest.raises(UnavailableError):
            ClamdScanner(fake.address).is_clean([b"x" * 11])


def test_a_scanner_that_is_away_cannot_say() -> None:
    away = ClamdScanner(("127.0.0.1", 1))
    assert not away.is_ready()
    with pytest.raises(UnavailableError):
        away.is_clean([b"x"])


def test_a_scanner_that_never_answers_is_not_waited_for_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scanner = ClamdScanner(silent.getsockname()[:2], timeout_seconds=0.1)
        with pytest.raises(UnavailableError):
            scanner.is_clean([b"x"])


def test_no_url_is_no_scanner() -> None:
    assert open_scanner("") is None


@pytest.mark.parametrize("url", ["clamd://host", "tcp://host:1", "clamd://host/path", "clamav"])
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a scanner is"):
        open_scanner(url)
