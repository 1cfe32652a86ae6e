"""The `ascms` command: hands over to the command line of a service, and says which there are. It knows no service.

`backup` and `restore` are of the whole system, and its own.

A service has a command line when it has a module `cli` with `main(arguments) -> int`; the first line of the module's
docstring is what the list shows. `ascms NAME …` calls it with what follows the name.
"""

import ast
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

SERVICES = Path(__file__).parent.parent / "services"
_WRONG_USE = 2
_OWN = {
    "backup": "Save every database and every file as they are at one moment.",
    "restore": "Put a backup into an empty system, and prove that it is what was saved.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its status, or 2 with one clear line for a name that is none."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    found = {**commands(SERVICES), **_OWN}
    if not words or words[0] in {"-h", "--help", "help"}:
        _say("usage: ascms NAME …, where NAME is one of")
        for name, summary in found.items():
            _say(f"  {name:<16} {summary}")
        return 0
    name, *rest = words
    if name not in found:
        sys.stderr.write(f"ascms: there is no {name!r}; there are {', '.join(found) or 'none'}\n")
        return _WRONG_USE
    if name in _OWN:
        # Imported when asked for: it brings most of kit.
        from kit.backup import cli  # noqa: PLC0415

        return cli.main(name, rest)
    run: Callable[[Sequence[str]], int] = importlib.import_module(f"services.{name}.cli").main
    return run(rest)


def commands(folder: Path) -> dict[str, str]:
    """What can be called, by name, with its one-line summary; nothing is imported to find out."""
    return {path.parent.name: _summary(path) for path in sorted(folder.glob("*/cli.py"))}


def _summary(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n", 1)[0]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
