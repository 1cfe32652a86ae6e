"""One view per operation: who asks, what they ask, one call, the answer with its version."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from google.protobuf.message import Message
from werkzeug.exceptions import RequestEntityTooLarge

from kit.errors import ConflictError, InvalidArgumentError, UnauthenticatedError, Violation
from kit.rpc.contract import MAX_KEY_LENGTH
from kit.rpc.validation import is_uuid
from services.gateway.api.binding import (
    NOTHING,
    Faults,
    QueryReader,
    object_reader,
    parse_json,
    parse_query,
    refuse,
    text_reader,
)
from services.gateway.api.encoding import to_json
from services.gateway.api.operations import EXPECTED_VERSION, Operation
from services.gateway.api.renderings import rendering_of
from services.gateway.api.streams import download, upload
from services.gateway.backends import call, current_backends
from services.gateway.errors import HttpError, problem_of
from services.gateway.security import be

JSON = "application/json"
STALE_VERSION = "stale-version"
OCTETS = "application/octet-stream"
FILE_TYPES = ("text/csv", OCTETS)
_KEY = re.compile(r"[\x21-\x7e]+")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,17})"')
_MOST_TOKEN = 512
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"

View = Callable[..., Response]


def authenticate() -> None:
    """Know who asks by their access token alone; a cookie is no credential here, so no other site can use one.

    Raises:
        UnauthenticatedError: no token, or one that is not good.
        InvalidArgumentError: X-Organisation is not an id.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError("token-missing", "Send an access token: Authorization: Bearer …")
    if len(token) > _MOST_TOKEN or not _KEY.fullmatch(token):
        raise UnauthenticatedError("token-invalid", "The access token is not one of ours.")
    organisation_id = request.headers.get("X-Organisation", "")
    if organisation_id and not is_uuid(organisation_id):
        raise InvalidArgumentError.of(
            Violation("X-Organisation", "format", "must be an id, such as 01890a5d-ac96-774b-bcce-b302099a8057")
        )
    backends = current_backends()
    be(
        backends.exchange(token, organisation_id),
        renew=lambda: backends.exchange(token, organisation_id, is_fresh=True),
    )


@dataclass(frozen=True)
class Binder:
    """Makes requests of one operation into its message; everything that can be worked out beforehand is."""

    operation: Operation
    query: QueryReader
    paths: Mapping[str, Any]
    body: Any

    @classmethod
    def of(cls, operation: Operation) -> "Binder":
        """The binder of an operation; raises RouteError for a message that has no place in JSON."""
        fields = operation.input.fields_by_name
        body = object_reader(operation.input, without=operation.path_fields) if operation.takes_json else None
        return cls(
            operation=operation,
            query=QueryReader(operation.query_fields),
            paths={name: text_reader(fields[name]) for name in operation.path_fields},
            body=body,
        )

    def bind(self, path_values: Mapping[str, str]) -> Message:
        """The message of the present request.

        Raises:
            InvalidArgumentError: with every fault by field.
            HttpError: the body has a content type that is not taken here.
        """
        faults: Faults = []
        values = self.query.read(parse_query(request.query_string), faults)
        for name, reader in self.paths.items():
            text = path_values[name]
            if _UNREADABLE in text:
                faults.append(Violation(name, "utf-8", "is not UTF-8"))
            elif (got := reader(text, name, faults)) is not NOTHING:
                values[name] = got
        if self.body is not None:
            given = self._read_body(faults)
            if given is not NOTHING:
                values.update(given)
        self._take_if_match(values, faults)
        refuse(faults)
        return self.operation.request_class(**values)

    def _read_body(self, faults: Faults) -> Any:
        content_type = request.mimetype
        file_field = self.operation.file_field
        if file_field is not None and content_type in FILE_TYPES:
            return {file_field.name: _whole_body()}
        body = _whole_body()
        if not body and not content_type:
            return {}
        if content_type != JSON or request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            taken = ", ".join((JSON, *FILE_TYPES)) if file_field is not None else JSON
            raise HttpError(415, "content-type", f"Send the body as {taken}.", headers={"Accept-Post": taken})
        return self.body(parse_json(body), "", faults)

    def _take_if_match(self, values: dict[str, Any], faults: Faults) -> None:
        given = request.headers.get("If-Match")
        if given is None or given.strip() == "*":
            return
        found = _ETAG.fullmatch(given.strip())
        if not self.operation.takes_version:
            faults.append(Violation("If-Match", "unknown-header", "means nothing for this operation"))
        elif found is None:
            faults.append(Violation("If-Match", "format", 'must be one ETag as an answer gave it, such as "7"'))
        elif values.get(EXPECTED_VERSION, int(found[1])) != int(found[1]):
            faults.append(Violation(EXPECTED_VERSION, "contradiction", "says another version than If-Match"))
        else:
            values[EXPECTED_VERSION] = int(found[1])


def view_of(operation: Operation) -> View:
    """The view that answers an operation's route."""
    binder = Binder.of(operation)
    version_path = operation.version_path
    service, name, is_read = operation.service, operation.name, operation.method.is_read

    def view(**path_values: str) -> Response:
        authenticate()
        message = binder.bind(path_values)
        key = "" if is_read else _idempotency_key()
        if operation.stream_out is not None:
            return download(operation, message)
        try:
            if operation.stream_in is not None:
                answer = upload(operation, message, idempotency_key=key)
            else:
                answer = call(service, name, message, idempotency_key=key)
        except ConflictError as error:
            # A precondition of HTTP failed only where HTTP was told of one.
            is_precondition = error.reason == STALE_VERSION and "If-Match" in request.headers
            return problem_of(error, status=412 if is_precondition else None)
        response = rendering_of(name, answer) or Response(to_json(answer), mimetype=JSON)
        if version_path and (version := _version(answer, version_path)):
            response.set_etag(str(version))
        return response

    view.__name__ = view.__qualname__ = name
    return view


def _whole_body() -> bytes:
    """The body, all of it: one that came in chunks, without a length to refuse, is cut off at the limit by Werkzeug."""
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= (request.max_content_length or len(body) + 1):
        raise RequestEntityTooLarge
    return body


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH:
        raise InvalidArgumentError.of(
            Violation("Idempotency-Key", "format", f"must be 1 to {MAX_KEY_LENGTH} printable characters without spaces")
        )
    return key


def _version(answer: Message, path: tuple[str, ...]) -> int:
    """The version that an answer shows; 0 where the thing it shows is not there."""
    value: Any = answer
    for name in path:
        value = getattr(value, name)
    return int(value)
