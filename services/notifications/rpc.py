"""The door of notifications: a person's own notices, how they want them, and what did not arrive."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from ascms.notifications.v1 import notifications_pb2, notifications_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import InvalidArgumentError, Violation
from kit.paging import PageTokens
from kit.rpc.server import Call, read, write
from services.notifications import commands, store
from services.notifications.domain import (
    Delivery,
    DeliveryState,
    Fault,
    Inbox,
    Notice,
    NoticeKind,
    Preference,
    fault_of,
    preferences_of,
)

_SIZE = 20
_FAILURES_SHOWN = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)
_KINDS: Mapping[NoticeKind, notifications_pb2.NoticeKind.ValueType] = MappingProxyType(
    {
        # A daily e-mail stands in no list.
        kind: notifications_pb2.NoticeKind.Value(f"NOTICE_KIND_{kind.name}")
        for kind in NoticeKind
        if kind is not NoticeKind.DAILY
    }
)
_KIND_OF = MappingProxyType({number: kind for kind, number in _KINDS.items()})
_STATES = MappingProxyType(
    {state: notifications_pb2.DeliveryState.Value(f"DELIVERY_STATE_{state.name}") for state in DeliveryState}
)
_FAULTS = MappingProxyType(
    {fault: notifications_pb2.DeliveryFault.Value(f"DELIVERY_FAULT_{fault.name}") for fault in Fault}
)
_DELIVERIES = MappingProxyType(
    {each: notifications_pb2.NoticeDelivery.Value(f"NOTICE_DELIVERY_{each.name}") for each in Delivery}
)
_DELIVERY_OF = MappingProxyType({number: each for each, number in _DELIVERIES.items()})


def encode_notice(notice: Notice, *, is_unread: bool = False) -> notifications_pb2.Notice:
    """A notice as its contract shows it."""
    return notifications_pb2.Notice(
        notice_id=str(notice.notice_id),
        kind=_KINDS[notice.kind],
        subject_id=str(notice.subject_id),
        created_at=_moment(notice.created_at),
        state=_STATES[notice.state],
        fault=_encode_fault(notice),
        unread=is_unread,
    )


def _encode_fault(notice: Notice) -> notifications_pb2.DeliveryFault.ValueType:
    if notice.state is not DeliveryState.FAILED:
        return notifications_pb2.DELIVERY_FAULT_UNSPECIFIED
    return _FAULTS[fault_of(notice.fault)]


def _moment(at: datetime | None) -> Timestamp:
    stamp = Timestamp()
    if at is not None:
        stamp.FromDatetime(at)
    return stamp


def _encode_preferences(preferences: Iterable[Preference]) -> list[notifications_pb2.NoticePreference]:
    return [
        notifications_pb2.NoticePreference(
            kind=_KINDS[each.kind], delivery=_DELIVERIES[each.delivery], mandatory=each.is_mandatory
        )
        for each in preferences
    ]


def _decode_preferences(wanted: Sequence[notifications_pb2.NoticePreference]) -> list[Preference]:
    violations = [
        Violation(f"preferences[{number}].{name}", "required", "must be said")
        for number, each in enumerate(wanted)
        for name, value, known in (("kind", each.kind, _KIND_OF), ("delivery", each.delivery, _DELIVERY_OF))
        if value not in known
    ]
    twice = len({each.kind for each in wanted}) != len(wanted)
    violations += [Violation("preferences", "twice", "must name each kind once")] if twice else []
    if violations:
        raise InvalidArgumentError.of(*violations)
    return [Preference(_KIND_OF[each.kind], _DELIVERY_OF[each.delivery]) for each in wanted]


@dataclass(frozen=True)
class NotificationsServicer(notifications_pb2_grpc.NotificationsServiceServicer):
    """What people were told."""

    deps: commands.Deps
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
        with self.deps.database.tenant(call.actor) as tx:
            found = store.list_notices(tx, person_id, most=size + 1, after=_after(position))
            read_until = store.preferences.find_read_until(tx, person_id)
            unread = store.preferences.count_unread(tx, person_id, since=read_until or _NEVER)
        inbox = Inbox(found[:size], read_until, unread)
        token = ""
        if len(found) > size:
            last = inbox.notices[-1]
            token = self.page_tokens.encode((last.created_at.isoformat(), str(last.notice_id)), scope=scope)
        return notifications_pb2.ListNoticesResponse(
            notices=[encode_notice(each, is_unread=inbox.is_unread(each)) for each in inbox.notices],
            next_page_token=token,
            unread=inbox.unread,
        )

    @write(lambda _done: notifications_pb2.MarkNoticesReadResponse())
    def MarkNoticesRead(self, _request: notifications_pb2.MarkNoticesReadRequest, call: Call) -> None:
        """See the contract."""
        commands.mark_notices_read(self.deps, call.actor)

    @read
    def GetNoticePreferences(
        self, _request: notifications_pb2.GetNoticePreferencesRequest, call: Call
    ) -> notifications_pb2.GetNoticePreferencesResponse:
        """See the contract."""
        with self.deps.database.tenant(call.actor) as tx:
            chosen = store.preferences.list_deliveries(tx, call.actor.person_id)
        return notifications_pb2.GetNoticePreferencesResponse(
            preferences=_encode_preferences(preferences_of(call.actor, chosen))
        )

    @write(lambda now_is: notifications_pb2.SetNoticePreferencesResponse(preferences=_encode_preferences(now_is)))
    def SetNoticePreferences(
        self, request: notifications_pb2.SetNoticePreferencesRequest, call: Call
    ) -> list[Preference]:
        """See the contract."""
        wanted = _decode_preferences(request.preferences)
        return commands.set_notice_preferences(self.deps, call.actor, wanted=wanted)

    @read
    def ListFailedDeliveries(
        self, request: notifications_pb2.ListFailedDeliveriesRequest, call: Call
    ) -> notifications_pb2.ListFailedDeliveriesResponse:
        """See the contract."""
        size, scope = request.page_size or _SIZE, (call.actor.tenant_id, "failed-deliveries")
        position = self.page_tokens.decode(request.page_token, scope=scope)
        since = self.deps.clock.now() - _FAILURES_SHOWN
        with self.deps.database.tenant(call.actor) as tx:
            found = store.list_failed(tx, since=since, most=size + 1, after=_after(position))
        answer = notifications_pb2.ListFailedDeliveriesResponse(
            deliveries=[
                notifications_pb2.FailedDelivery(
                    person_id=str(each.person_id or ""),
                    kind=_KINDS[each.kind],
                    failed_at=_moment(each.ended_at),
                    fault=_encode_fault(each),
                )
                for each in found[:size]
            ]
        )
        if len(found) > size:
            last = found[size - 1]
            assert last.ended_at is not None, "what has failed has ended"
            answer.next_page_token = self.page_tokens.encode(
                (last.ended_at.isoformat(), str(last.notice_id)), scope=scope
            )
        return answer


def _after(position: Sequence[str] | None) -> tuple[datetime, UUID] | None:
    return (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
