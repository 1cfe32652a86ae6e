"""Notices, preferences and failed deliveries of the made-up world."""

from ascms.notifications.v1 import notifications_pb2 as n

from kit.rpc.server import Call, read
from tests.support.stub_world import World

_OF_MANAGERS = (n.NOTICE_KIND_CASE_ASSIGNED, n.NOTICE_KIND_TASK_DUE, n.NOTICE_KIND_TASK_OVERDUE)


class NoticesStub:
    """What the world has; a case manager chooses among three kinds, and everybody is told of their training."""

    world: World

    @read
    def ListNotices(self, request: n.ListNoticesRequest, _call: Call) -> n.ListNoticesResponse:
        self.met("ListNotices", request)  # type: ignore[attr-defined]
        return n.ListNoticesResponse(
            notices=self.world.notices, unread=sum(notice.unread for notice in self.world.notices)
        )

    @read
    def MarkNoticesRead(self, request: n.MarkNoticesReadRequest, _call: Call) -> n.MarkNoticesReadResponse:
        self.met("MarkNoticesRead", request)  # type: ignore[attr-defined]
        for notice in self.world.notices:
            notice.unread = False
        return n.MarkNoticesReadResponse()

    @read
    def GetNoticePreferences(
        self, request: n.GetNoticePreferencesRequest, call: Call
    ) -> n.GetNoticePreferencesResponse:
        self.met("GetNoticePreferences", request)  # type: ignore[attr-defined]
        return n.GetNoticePreferencesResponse(preferences=self._preferences(call))

    @read
    def SetNoticePreferences(
        self, request: n.SetNoticePreferencesRequest, call: Call
    ) -> n.SetNoticePreferencesResponse:
        self.met("SetNoticePreferences", request)  # type: ignore[attr-defined]
        self.world.chosen |= {each.kind: each.delivery for each in request.preferences}
        return n.SetNoticePreferencesResponse(preferences=self._preferences(call))

    @read
    def ListFailedDeliveries(
        self, request: n.ListFailedDeliveriesRequest, _call: Call
    ) -> n.ListFailedDeliveriesResponse:
        self.met("ListFailedDeliveries", request)  # type: ignore[attr-defined]
        return n.ListFailedDeliveriesResponse(deliveries=self.world.failed)

    def _preferences(self, call: Call) -> list[n.NoticePreference]:
        kinds = _OF_MANAGERS if call.actor.may("cases:record") else ()
        own = [
            n.NoticePreference(kind=kind, delivery=self.world.chosen.get(kind, n.NOTICE_DELIVERY_AT_ONCE))  # type: ignore[arg-type]
            for kind in kinds
        ]
        training = n.NoticePreference(
            kind=n.NOTICE_KIND_TRAINING_ENDING, delivery=n.NOTICE_DELIVERY_AT_ONCE, mandatory=True
        )
        return [*own, training]
