"""`ascms cases seed` keeps what is made up out of what is real."""

import pytest

from services.cases import cli

ID = "0190a000-0000-7000-8000-000000000011"
WORDS = ["seed", "--cases", "3", "--provider", ID, "--region", "07", "--lead", ID, "--school", ID, "--case-manager", ID]


@pytest.mark.parametrize("environment", ["production", "staging", ""])
def test_nothing_is_made_up_outside_of_development(
    environment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASCMS_ENVIRONMENT", environment)
    monkeypatch.setenv("ASCMS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("ASCMS_IDENTITY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("ASCMS_STUDENT_HASH_KEY", "for tests alone, thirty-two bytes")

    assert cli.main(WORDS) == 2
    assert "refused: ASCMS_ENVIRONMENT" in capsys.readouterr().err


def test_a_number_of_cases_is_one_or_more(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["seed", "--cases", "0"])
    assert "--cases: must be 1 or more" in capsys.readouterr().err
