"""What the container files say: deploy/Dockerfile's instructions, and compose.yaml with secrets filled in."""

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.services import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"\$\{(\w+):\?[^}]*\}")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: word and what follows it, comments and line ends gone."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def made_up_secrets() -> dict[str, str]:
    """What deploy/compose_env.py makes up."""
    command = [sys.executable, str(ROOT / "deploy" / "compose_env.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in made.splitlines())


def with_secrets(environment: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """A service's environment in compose.yaml, as Docker would tell it."""
    return {key: _VARIABLE.sub(lambda found: secrets[found[1]], value) for key, value in environment.items()}
