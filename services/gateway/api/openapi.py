"""The OpenAPI 3.1 document, derived from the contracts: routes, rules, comments. Made once, at start."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from kit.rpc.contract import MAX_KEY_LENGTH
from services.gateway.api.binding import QueryReader
from services.gateway.api.comments import comments
from services.gateway.api.examples import example_of, example_value
from services.gateway.api.operations import EXPECTED_VERSION, SERVICES, VERSION, Operation, message_of, operations
from services.gateway.api.renderings import MEDIA, RENDERINGS
from services.gateway.api.schemas import Schema, Schemas, is_required
from services.gateway.api.transcoder import FILE_TYPES, JSON, OCTETS
from services.gateway.errors import PROBLEM_TYPE, TITLES

Document = dict[str, Any]

_DESCRIPTION = """\
The whole of the attendance service's case management, for programs.

* **Names** are in snake_case, as in the contracts. 64-bit integers are text in answers and text or numbers in requests;
  enumerations are their names. Every field is printed, empty ones too; an object that is not set is left out.
* **Credentials**: `Authorization: Bearer <access token>` of the OpenID provider, by client credentials for a program or
  by code and PKCE for a person. Cookies are not looked at. `X-Organisation` chooses among several organisations.
* **Once only**: send an `Idempotency-Key` with a write and repeat it as often as the network wants: one effect, the
  first answer again. The same key with another request is refused.
* **Versions**: an answer about one thing has an `ETag`; send it back as `If-Match` and a change that somebody made
  meanwhile gives 412 instead of being overwritten.
* **Own writes**: a write answers with a `position`; a read that knows `min_position` waits until it has been counted.
* **Pages**: lists answer with `next_page_token`; send it as `page_token`.
* **Files**: a return and the national figures also come as a spreadsheet or a document: ask with `Accept` for one of
  the media types that the operation lists.
* **Errors** are problems (RFC 9457) with a stable `reason`, and a violation for each field that is wrong.
"""
_TOO_LONG: Document = {
    "description": "The address is longer than 8 KB: ask for less at once. The server itself says so, with a page.",
    "content": {"text/html; charset=utf-8": {}},
}
_STATUSES = {
    "read": (400, 401, 403, 404, 429, 500, 503, 504),
    "write": (400, 401, 403, 404, 409, 413, 415, 429, 500, 503, 504),
}


def document(*, issuer: str) -> Document:
    """The document; `issuer` is the OpenID provider that gives access tokens."""
    schemas = Schemas()
    for operation in operations():
        if operation.takes_json:
            # Requests first: so that an answer knows which messages need a schema without their rules.
            schemas.of_message(operation.input, is_request=True, without=operation.path_fields)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations():
        paths.setdefault(operation.template, {})[operation.verb.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Attendance Service API", "version": _version(), "description": _DESCRIPTION},
        "servers": [{"url": "/api"}],
        "security": [{"bearer": []}, {"openid": []}],
        "tags": [
            {"name": name, "description": comments().get(service.full_name, "")} for name, service in SERVICES.items()
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.found.items())) | {"Problem": _problem_schema()},
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {f"Problem{status}": _problem_response(status) for status in sorted(TITLES)}
            | {"TooLong": _TOO_LONG},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of the OpenID provider.",
                },
                "openid": {
                    "type": "openIdConnect",
                    "openIdConnectUrl": f"{issuer}/.well-known/openid-configuration",
                },
            },
        },
    }


def _operation(operation: Operation, schemas: Schemas) -> Document:
    method = operation.method
    access = method.access.permission
    comment = comments().get(method.descriptor.full_name, "")
    described: Document = {
        "operationId": operation.name,
        "tags": [operation.service],
        "summary": comment.partition(". ")[0].rstrip("."),
        "description": f"{comment}\n\n" + (f"Needs the permission `{access}`." if access else "Needs no permission."),
        "x-permission": access,
        "parameters": [
            *(_path_parameter(operation, name, schemas) for name in operation.path_fields),
            *_query_parameters(operation, schemas),
            *_header_parameters(operation),
        ],
    }
    if operation.stream_in is not None:
        described["requestBody"] = {"required": True, "description": "The file.", "content": {OCTETS: {}}}
    elif operation.body:
        described["requestBody"] = _request_body(operation, schemas)
    described["responses"] = _responses(operation, schemas)
    return described


def _path_parameter(operation: Operation, name: str, schemas: Schemas) -> Document:
    field = operation.input.fields_by_name[name]
    return _parameter(field, name, schemas) | {"in": "path", "required": True}


def _query_parameters(operation: Operation, schemas: Schemas) -> list[Document]:
    found = []
    for name in QueryReader(operation.query_fields).names:
        field = _field_at(operation, name)
        parameter = _parameter(field, name, schemas) | {"in": "query"}
        if is_required(field) and "." not in name:
            parameter["required"] = True
        if field.is_repeated:
            parameter |= {"style": "form", "explode": True}
        found.append(parameter)
    return found


def _field_at(operation: Operation, path: str) -> FieldDescriptor:
    *above, last = path.split(".")
    descriptor = operation.input
    for name in above:
        descriptor = message_of(descriptor.fields_by_name[name])
    return descriptor.fields_by_name[last]


def _parameter(field: FieldDescriptor, name: str, schemas: Schemas) -> Document:
    parameter: Document = {"name": name, "schema": schemas.of_field(field, is_request=True)}
    if comment := comments().get(field.full_name):
        parameter["description"] = comment
    example = example_value(field)
    if example not in ("", "0", 0):
        parameter["example"] = [example] if field.is_repeated else example
    return parameter


def _header_parameters(operation: Operation) -> list[Document]:
    names = ["Organisation"]
    if not operation.method.is_read:
        names.append("IdempotencyKey")
    if operation.takes_version:
        names.append("IfMatch")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _request_body(operation: Operation, schemas: Schemas) -> Document:
    example = example_of(operation.input, without=(*operation.path_fields, EXPECTED_VERSION))
    schema = schemas.of_message(operation.input, is_request=True, without=operation.path_fields)
    content: Document = {JSON: {"schema": schema, "example": example}}
    if operation.file_field is not None:
        content |= {media: {"schema": {"type": "string"} if media.startswith("text/") else {}} for media in FILE_TYPES}
    is_required_body = any(is_required(field) for field in operation.body_fields)
    return {"required": is_required_body, "content": content}


def _responses(operation: Operation, schemas: Schemas) -> Document:
    headers: Document = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    if operation.version_path:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    answer = {
        "description": comments().get(operation.output.full_name, "The answer."),
        "headers": headers,
        "content": _answer_content(operation, schemas),
    }
    if operation.stream_out is not None:
        answer["description"] = "The file, to be saved under the name that Content-Disposition has."
    statuses = {*_STATUSES["read" if operation.method.is_read else "write"]}
    if operation.takes_version:
        statuses.add(412)
    if operation.stream_out is not None:
        statuses.add(409)  # not scanned yet, or taken out
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}
    return {"200": answer, **problems, "414": {"$ref": "#/components/responses/TooLong"}}


def _answer_content(operation: Operation, schemas: Schemas) -> Document:
    if operation.stream_out is not None:
        return {OCTETS: {}, "*/*": {}}  # a file comes as what it is
    schema = schemas.of_message(operation.output, is_request=False)
    files: Document = {media: {} for media in MEDIA if operation.name in RENDERINGS}
    return {JSON: {"schema": schema, "example": example_of(operation.output)}, **files}


def _parameters() -> Document:
    return {
        "Organisation": {
            "name": "X-Organisation",
            "in": "header",
            "description": "The organisation to act for, where the caller has several; else their last or only one.",
            "schema": {"type": "string", "format": "uuid"},
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A key of your own, new for each write, the same when you send that write again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[!-~]+$"},
            "example": "5c1d6c1e-7d0e-4d52-9f0f-0b7f0a8f3f5a",
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": f"The ETag of what you saw: the change is refused where that is not the {VERSION} any more.",
            "schema": {"type": "string", "pattern": '^("[0-9]+"|\\*)$'},
            "example": '"7"',
        },
    }


def _headers() -> Document:
    return {
        "ETag": {
            "description": "The version of what the answer shows.",
            "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        },
        "RequestId": {
            "description": "Names this request in our records: say it to the service desk.",
            "schema": {"type": "string"},
        },
    }


def _problem_response(status: int) -> Document:
    return {
        "description": TITLES[status],
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}},
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _problem_schema() -> Schema:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457). Act on `reason`; show `detail` and the descriptions to people.",
        "properties": {
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "`urn:ascms:problem:` and the reason.",
            },
            "title": text | {"description": "The status in words."},
            "status": {"type": "integer", "description": "The status code."},
            "detail": text | {"description": "A sentence for people."},
            "reason": text | {"description": 'Stable, such as "stale-version".'},
            "violations": {
                "type": "array",
                "description": "One for each rule that a field breaks.",
                "items": {
                    "type": "object",
                    "properties": {
                        "field": text | {"description": 'The field, such as "caregivers[1].phone", or the header.'},
                        "reason": text | {"description": 'Stable, such as "pattern".'},
                        "description": text | {"description": "The rule in words."},
                    },
                    "required": ["field", "reason", "description"],
                },
            },
            "request_id": text | {"description": "Names this request in our records."},
            "metadata": {
                "type": "object",
                "description": "Facts that belong to the reason, such as the `actual` version.",
                "additionalProperties": text,
            },
        },
        "required": ["type", "title", "status", "detail", "reason", "violations", "request_id"],
        "example": {
            "type": "urn:ascms:problem:invalid-fields",
            "title": TITLES[400],
            "status": 400,
            "detail": "student.nsn: must be nine or ten digits",
            "reason": "invalid-fields",
            "violations": [{"field": "student.nsn", "reason": "pattern", "description": "must be nine or ten digits"}],
            "request_id": "0192f0c1-6a2b-7c3d-8e4f-5a6b7c8d9e0f",
        },
    }


def _version() -> str:
    try:
        return version("ascms")
    except PackageNotFoundError:
        return "0.0.0"
