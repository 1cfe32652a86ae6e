"""The register's file: each broken rule is named with its line and path, all of them at once."""

from pathlib import Path

import pytest

from services.identity.organisations import read_register
from services.identity.yamlfile import FileFaultsError

GOOD = (Path(__file__).parents[3] / "deploy" / "demo" / "organisations.yaml").read_text(encoding="utf-8")
PROVIDER, SCHOOL = "0190a000-0000-7000-8000-000000000011", "0190a000-0000-7000-8000-000000000021"


def faults_of(content: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(FileFaultsError) as refused:
        read_register(content)
    return [(fault.line, fault.path, fault.rule) for fault in refused.value.faults]


def line_of(text: str, words: str, nth: int = 1) -> int:
    lines = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return lines[nth - 1]


def test_the_demonstration_is_a_good_file() -> None:
    register = read_register(GOOD.encode())
    assert sorted(item.kind.value for item in register.organisations) == [
        "ministry",
        "provider",
        "provider",
        "school",
        "school",
        "school",
    ]
    assert [item.school_number for item in register.organisations][-1] == "0093"
    assert len(register.schools) == 3


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("kind: ministry", "kind: museum", "organisations[0].kind", "unknown-kind"),
        ("kind: ministry", "kind: 7", "organisations[0].kind", "wrong-type"),
        ('region: "09"', 'region: "77"', "organisations[0].region", "unknown-region"),
        ('region: "07"', "region: 07", "organisations[1].region", "wrong-type"),
        ('region: "09"', "region: 9", "organisations[0].region", "wrong-type"),
        ('"9002"', '"0417"', "organisations[4].school_number", "duplicate"),
        ('"9002"', "9002", "organisations[4].school_number", "wrong-type"),
        ('"9002"', '"90021"', "organisations[4].school_number", "string-pattern-mismatch"),
        ('    school_number: "9002"\n', "", "organisations[4].school_number", "required"),
        (
            '    region: "09"\n',
            '    region: "09"\n    school_number: "1"\n',
            "organisations[0].school_number",
            "not-allowed",
        ),
        ("000000000012\n    kind", "000000000011\n    kind", "organisations[2].id", "duplicate"),
        ("id: 0190a000-0000-7000-8000-000000000001", "id: 7", "organisations[0].id", "uuid"),
        ("name: Ministry of Education (demo)", 'name: ""', "organisations[0].name", "required"),
        ("name: Ministry of Education (demo)", 'name: "nul\\0"', "organisations[0].name", "characters"),
        ("name: Ministry of Education (demo)", "name: [a]", "organisations[0].name", "wrong-type"),
        ("name: Ministry of Education (demo)", "name: a\n    colour: red", "organisations[0].colour", "unknown-field"),
        ("kind: ministry", "kind: provider", "organisations", "ministry"),
        (f"school: {SCHOOL}", f"school: {PROVIDER}", "catchments[0].schools[0].school", "unknown-school"),
        (f"provider: {PROVIDER}", f"provider: {SCHOOL}", "catchments[0].provider", "unknown-provider"),
        (
            "school: 0190a000-0000-7000-8000-000000000022",
            f"school: {SCHOOL}",
            "catchments[1].schools[0].school",
            "two-catchments",
        ),
        ("code: manawatu-demo", "code: taranaki-demo", "catchments[1].code", "duplicate"),
        (
            "starts_on: 2024-01-01",
            "starts_on: 2024-01-01\n    ends_on: 2023-01-01",
            "catchments[0].ends_on",
            "backwards",
        ),
        ("starts_on: 2024-01-01", "starts_on: soon", "catchments[0].starts_on", "date"),
        (
            f"school: {SCHOOL}",
            f"school: {SCHOOL}\n        starts_on: 2023-01-01",
            "catchments[0].schools[0]",
            "outside-catchment",
        ),
    ],
)
def test_each_rule_has_its_name_path_and_line(old: str, new: str, path: str, rule: str) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    found = faults_of(text.encode())
    assert (path, rule) in [(where, what) for _line, where, what in found]
    assert all(1 <= line <= len(text.splitlines()) for line, _path, _rule in found)


def test_every_fault_is_named_at_once_with_its_line() -> None:
    text = GOOD.replace('"9002"', '"0417"').replace(
        "provider: 0190a000-0000-7000-8000-000000000012", f"provider: {SCHOOL}"
    )
    assert faults_of(text.encode()) == [
        (line_of(text, '"0417"', 2), "organisations[4].school_number", "duplicate"),
        (line_of(text, f"provider: {SCHOOL}"), "catchments[1].provider", "unknown-provider"),
    ]


def test_a_school_may_move_to_another_catchment() -> None:
    text = GOOD.replace(f"- school: {SCHOOL}", f"- school: {SCHOOL}\n        ends_on: 2025-12-31", 1)
    text += f"      - school: {SCHOOL}\n        starts_on: 2026-01-01\n"
    assert len(read_register(text.encode()).schools) == 4


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"organisations: [\n", "yaml"),
        (b"organisations: []\nname: \xff\xfe\n", "encoding"),
        (b"organisations: []\nname: a\0b\n", "characters"),
        (b"organisations: []\norganisations: []\ncatchments: []\n", "repeated-key"),
        (b"organisations: &a []\ncatchments: *a\n", "alias"),
        (b"- 1\n- 2\n", "wrong-type"),
        (b"just words", "wrong-type"),
        (b"organisations: 7\ncatchments: []\n", "wrong-type"),
        (b"organisations: []\n", "required"),
        (b"a: !!python/object/apply:os.system [ls]\n", "yaml"),
        (b"organisations: []\ncatchments: []\nx: 2026-02-31\n", "value"),
        (b"x" * 2_000_001, "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_file_is_said_in_the_same_way(content: bytes, rule: str) -> None:
    assert rule in [what for _line, _path, what in faults_of(content)]
