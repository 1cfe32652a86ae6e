"""Objects by key: where files' bytes are. A folder for one machine, any S3-compatible server for many; one behaviour.

A key is made of lower-case letters, digits, dashes and slashes; it is never a file name that a person chose.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import S3Error

from kit.errors import UnavailableError

CHUNK_BYTES = 256 * 1024
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

    def __init__(self, source: "_Source") -> None:
        """`source` is open and is closed at its end, or before."""
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        """The pieces that are left."""
        return self

    def __next__(self) -> bytes:
        """At most CHUNK_BYTES."""
        piece = self._source.read(CHUNK_BYTES)
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

    def put(self, key: str, source: BinaryIO, *, size: int, content_type: str) -> None:
        """Store `size` bytes of `source`, replacing what was there. All of it or nothing is visible afterwards."""
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

    def is_ready(self) -> bool:
        """Whether the store answers now."""
        ...


def open_store(url: str) -> ObjectStore:
    """The store that a URL names: `folder:///path`, or `s3://access:secret@host:port/bucket?secure=1&region=…`.

    Raises:
        ValueError: the URL names neither.
    """
    parts = urlsplit(url)
    if parts.scheme == "folder":
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.username and parts.password and parts.path.strip("/"):
        options = parse_qs(parts.query)
        return S3Store(
            Minio(
                parts.netloc.rpartition("@")[2],
                access_key=unquote(parts.username),
                secret_key=unquote(parts.password),
                secure=options.get("secure", ["0"])[0] == "1",
                region=options.get("region", ["us-east-1"])[0],
                # A store that hangs must not hold a thread: the library's own default is five minutes, five times.
                http_client=urllib3.PoolManager(
                    timeout=urllib3.Timeout(connect=2.0, read=10.0), retries=urllib3.Retry(total=1, backoff_factor=0.1)
                ),
            ),
            bucket=parts.path.strip("/"),
        )
    # The URL itself may hold a secret and stays out of the message.
    raise ValueError("an object store is folder:///path or s3://access:secret@host:port/bucket")


class FolderStore:
    """Objects as files below one folder, for a system on one machine."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, source: BinaryIO, *, size: int, content_type: str) -> None:  # noqa: ARG002 - S3 keeps it
        """Write beside the place and rename, so that nobody ever sees half an object."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                temporary = Path(file.name)
                try:
                    while piece := source.read(CHUNK_BYTES):
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                    temporary.replace(path)
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise UnavailableError("store-away", "Files cannot be stored now. Try again in a moment.") from error
        if path.stat().st_size != size:
            path.unlink()
            raise UnavailableError("store-away", "The file did not arrive whole. Try again.")

    def read(self, key: str) -> Pieces:
        """The bytes in pieces."""
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise ObjectMissingError from error
        return Pieces(file)

    def delete(self, key: str) -> None:
        """Remove the file."""
        self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file below the folder whose key begins with `prefix`."""
        for path in self._folder.rglob("*"):
            key = path.relative_to(self._folder).as_posix()
            if key.startswith(prefix) and _KEY.fullmatch(key) and path.is_file():
                status = path.stat()
                yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def is_ready(self) -> bool:
        """Whether the folder can be written."""
        return os.access(self._folder, os.W_OK)

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)


class S3Store:
    """Objects in a bucket of an S3-compatible server."""

    def __init__(self, client: Minio, *, bucket: str) -> None:
        """The bucket is made on first use where it is missing."""
        self._client = client
        self._bucket = bucket
        self._has_bucket = False

    def put(self, key: str, source: BinaryIO, *, size: int, content_type: str) -> None:
        """Upload; the server shows the object when it has all of it."""
        try:
            self._ensure_bucket()
            self._client.put_object(self._bucket, _checked(key), source, size, content_type=content_type)
        except (S3Error, urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError("store-away", "Files cannot be stored now. Try again in a moment.") from error

    def read(self, key: str) -> Pieces:
        """The bytes in pieces."""
        try:
            response = self._client.get_object(self._bucket, _checked(key))
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                raise ObjectMissingError from error
            raise UnavailableError("store-away", "Files cannot be read now. Try again in a moment.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError("store-away", "Files cannot be read now. Try again in a moment.") from error

        return Pieces(response)

    def delete(self, key: str) -> None:
        """Remove the object; S3 says nothing where there is none."""
        try:
            self._client.remove_object(self._bucket, _checked(key))
        except (S3Error, urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError("store-away", "Files cannot be changed now. Try again in a moment.") from error

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with `prefix`."""
        try:
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                if found.object_name is not None and found.last_modified is not None:
                    yield StoredObject(found.object_name, found.size or 0, found.last_modified)
        except S3Error as error:
            if error.code != "NoSuchBucket":
                raise UnavailableError("store-away", "Files cannot be listed now. Try again in a moment.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError("store-away", "Files cannot be listed now. Try again in a moment.") from error

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


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("a key is lower-case letters, digits and dashes between slashes")
    return key
