"""Operations whose body or answer is a file: what stands in the contract as a stream of pieces is one body here."""

import tempfile
from collections.abc import Iterator

from flask import Response, request
from google.protobuf.message import Message

from kit.errors import InvalidArgumentError, Violation
from services.gateway.api.operations import FileStream, Operation
from services.gateway.backends import call
from services.gateway.security import renew_caller
from services.gateway.transfer import MOST_BYTES, TIMEOUT_SECONDS, Spooled, TooLargeError, drain, hand_out, spool

BODY = "body"
_DIGEST = "sha256"


def upload(operation: Operation, header: Message, *, idempotency_key: str) -> Message:
    """Take the body of the present request to the service; returns its answer.

    Raises:
        InvalidArgumentError: too large, or what the service refuses; what is wrong with the file is called "body".
        RequestEntityTooLarge: so much too large that it is not even read.
    """
    stream = operation.stream_in
    assert stream is not None
    request.max_content_length = 2 * MOST_BYTES
    with tempfile.TemporaryFile() as file:
        try:
            spooled = spool(request.stream, file)
        except TooLargeError:
            drain(request.stream)
            raise InvalidArgumentError.of(
                Violation(BODY, "too-large", f"may have at most {MOST_BYTES // 1024**2} MB")
            ) from None
        if _DIGEST in stream.header.fields_by_name and not getattr(header, _DIGEST):
            # What makes two sendings of one key the same, and shows what was damaged on the way.
            setattr(header, _DIGEST, spooled.sha256)
        # The token is as old as the file was slow.
        renew_caller()
        try:
            answer: Message = call(
                operation.service,
                operation.name,
                _messages(stream, header, spooled),
                idempotency_key=idempotency_key,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except InvalidArgumentError as error:
            raise _named_for_http(error, stream) from error
        return answer


def download(operation: Operation, message: Message) -> Response:
    """The file that the service hands out."""
    stream = operation.stream_out
    assert stream is not None
    answers = call(operation.service, operation.name, message, timeout_seconds=TIMEOUT_SECONDS)
    header = getattr(next(answers), stream.header_field)
    return hand_out(header, (getattr(answer, stream.piece_field) for answer in answers))


def _messages(stream: FileStream, header: Message, spooled: Spooled) -> Iterator[Message]:
    yield stream.message(**{stream.header_field: header})
    for piece in spooled.pieces():
        yield stream.message(**{stream.piece_field: piece})


def _named_for_http(error: InvalidArgumentError, stream: FileStream) -> InvalidArgumentError:
    if error.reason != InvalidArgumentError.of().reason:
        return error
    return InvalidArgumentError.of(
        *(Violation(_name(one.field, stream), one.reason, one.description) for one in error.violations)
    )


def _name(field: str, stream: FileStream) -> str:
    return BODY if field == stream.piece_field else field.removeprefix(f"{stream.header_field}.")
