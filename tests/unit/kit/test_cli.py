"""`ascms NAME …` finds the command lines of services by convention."""

from pathlib import Path

import pytest

from kit import cli


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "services"
    for name, text in (("one", '"""Does one thing.\n\nAnd more."""\n'), ("two", "")):
        (folder / name).mkdir(parents=True)
        (folder / name / "cli.py").write_text(text)
    (folder / "quiet").mkdir()
    monkeypatch.setattr(cli, "SERVICES", folder)
    return folder


def test_the_list_names_each_with_its_summary(services: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines[:2] == [["one", "Does one thing."], ["two"]]
    assert [name for name, _ in lines[2:]] == ["backup", "restore"]


def test_an_unknown_name_is_one_clear_line(services: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["three", "--flag"]) == 2
    assert capsys.readouterr().err == "ascms: there is no 'three'; there are one, two, backup, restore\n"
