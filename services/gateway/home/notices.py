"""What a person was told, as the first page shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ascms.notifications.v1 import notifications_pb2
from flask import url_for
from flask_babel import gettext as _

from services.gateway.wording import moment_of


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice: what it says, whom it is about where the page knows, where it leads, whether its email failed."""

    text: str
    about: str
    href: str
    at: datetime | None
    has_failed: bool


def present_notices(notices: Iterable[notifications_pb2.Notice], *, names: Mapping[str, str]) -> list[NoticeLine]:
    """Notices, newest first as they came; `names` of what the page shows anyway, by address."""
    return [_present(notice, names) for notice in notices]


def _present(notice: notifications_pb2.Notice, names: Mapping[str, str]) -> NoticeLine:
    text, href = str(_("A notice")), ""
    if notice.kind == notifications_pb2.NOTICE_KIND_CASE_ASSIGNED:
        text, href = str(_("You were given a case")), url_for("cases.show", case_id=notice.subject_id)
    elif notice.kind == notifications_pb2.NOTICE_KIND_REQUEST_OVERDUE:
        text, href = str(_("A request is overdue")), url_for("incoming.show", request_id=notice.subject_id)
    return NoticeLine(
        text=text,
        about=names.get(href, ""),
        href=href,
        at=moment_of(notice.created_at),
        has_failed=notice.state == notifications_pb2.DELIVERY_STATE_FAILED,
    )
