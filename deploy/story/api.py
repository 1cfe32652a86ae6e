"""The REST API as a program uses it: bearer token, idempotency keys, problems as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import requests

from deploy.story.report import Deviation

_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


class Api:
    """The API as one person."""

    def __init__(self, base_url: str, access_token: str) -> None:
        """Nothing is asked yet."""
        self._root = base_url.rstrip("/") + "/api"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {access_token}"

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Read; raises Deviation for anything but 200."""
        return _good(self.ask("GET", path, query=query))

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """Write, with an idempotency key of its own unless one is given; raises Deviation for anything but 200."""
        return _good(self.ask("POST", path, body=body or {}, key=key or str(uuid4())))

    def send_file(self, path: str, content: bytes, *, key: str = "") -> dict[str, Any]:
        """Write a CSV file; raises Deviation for anything but 200."""
        return _good(self.ask("POST", path, content=content, key=key or str(uuid4())))

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
        content: bytes = b"",
        key: str = "",
    ) -> Answer:
        """Ask anything; every status is an answer. Raises requests' exceptions where there is none."""
        headers = {"Idempotency-Key": key} if key else {}
        if content:
            headers["Content-Type"] = "text/csv"
        response = self._session.request(
            method,
            self._root + path,
            params=dict(query or {}),
            json=body,
            data=content or None,
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
        )
        try:
            found = response.json()
        except ValueError:
            found = {"text": response.text[:500]}
        return Answer(response.status_code, found, dict(response.headers))


def _good(answer: Answer) -> dict[str, Any]:
    if answer.status != requests.codes.ok:
        raise Deviation(f"the API answers {answer.status}: {answer.body}")
    return answer.body
