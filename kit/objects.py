"""Objects by key: where files' bytes are. A folder for one machine, any S3-compatible server for many; one behaviour.

A key is made of lower-case letters, digits, dashes and slashes; it is never a file name that a person chose.
"""

import base64
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import S3Error

from kit.errors import UnavailableError

CHUNK_BYTES = 256 * 1024
_CONNECT_SECONDS, _ANSWER_SECONDS, _OBJECT_SECONDS = 5.0, 10.0, 45.0
"""How long a server is waited for: to take a connection, to say anything at all, and for a whole object. The last is
less than whoever sends or fetches a file waits (services/gateway/transfer.py), so that they are told why."""
_LINK_FOR = timedelta(minutes=2)
_OK = 200
_UNFINISHED = "."
"""What a file is called in front while it is written: no key has a dot."""
_CONNECTIONS = 16
"""Kept open: as many as there are threads that move files."""
_KEY = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")


class ObjectMissingError(Exception):
    """There is no object at this key."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object in a listing."""

    key: str
    size: int
    modified_at: datetime


class Pieces:
    """An object's bytes, one piece after another. Whoever may stop before the end closes them: `with store.read(…)`."""

    def __init__(self, source: "_Source", *, seconds: float | None = None) -> None:
        """`source` is open and is closed at its end, or before; `seconds` is how long it may take in all."""
        self._source = source
        self._ends_at = None if seconds is None else time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        """The pieces that are left."""
        return self

    def __next__(self) -> bytes:
        """At most CHUNK_BYTES; raises UnavailableError when the store breaks off or takes too long."""
        try:
            piece = self._source.read(CHUNK_BYTES)
            if self._ends_at is not None and time.monotonic() > self._ends_at:
                raise TimeoutError
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.close()
            raise UnavailableError("store-away", "Files cannot be read now. Try again in a moment.") from error
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the file or connection; harmless when that was done."""
        self._source.close()


class _Source(Protocol):
    def read(self, amount: int, /) -> bytes: ...

    def close(self) -> None: ...


class ObjectStore(Protocol):
    """What both stores do. Every method raises UnavailableError when the store cannot be reached."""

    def put(self, key: str, source: BinaryIO, *, size: int | None, content_type: str) -> None:
        """Store `source`, replacing what was there. All of it or nothing is visible afterwards.

        `size` is the number of bytes from where `source` stands; None stores what there is until its end.
        """
        ...

    def read(self, key: str) -> Pieces:
        """The bytes in pieces of at most CHUNK_BYTES; raises ObjectMissingError before the first."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; harmless where there is none."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with `prefix`, in no particular order."""
        ...

    def discard_unfinished(self, *, before: datetime) -> int:
        """Delete what puts that never ended left behind and nobody sees, begun before a moment; how many there were."""
        ...

    def is_ready(self) -> bool:
        """Whether the store answers now."""
        ...


def open_store(url: str) -> ObjectStore:
    """The store that a URL names: `folder:///path`, or `s3://access:secret@host:port/bucket?secure=1&region=…`.

    `answer_seconds` and `object_seconds` replace how long a server is waited for, for any word and for a whole object.

    Raises:
        ValueError: the URL names neither.
    """
    parts = urlsplit(url)
    if parts.scheme == "folder":
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.username and parts.password and parts.path.strip("/"):
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer_seconds = float(options.get("answer_seconds", _ANSWER_SECONDS))
        # A store that hangs must not hold a thread: the library's own default is five minutes, five times. A server
        # that does not answer is not asked again, only one that did not take the connection.
        http = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=answer_seconds),
            retries=urllib3.Retry(total=None, connect=1, read=0, redirect=0, status=0, other=0, backoff_factor=0.1),
        )
        client = Minio(
            parts.netloc.rpartition("@")[2],
            access_key=unquote(parts.username),
            secret_key=unquote(parts.password),
            secure=options.get("secure", "0") == "1",
            region=options.get("region", "us-east-1"),
            http_client=http,
        )
        object_seconds = float(options.get("object_seconds", _OBJECT_SECONDS))
        return S3Store(client, http, bucket=parts.path.strip("/"), object_seconds=object_seconds)
    # The URL itself may hold a secret and stays out of the message.
    raise ValueError("an object store is folder:///path or s3://access:secret@host:port/bucket")


class FolderStore:
    """Objects as files below one folder, for a system on one machine."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(
        self,
        key: str,
        source: BinaryIO,
        *,
        size: int | None,
        content_type: str,  # noqa: ARG002 - S3 keeps it
    ) -> None:
        """Write beside the place and rename, so that nobody ever sees half an object."""
        path = self._path(key)
        with _telling("stored"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_UNFINISHED, delete=False) as file:
                temporary = Path(file.name)
                try:
                    while piece := source.read(CHUNK_BYTES):
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                    _check_whole(file.tell(), size)
                    temporary.replace(path)
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
            # The name outlives a loss of power only when its folders were written too.
            _write_through(path.parent)
            _write_through(self._folder)

    def read(self, key: str) -> Pieces:
        """The bytes in pieces."""
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise ObjectMissingError from error
        return Pieces(file)

    def delete(self, key: str) -> None:
        """Remove the file."""
        with _telling("changed"):
            self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file below the folder whose key begins with `prefix`."""
        for path in self._folder.rglob("*"):
            key = path.relative_to(self._folder).as_posix()
            if key.startswith(prefix) and _KEY.fullmatch(key) and path.is_file():
                status = path.stat()
                yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def discard_unfinished(self, *, before: datetime) -> int:
        """Delete the beginnings of files whose writer died."""
        discarded = 0
        for path in self._folder.rglob(f"{_UNFINISHED}*"):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink(missing_ok=True)
                discarded += 1
        return discarded

    def is_ready(self) -> bool:
        """Whether the folder can be written."""
        return os.access(self._folder, os.W_OK)

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)


class S3Store:
    """Objects in a bucket of an S3-compatible server."""

    def __init__(self, client: Minio, http: urllib3.PoolManager, *, bucket: str, object_seconds: float) -> None:
        """`http` is what the client itself uses. The bucket is made on first use where it is missing."""
        self._client = client
        self._http = http
        self._bucket = bucket
        self._object_seconds = object_seconds
        self._has_bucket = False

    def put(self, key: str, source: BinaryIO, *, size: int | None, content_type: str) -> None:
        """Upload in one request; the server shows the object when it has all of it.

        The client's own `put_object` holds whole parts of 5 MB in memory, several at once, and leaves parts on the
        server when it is killed. So it signs a link, and the file goes there piece by piece.
        """
        key = _checked(key)
        if size is None:
            with tempfile.TemporaryFile() as spooled:
                while piece := source.read(CHUNK_BYTES):
                    spooled.write(piece)
                size = spooled.tell()
                spooled.seek(0)
                self._put(key, spooled, size=size, content_type=content_type)
        else:
            self._put(key, source, size=size, content_type=content_type)

    def _put(self, key: str, source: BinaryIO, *, size: int, content_type: str) -> None:
        with _telling("stored"):
            digest = _md5(source, size)
            self._ensure_bucket()
            link = self._client.get_presigned_url("PUT", self._bucket, key, expires=_LINK_FOR)
            # The digest lets the server refuse what was damaged on the way: the signature does not cover the body.
            headers = {"Content-Type": content_type, "Content-Length": str(size), "Content-MD5": digest}
            body = _Timely(source, seconds=self._object_seconds)
            answer = self._http.urlopen("PUT", link, body=body, headers=headers)
            if answer.status != _OK:
                raise _RefusedError(answer.status)

    def read(self, key: str) -> Pieces:
        """The bytes in pieces."""
        with _telling("read"):
            try:
                response = self._client.get_object(self._bucket, _checked(key))
            except S3Error as error:
                if error.code in ("NoSuchKey", "NoSuchBucket"):
                    raise ObjectMissingError from error
                raise
        return Pieces(_Response(response), seconds=self._object_seconds)

    def delete(self, key: str) -> None:
        """Remove the object; S3 says nothing where there is none."""
        with _telling("changed"):
            self._client.remove_object(self._bucket, _checked(key))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with `prefix`."""
        with _telling("listed"):
            try:
                for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                    if found.object_name is not None and found.last_modified is not None:
                        yield StoredObject(found.object_name, found.size or 0, found.last_modified)
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise

    def discard_unfinished(self, *, before: datetime) -> int:  # noqa: ARG002 - a put is one request
        """Nothing: a request that breaks off leaves nothing behind."""
        return 0

    def is_ready(self) -> bool:
        """Whether the server answers for the bucket."""
        try:
            self._ensure_bucket()
            return self._client.bucket_exists(self._bucket)
        except (S3Error, urllib3.exceptions.HTTPError, OSError):
            return False

    def _ensure_bucket(self) -> None:
        if self._has_bucket:
            return
        if not self._client.bucket_exists(self._bucket):
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:
                # Another process was faster.
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise
        self._has_bucket = True


class _NotWholeError(OSError):
    """A source ended before the bytes that it was said to have."""


class _RefusedError(OSError):
    """A server answered a put with another status."""


class _Timely:
    """A file on its way to a server, which may be slow in taking it, but not for ever."""

    def __init__(self, file: BinaryIO, *, seconds: float) -> None:
        self._file = file
        self._ends_at = time.monotonic() + seconds

    def read(self, amount: int = CHUNK_BYTES) -> bytes:
        """At least CHUNK_BYTES at once: the client would take it by 16 KB."""
        if time.monotonic() > self._ends_at:
            raise TimeoutError
        return self._file.read(max(amount, CHUNK_BYTES))


class _Response:
    """A server's answer, read as it comes: a piece is never waited for longer than the socket's own time."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def read(self, amount: int) -> bytes:
        """At most `amount` bytes."""
        return self._response.read1(amount)

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()
        self._response.release_conn()


@contextmanager
def _telling(done: str) -> Iterator[None]:
    """Say in one way that a store cannot be reached; what was to be done with files is `done`."""
    try:
        yield
    except (S3Error, urllib3.exceptions.HTTPError, OSError) as error:
        raise UnavailableError("store-away", f"Files cannot be {done} now. Try again in a moment.") from error


def _md5(source: BinaryIO, size: int) -> str:
    """The digest of what is left of a file, in base64, as HTTP has it; the file stands where it stood afterwards."""
    begins_at, digest = source.tell(), hashlib.md5(usedforsecurity=False)
    while piece := source.read(CHUNK_BYTES):
        digest.update(piece)
    _check_whole(source.tell() - begins_at, size)
    source.seek(begins_at)
    return base64.b64encode(digest.digest()).decode()


def _check_whole(found: int, size: int | None) -> None:
    if size not in (None, found):
        raise _NotWholeError


def _write_through(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("a key is lower-case letters, digits and dashes between slashes")
    return key
