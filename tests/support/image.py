"""What `docker build` does with deploy/Dockerfile, done in a plain folder: for machines where no Docker engine runs.

Each stage is a folder that stands for `/`, and `/app` in what a step says is the folder below it. Two steps differ, by
name: packages come by `uv`, with the same lock and the same hashes, since it keeps what it has fetched before; and the
account is not made, because that would change this machine: its number is enough to run as.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from tests.support.services import ROOT

_INSTALL = re.compile(r"(\S+/python) -m pip install ")
_LEFT_OUT = ("--no-cache-dir",)
_ACCOUNT = "groupadd "


@dataclass(eq=False)
class Image:
    """The last stage: its folder, and what a process in it is told."""

    folder: Path
    """Stands for `/`. Everything above it may be entered by anybody."""
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: int = 0
    work: str = "/"

    def start(self, command: list[str], environment: Mapping[str, str], *, log: Path) -> subprocess.Popen[bytes]:
        """A process of the image, as its user where we may become another; `log` takes what it says."""
        told = {name: self.mapped(value) for name, value in {**self.environment, **environment}.items()}
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=self.path(self.work),
                env=told,
                executable=shutil.which(command[0], path=told["PATH"]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._identity(),
            )

    def run(self, command: list[str], environment: Mapping[str, str], *, log: Path) -> int:
        """Run one to its end; its status."""
        with self.start(command, environment, log=log) as process:
            return process.wait(timeout=90)

    def _identity(self) -> dict[str, Any]:
        """The image's user, where we may become another and the Python that this was made with is for everybody."""
        if os.geteuid() != 0:
            return {}
        account: dict[str, Any] = {"user": self.user, "group": self.user, "extra_groups": []}
        is_open = subprocess.run(["/usr/bin/test", "-x", self.path("/app/.venv/bin/python")], check=False, **account)
        return account if is_open.returncode == 0 else {}

    def path(self, name: str) -> Path:
        """Where a place of the image is."""
        return self.folder / PurePosixPath(name).relative_to("/")

    def mapped(self, text: str) -> str:
        """`/app` in a step or a setting, as it is called here."""
        return re.sub(r"(?<![\w./])/app\b", str(self.path("/app")), text)


def build(instructions: list[tuple[str, str]], *, folder: Path) -> Image:
    """Perform the instructions of both stages; everything is made below `folder`."""
    root, earlier = folder / "root", folder / "earlier"
    image = Image(root)
    for word, rest in instructions:
        if word == "FROM":
            # The same place for each stage, as in Docker: what was made with its address in it stays right.
            if root.exists():
                root.rename(earlier)
            image = Image(root)
            _make_base(root)
        else:
            _STEPS[word](image, rest, earlier)
    return image


def _work(image: Image, rest: str, _earlier: Path) -> None:
    image.work = rest
    image.path(rest).mkdir(parents=True, exist_ok=True)


def _set(image: Image, rest: str, _earlier: Path) -> None:
    image.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))


def _become(image: Image, rest: str, _earlier: Path) -> None:
    image.user = int(rest.partition(":")[0])


def _command(image: Image, rest: str, _earlier: Path) -> None:
    image.command = json.loads(rest)


def _check(image: Image, rest: str, _earlier: Path) -> None:
    image.health = json.loads(rest.partition("CMD ")[2])


def _nothing(_image: Image, _rest: str, _earlier: Path) -> None:
    """Says something to Docker alone."""


def _make_base(root: Path) -> None:
    """The base image: a `python`, this machine's."""
    base = root / "base"
    base.mkdir(parents=True)
    python = base / "python"
    # Not this environment's own: the one it was made with.
    made_with = Path(sys.executable).resolve()
    python.write_text(f'#!/bin/sh\nexec {made_with} "$@"\n', encoding="utf-8")
    python.chmod(0o755)


def _copy(image: Image, rest: str, earlier: Path) -> None:
    *sources, target = rest.split()
    here = image.path(image.work) / target
    if sources[0].startswith("--from="):
        _stage, source = sources
        shutil.copytree(Image(earlier).path(source), here, symlinks=True, dirs_exist_ok=True, copy_function=os.link)
        return
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = [line for line in lines if line != "*" and line[:1] not in {"#", "!", ""}]
    for path in (ROOT / name for name in sources):
        if path.is_dir():
            shutil.copytree(path, here, ignore=_Ignore(ignored), dirs_exist_ok=True)
        else:
            shutil.copy(path, here)


class _Ignore:
    """What .dockerignore keeps from the build."""

    def __init__(self, patterns: list[str]) -> None:
        self._patterns = patterns

    def __call__(self, folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT).as_posix()
        return {
            name
            for name in names
            if any(fnmatch(f"{inside}/{name}", pattern.replace("**/", "*/")) for pattern in self._patterns)
        }


def _run(image: Image, step: str, _earlier: Path) -> None:
    if step.startswith(_ACCOUNT):
        return
    uv = Path(sys.executable).with_name("uv")
    step = _INSTALL.sub(rf"{uv} pip install --python \1 ", step)
    for word in _LEFT_OUT:
        step = step.replace(word, "")
    told = {
        **{name: value for name, value in os.environ.items() if name in {"HOME", "PIP_FIND_LINKS", "SSL_CERT_FILE"}},
        "PATH": f"{image.path('/base')}:/usr/local/bin:/usr/bin:/bin",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", image.mapped(step)],
        cwd=image.path(image.work), env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"RUN {step}\n{done.stdout}{done.stderr}"


_STEPS: Mapping[str, Callable[[Image, str, Path], None]] = {
    "WORKDIR": _work,
    "COPY": _copy,
    "RUN": _run,
    "ENV": _set,
    "USER": _become,
    "CMD": _command,
    "HEALTHCHECK": _check,
    "ARG": _nothing,
    "EXPOSE": _nothing,
}
"""What each word does; one that is missing here fails the test that builds."""
