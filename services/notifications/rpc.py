"""The door of notifications: a person's own notices."""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from ascms.notifications.v1 import notifications_pb2, notifications_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from kit.db import Database
from kit.paging import PageTokens
from kit.rpc.server import Call, read
from services.notifications import store
from services.notifications.domain import DeliveryState, Notice, NoticeKind

_SIZE = 20
_KINDS = MappingProxyType(
    {
        NoticeKind.CASE_ASSIGNED: notifications_pb2.NOTICE_KIND_CASE_ASSIGNED,
        NoticeKind.REQUEST_OVERDUE: notifications_pb2.NOTICE_KIND_REQUEST_OVERDUE,
        NoticeKind.INVITATION: notifications_pb2.NOTICE_KIND_INVITATION,
        NoticeKind.TRAINING_INVITATION: notifications_pb2.NOTICE_KIND_TRAINING_INVITATION,
    }
)
_STATES = MappingProxyType(
    {
        DeliveryState.PLANNED: notifications_pb2.DELIVERY_STATE_PLANNED,
        DeliveryState.SENT: notifications_pb2.DELIVERY_STATE_SENT,
        DeliveryState.FAILED: notifications_pb2.DELIVERY_STATE_FAILED,
    }
)


def encode_notice(notice: Notice) -> notifications_pb2.Notice:
    """A notice as its contract shows it."""
    created_at = Timestamp()
    created_at.FromDatetime(notice.created_at)
    return notifications_pb2.Notice(
        notice_id=str(notice.notice_id),
        kind=_KINDS[notice.kind],
        subject_id=str(notice.subject_id),
        created_at=created_at,
        state=_STATES[notice.state],
    )


@dataclass(frozen=True)
class NotificationsServicer(notifications_pb2_grpc.NotificationsServiceServicer):
    """What people were told."""

    database: Database
    page_tokens: PageTokens

    @read
    def ListNotices(
        self, request: notifications_pb2.ListNoticesRequest, call: Call
    ) -> notifications_pb2.ListNoticesResponse:
        """The caller's own notices at the active organisation, newest first."""
        size = request.page_size or _SIZE
        person_id = call.actor.person_id
        scope = (call.actor.tenant_id, "notices", person_id)
        position = self.page_tokens.decode(request.page_token, scope=scope)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        with self.database.tenant(call.actor) as tx:
            found = store.list_notices(tx, person_id, most=size + 1, after=after)
        answer = notifications_pb2.ListNoticesResponse(notices=map(encode_notice, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            answer.next_page_token = self.page_tokens.encode(
                (last.created_at.isoformat(), str(last.notice_id)), scope=scope
            )
        return answer
