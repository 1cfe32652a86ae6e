"""YAML files that say where each fault is: line, path and rule, all of them at once."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar
from uuid import UUID

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from kit.errors import InvalidArgumentError, Violation

_MAX_BYTES = 2_000_000
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One broken rule: `line` from 1 (0 for the file as a whole), `path` such as "organisations[2].name"."""

    line: int
    path: str
    rule: str
    message: str


class FileFaultsError(InvalidArgumentError):
    """The file cannot be used; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults, in the order of their lines."""
        self.faults = sorted(faults)
        violations = [Violation(fault.path, fault.rule, f"line {fault.line}: {fault.message}") for fault in self.faults]
        super().__init__("invalid-file", f"The file has {len(self.faults)} faults.", violations=violations)


def _plain(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    if _FORBIDDEN.search(value):
        raise PydanticCustomError("characters", "has characters that cannot be shown")
    if value != value.strip():
        raise PydanticCustomError("space", "begins or ends with a space")
    return value


def _uuid(value: object) -> UUID:
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or str(found) != value:
        raise PydanticCustomError("uuid", "must be an id, such as 01890a5d-ac96-774b-bcce-b302099a8057")
    return found


def _day(value: object) -> date:
    # YAML reads 2026-02-01 as a date by itself; a date with a time is another type.
    if type(value) is not date:
        raise PydanticCustomError("date", "must be a date, such as 2026-02-01, without quotes")
    return value


Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200), AfterValidator(_plain)]
Id = Annotated[UUID, BeforeValidator(_uuid)]
Day = Annotated[date, BeforeValidator(_day)]


class Entry(BaseModel):
    """A mapping of a file: nothing unknown in it, no value turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True)
class Source:
    """Where each path of a file stands."""

    lines: dict[str, int]

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest thing round it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 0)

    def fault(self, path: str, rule: str, message: str) -> Fault:
        """A fault at a path."""
        return Fault(self.line(path), path, rule, message)


def read(content: bytes, model: type[M]) -> tuple[M, Source]:
    """The file as a model, and where its parts stand.

    Raises:
        FileFaultsError: not UTF-8, not YAML, or not of the model's shape; every fault of that kind is named.
    """
    root, source = _compose(content)
    try:
        data = yaml.SafeLoader("").construct_document(root)
        return model.model_validate(data), source
    except yaml.YAMLError as error:
        raise FileFaultsError([_yaml_fault(error)]) from error
    except ValueError as error:
        if not isinstance(error, ValidationError):
            # PyYAML's own constructors: a date such as 2026-02-31, a number past all bounds.
            raise FileFaultsError([Fault(0, "", "value", f"has a value that does not exist: {error}")]) from error
        faults = []
        for found in error.errors(include_url=False, include_input=False):
            path = _path(found["loc"])
            faults.append(source.fault(path, _rule(found["type"]), _words(found)))
        raise FileFaultsError(faults) from error


def _compose(content: bytes) -> tuple[yaml.Node, Source]:
    if len(content) > _MAX_BYTES:
        raise FileFaultsError([Fault(0, "", "too-large", f"may have at most {_MAX_BYTES:,} bytes")])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileFaultsError([Fault(line, "", "encoding", "is not UTF-8 text")]) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise FileFaultsError([Fault(line, "", "characters", "has a character that YAML does not allow")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FileFaultsError([_yaml_fault(error)]) from error
    if root is None:
        raise FileFaultsError([Fault(0, "", "empty", "has nothing in it")])
    source, faults = Source({}), []
    seen: set[int] = set()
    for path, node, repeated in _walk(root, ""):
        source.lines.setdefault(path, node.start_mark.line + 1)
        if repeated:
            faults.append(Fault(node.start_mark.line + 1, path, "repeated-key", "stands twice in the same mapping"))
        if id(node) in seen:
            faults.append(Fault(node.start_mark.line + 1, path, "alias", "may not be an alias: write it out"))
            break
        seen.add(id(node))
    if faults:
        raise FileFaultsError(faults)
    return root, source


def _walk(node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node, bool]]:
    """(path, node, whether its key stood there before) for every node."""
    yield path, node, False
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            here = f"{path}.{key.value}" if path else str(key.value)
            if key.value in keys:
                yield here, key, True
                continue
            keys.add(key.value if isinstance(key.value, str) else None)
            yield from _walk(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, f"{path}[{index}]")


def _yaml_fault(error: Exception) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    problem = getattr(error, "problem", None) or "cannot be read"
    return Fault(line, "", "yaml", f"is not YAML: {problem}")


def _path(parts: tuple[int | str, ...]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


_RULES = {"missing": "required", "extra_forbidden": "unknown-field", "string_too_short": "required"}
_WORDS = {
    "missing": "is needed",
    "extra_forbidden": "is not a field of this",
    "string_type": "must be text: put it in quotes",
    "string_too_short": "is needed",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
    "model_type": "must be a mapping of fields to values",
    "model_attributes_type": "must be a mapping of fields to values",
    "enum": "is not one of the allowed values",
}


def _rule(kind: str) -> str:
    return _RULES.get(kind, "wrong-type" if kind.endswith("_type") else kind.replace("_", "-"))


def _words(found: Any) -> str:
    return str(_WORDS.get(found["type"], found["msg"]))
