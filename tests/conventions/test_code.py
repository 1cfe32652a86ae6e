"""Habits of the code that a linter does not know."""

import ast
from pathlib import Path

import pytest

from tests.support.services import ROOT, source_files

SOURCES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in source_files("kit", "services")]
STORES = [each for each in SOURCES if "store" in Path(str(each.id)).parts[-1] or "/store/" in str(each.id)]
DOMAINS = [each for each in SOURCES if Path(str(each.id)).name == "domain.py" or "/domain/" in str(each.id)]
MOST_LINES = 600


@pytest.mark.parametrize("path", SOURCES)
def test_a_file_is_not_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, "make it a package, split by noun"


@pytest.mark.parametrize("path", SOURCES)
def test_the_clock_is_passed_in(path: Path) -> None:
    allowed = {ROOT / "kit" / "clock.py", ROOT / "kit" / "ids.py"}
    calls = [
        node.lineno
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr in {"utcnow", "today"} or (node.func.attr == "now" and _named(node.func.value, "datetime")))
    ]
    assert path in allowed or calls == []


@pytest.mark.parametrize("path", STORES)
def test_a_store_opens_and_ends_no_transaction(path: Path) -> None:
    words = {"commit", "rollback", "tenant", "guest", "plumbing", "special"}
    calls = [
        f"{node.lineno}: {node.func.attr}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in words
    ]
    assert calls == []


@pytest.mark.parametrize("path", DOMAINS)
def test_a_domain_imports_the_standard_library_and_errors_only(path: Path) -> None:
    import sys  # noqa: PLC0415 - for this test alone

    imported = {
        name
        for node in ast.walk(_tree(path))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    own = {name for name in foreign if "domain" in path.parts[-2:-1] and name.startswith(_package(path))}
    assert foreign - own <= {"kit.errors"}


@pytest.mark.parametrize("path", SOURCES)
def test_importing_reads_no_environment(path: Path) -> None:
    """Outside functions nobody reads os.environ: settings are read once, by `load`."""
    loose = [
        node.lineno
        for statement in _tree(path).body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert loose == []


def _package(path: Path) -> str:
    return ".".join(path.parent.relative_to(ROOT).parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _named(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
