"""What a provider answers to a request, and what the school replies, through the gRPC door."""

from uuid import UUID

from ascms.cases.v1 import cases_pb2, requests_pb2

from kit.rpc.server import Call, write
from services.cases import commands, wire
from services.cases.commands.answers import Reply
from services.cases.domain.requests import Request, SeenRequest
from services.cases.rpc.base import Methods


def _return_response(seen: SeenRequest) -> cases_pb2.ReturnRequestResponse:
    return cases_pb2.ReturnRequestResponse(request=wire.requests.for_provider(seen))


def _decline_response(seen: SeenRequest) -> cases_pb2.DeclineRequestResponse:
    return cases_pb2.DeclineRequestResponse(request=wire.requests.for_provider(seen))


def _resubmit_response(seen: SeenRequest) -> cases_pb2.ResubmitRequestResponse:
    return cases_pb2.ResubmitRequestResponse(request=wire.requests.for_school(seen))


def _notify_response(request: Request) -> cases_pb2.NotifyNonEnrolmentResponse:
    return cases_pb2.NotifyNonEnrolmentResponse(
        request_id=str(request.id),
        provider_id=str(request.provider_id),
        answer_due_on=request.answer_due_on.isoformat(),
    )


class AnswerMethods(Methods):
    """Answers to requests, and where requests come from that no school makes."""

    @write(_return_response)
    def ReturnRequest(self, request: requests_pb2.ReturnRequestRequest, call: Call) -> SeenRequest:
        """See the contract."""
        return commands.answers.return_request(
            self.deps,
            call.actor,
            request_id=UUID(request.request_id),
            question=request.question,
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_decline_response)
    def DeclineRequest(self, request: requests_pb2.DeclineRequestRequest, call: Call) -> SeenRequest:
        """See the contract."""
        return commands.answers.decline_request(
            self.deps,
            call.actor,
            request_id=UUID(request.request_id),
            reason=request.reason,
            words=request.words,
            expected_version=request.expected_version,
        )

    @write(_resubmit_response)
    def ResubmitRequest(self, request: cases_pb2.ResubmitRequestRequest, call: Call) -> SeenRequest:
        """See the contract."""
        return commands.answers.resubmit_request(
            self.deps,
            call.actor,
            request_id=UUID(request.request_id),
            reply=Reply(
                request.reply,
                wire.requests.said_of(request.amendment) if request.HasField("amendment") else None,
            ),
            expected_version=request.expected_version,
            token=call.token,
        )

    @write(_notify_response)
    def NotifyNonEnrolment(self, request: cases_pb2.NotifyNonEnrolmentRequest, call: Call) -> Request:
        """See the contract."""
        return commands.own_work.notify_non_enrolment(
            self.deps,
            call.actor,
            draft=wire.requests.notification_of(request),
            provider_id=UUID(request.provider_id) if request.provider_id else None,
            is_domestic=request.is_domestic,
            token=call.token,
        )
