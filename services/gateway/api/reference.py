"""The browsable page: the OpenAPI document, arranged for reading. Made once, at start."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.gateway.api.transcoder import JSON, OCTETS

Document = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or property. `type_link` is the schema's anchor where the type is one of ours."""

    name: str
    type: str
    type_link: str
    rules: Sequence[str]
    description: str
    place: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class OperationText:
    """One operation as the page shows it."""

    name: str
    verb: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    takes_file: bool
    is_file: bool
    answer: str
    answer_link: str
    answer_example: str
    has_etag: bool
    problems: Sequence[str]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one service."""

    name: str
    description: str
    operations: Sequence[OperationText]


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A schema: the fields of an object, or the values of an enumeration with their meanings."""

    name: str
    anchor: str
    description: str
    fields: Sequence[Field]
    values: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    title: str
    version: str
    introduction: Sequence[tuple[str, str]]
    groups: Sequence[Group]
    schemas: Sequence[SchemaText]


def present(document: Document) -> Reference:
    """Arrange the document for the page."""
    operations = [
        (verb, path, described) for path, verbs in document["paths"].items() for verb, described in verbs.items()
    ]
    groups = [
        Group(
            name=tag["name"],
            description=tag["description"],
            operations=[
                _operation(verb.upper(), path, described, document)
                for verb, path, described in operations
                if tag["name"] in described["tags"]
            ],
        )
        for tag in document["tags"]
    ]
    return Reference(
        title=document["info"]["title"],
        version=document["info"]["version"],
        introduction=list(_introduction(document["info"]["description"])),
        groups=[group for group in groups if group.operations],
        schemas=[_schema(name, schema) for name, schema in document["components"]["schemas"].items()],
    )


def _introduction(text: str) -> Iterator[tuple[str, str]]:
    """(term, what follows it) for each item of the list in the document's description."""
    for item in text.split("\n* ")[1:]:
        term, _, rest = " ".join(item.split()).removeprefix("**").partition("**")
        yield term, rest


def _operation(verb: str, path: str, described: Document, document: Document) -> OperationText:
    parameters = [_resolved(parameter, document) for parameter in described["parameters"]]
    content = described.get("requestBody", {}).get("content", {})
    schemas = document["components"]["schemas"]
    body = schemas[_anchor_name(content[JSON]["schema"])] if JSON in content else {}
    answer = described["responses"]["200"]
    media = answer["content"].get(JSON, {"schema": {}, "example": None})
    return OperationText(
        name=described["operationId"],
        verb=verb,
        path=f"/api{path}",
        summary=described["summary"],
        description=described["description"].partition("\n\n")[0],
        permission=described["x-permission"],
        parameters=[_parameter(parameter) for parameter in parameters],
        body=_fields(body),
        takes_file="text/csv" in content,
        is_file=OCTETS in content and JSON not in content,
        answer=_anchor_name(media["schema"]),
        answer_link=_anchor(_anchor_name(media["schema"])),
        answer_example=_pretty(media["example"]) if media["schema"] else "",
        has_etag="ETag" in answer["headers"],
        problems=[status for status in described["responses"] if status != "200"],
        curl=_curl(verb, path, parameters, content),
    )


def _resolved(parameter: Document, document: Document) -> Document:
    if "$ref" not in parameter:
        return parameter
    found: Document = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    return found


def _parameter(parameter: Document) -> Field:
    return _field(
        parameter["name"],
        parameter["schema"],
        description=parameter.get("description", ""),
        place=parameter["in"],
        is_required=parameter.get("required", False),
    )


def _fields(schema: Document) -> list[Field]:
    required = schema.get("required", ())
    return [
        _field(name, one, description=one.get("description", ""), is_required=name in required)
        for name, one in schema.get("properties", {}).items()
    ]


def _field(name: str, schema: Document, *, description: str, place: str = "", is_required: bool = False) -> Field:
    inner = schema["items"] if schema.get("type") == "array" else schema
    reference = _anchor_name(inner)
    kinds = inner.get("type", "")
    kind = reference or (" or ".join(kinds) if isinstance(kinds, list) else kinds)
    return Field(
        name=name,
        type=f"array of {kind}" if inner is not schema else kind,
        type_link=_anchor(reference) if reference else "",
        rules=[*_rules(inner), *_rules(schema if inner is not schema else {})],
        description=description,
        place=place,
        is_required=is_required,
    )


def _rules(schema: Document) -> list[str]:
    words = {
        "format": "{}",
        "x-format-unless-empty": "{} or empty",
        "contentEncoding": "{}",
        "maxLength": "at most {} characters",
        "maxItems": "at most {} items",
        "minimum": "from {}",
        "maximum": "to {}",
        "pattern": "{}",
    }
    return [text.format(schema[key]) for key, text in words.items() if key in schema]


def _schema(name: str, schema: Document) -> SchemaText:
    description, _, meanings = schema.get("description", "").partition("\n\n")
    values = [
        (line.partition("`: ")[0].removeprefix("* `"), line.partition("`: ")[2])
        for line in meanings.splitlines()
        if line.startswith("* `")
    ]
    return SchemaText(name=name, anchor=_anchor(name), description=description, fields=_fields(schema), values=values)


def _anchor_name(schema: Document) -> str:
    return str(schema.get("$ref", "")).removeprefix(_REFERENCE)


def _anchor(name: str) -> str:
    return "schema-" + name.replace(".", "-").lower()


def _curl(verb: str, path: str, parameters: Sequence[Document], content: Document) -> str:
    """A call that a person can paste: the shell fills in the address and the token."""
    url, query = path, []
    for parameter in parameters:
        example = parameter.get("example", "")
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", str(example))
        elif parameter["in"] == "query" and parameter.get("required"):
            query.append(f"{parameter['name']}={quote(str(example))}")
    lines = [f'curl "$ASCMS/api{url}{"?" + "&".join(query) if query else ""}"', '-H "Authorization: Bearer $TOKEN"']
    if verb != "GET":
        lines.insert(1, f"-X {verb}")
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if "text/csv" in content:
        lines += ["-H 'Content-Type: text/csv'", "--data-binary @requests.csv"]
    elif JSON not in content and OCTETS in content:
        lines.append("--data-binary @photo.jpg")
    elif content:
        example = json.dumps(content[JSON]["example"], ensure_ascii=False)
        lines += [f"-H 'Content-Type: {JSON}'", f"-d '{example}'"]
    return " \\\n  ".join(lines)


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
