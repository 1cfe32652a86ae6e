"""What can keep the system from starting: each is said in one line that names a remedy."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.up import cli, install, options, ports, postgres, state
from deploy.local.up.options import ROOT, Complaint

ENTRY = ROOT / "deploy" / "local" / "up"
OLD = [found for name in ("python2.7", "python3.6", "python3.8", "python3.10") if (found := shutil.which(name))]


def one_line(error: pytest.ExceptionInfo[Complaint]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_an_old_python_says_which_one_is_needed() -> None:
    program = f"import sys, runpy; sys.version_info = (3, 8, 1); runpy.run_path({str(ENTRY)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or later" in done.stderr
    assert "make up PYTHON=" in done.stderr


@pytest.mark.parametrize("python", OLD)
def test_old_pythons_parse_the_entry(python: str) -> None:
    done = subprocess.run([python, str(ENTRY)], capture_output=True, text=True, check=False)
    assert "SyntaxError" not in done.stderr
    # A version manager's stand-in for a Python that is not chosen also says so, in its own words.
    assert done.returncode != 0


def test_a_python_without_venv_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(Complaint) as error:
        install._make_environment()
    assert "venv and ensurepip" in one_line(error)
    assert "python3-venv" in one_line(error)


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1", "80.5"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(Complaint) as error:
        options.read({"ASCMS_PORT": port})
    assert "ASCMS_PORT" in one_line(error)
    assert port in one_line(error)


@pytest.mark.parametrize(
    ("name", "begins"),
    [("ASCMS_BROKER_URL", "kafka://"), ("ASCMS_POSTGRES_URL", "postgresql://"), ("ASCMS_STORE_URL", "s3://")],
)
def test_a_wrong_server_is_named_and_its_address_not_repeated(name: str, begins: str) -> None:
    with pytest.raises(Complaint) as error:
        options.read({name: "key:secret@localhost:9092"})
    assert f"{name} begins with {begins}" in one_line(error)
    assert "secret" not in one_line(error)


def test_without_settings_it_is_port_8080_and_the_clone_itself() -> None:
    found = options.read({})
    assert (found.base_url, found.issuer) == ("http://127.0.0.1:8080", "http://127.0.0.1:8081")
    assert (found.state, found.broker_url) == (ROOT / ".state", "")


def test_a_busy_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Complaint) as error:
            ports.require_free([f"127.0.0.1:{port}"], patience_seconds=0)
    assert f"port {port} is busy" in one_line(error)
    assert "ASCMS_PORT" in one_line(error)


def test_another_copy_in_the_same_folder_is_named(tmp_path: Path) -> None:
    with (
        state.held(tmp_path, about="http://127.0.0.1:9080"),
        pytest.raises(Complaint) as error,
        state.held(tmp_path),
    ):
        pytest.fail("two copies in one folder")
    assert "another copy is running at http://127.0.0.1:9080" in one_line(error)
    assert "kill " in one_line(error)


def test_a_folder_may_be_held_again_afterwards(tmp_path: Path) -> None:
    with state.held(tmp_path / "deep" / "state"):
        pass
    with state.held(tmp_path / "deep" / "state"):
        assert (tmp_path / "deep" / "state").is_dir()


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(Complaint) as error, state.held(tmp_path / "state"):
        pytest.fail("held a file")
    assert "ASCMS_STATE" in one_line(error)


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    first = state.secrets_of(tmp_path)
    assert state.secrets_of(tmp_path) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert len(set(first.values())) == len(first)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"service_secret": "x"}'])
def test_broken_secrets_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(Complaint) as error:
        state.secrets_of(tmp_path)
    assert "secrets.json is broken" in one_line(error)
    assert "make clean-state" in one_line(error)


def test_data_without_their_secrets_are_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(Complaint) as error:
        state.secrets_of(tmp_path)
    assert "make clean-state" in one_line(error)


def test_a_half_made_cluster_is_named(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18\n")
    with pytest.raises(Complaint) as error:
        postgres._check(tmp_path, version="18")
    assert "half-made" in one_line(error)
    assert "make clean-state" in one_line(error)


def test_a_cluster_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16\n")
    (tmp_path / "global").mkdir()
    (tmp_path / "global" / "pg_control").write_text("")
    with pytest.raises(Complaint) as error:
        postgres._check(tmp_path, version="18")
    assert "PostgreSQL 16" in one_line(error)


def test_the_record_of_a_server_that_died_is_forgotten(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    record = tmp_path / "postmaster.pid"
    record.write_text(f"{gone.pid}\n{tmp_path}\n")
    postgres._end_orphan(tmp_path)
    assert not record.exists()


def test_forgetting_deletes_our_folder_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    with state.held(ours):
        pass
    (ours / "postgres").mkdir()
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("ASCMS_STATE", str(ours))
    assert cli.main(["clean-state"]) == 0
    monkeypatch.setenv("ASCMS_STATE", str(other))
    assert cli.main(["clean-state"]) == 1
    assert not ours.exists()
    assert (other / "thesis.txt").exists()


def test_forgetting_a_running_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCMS_STATE", str(tmp_path))
    with state.held(tmp_path):
        assert cli.main(["clean-state"]) == 1
    assert tmp_path.exists()
