"""Letters through the gRPC door."""

from datetime import date, datetime
from uuid import UUID

from ascms.cases.v1 import letters_pb2

from kit.rpc.server import Call, read, write
from services.cases import commands, domain, wire
from services.cases.commands.letters import Answer, NewLetter, OpenedLetter, Undelivered
from services.cases.domain.letters import SeenLetter
from services.cases.rpc.base import Methods, cut
from services.cases.store import letters
from services.cases.store.letters import LetterPosition


def _draft_response(seen: SeenLetter) -> letters_pb2.DraftLetterResponse:
    return letters_pb2.DraftLetterResponse(letter=wire.letters.letter_message(seen))


def _revise_response(seen: SeenLetter) -> letters_pb2.ReviseLetterResponse:
    return letters_pb2.ReviseLetterResponse(letter=wire.letters.letter_message(seen))


def _submit_response(seen: SeenLetter) -> letters_pb2.SubmitLetterResponse:
    return letters_pb2.SubmitLetterResponse(letter=wire.letters.letter_message(seen))


def _approve_response(seen: SeenLetter) -> letters_pb2.ApproveLetterResponse:
    return letters_pb2.ApproveLetterResponse(letter=wire.letters.letter_message(seen))


def _return_response(seen: SeenLetter) -> letters_pb2.ReturnLetterResponse:
    return letters_pb2.ReturnLetterResponse(letter=wire.letters.letter_message(seen))


def _send_response(seen: SeenLetter) -> letters_pb2.SendLetterResponse:
    return letters_pb2.SendLetterResponse(letter=wire.letters.letter_message(seen))


def _answer_response(seen: SeenLetter) -> letters_pb2.AnswerLetterResponse:
    return letters_pb2.AnswerLetterResponse(letter=wire.letters.letter_message(seen))


def _undelivered_response(done: Undelivered) -> letters_pb2.NoteLetterUndeliveredResponse:
    return letters_pb2.NoteLetterUndeliveredResponse(
        letter=wire.letters.letter_message(done.seen), task_id=str(done.task.id)
    )


def _withdraw_response(seen: SeenLetter) -> letters_pb2.WithdrawLetterResponse:
    return letters_pb2.WithdrawLetterResponse(letter=wire.letters.letter_message(seen))


class LetterMethods(Methods):
    """Letters."""

    @write(_draft_response)
    def DraftLetter(self, request: letters_pb2.DraftLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        wanted = NewLetter(
            family=wire.enums.LETTER_FAMILY.value(request.family),
            stage=request.stage,
            text=wire.letters.text_of(request.text),
        )
        return commands.letters.draft_letter(
            self.deps,
            call.actor,
            case_id=UUID(request.case_id),
            wanted=wanted,
            expected_version=request.expected_version,
        )

    @write(_revise_response)
    def ReviseLetter(self, request: letters_pb2.ReviseLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.revise_letter(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            text=wire.letters.text_of(request.text),
            expected_version=request.expected_version,
        )

    @write(_submit_response)
    def SubmitLetter(self, request: letters_pb2.SubmitLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.submit_letter(
            self.deps, call.actor, letter_id=UUID(request.letter_id), expected_version=request.expected_version
        )

    @write(_approve_response)
    def ApproveLetter(self, request: letters_pb2.ApproveLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.approve_letter(
            self.deps, call.actor, letter_id=UUID(request.letter_id), expected_version=request.expected_version
        )

    @write(_return_response)
    def ReturnLetter(self, request: letters_pb2.ReturnLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.return_letter(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            note=request.note,
            expected_version=request.expected_version,
        )

    @write(_send_response)
    def SendLetter(self, request: letters_pb2.SendLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.send_letter(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            mode=wire.enums.LETTER_MODE.value(request.mode),
            sent_on=date.fromisoformat(request.sent_on),
            expected_version=request.expected_version,
        )

    @write(_answer_response)
    def AnswerLetter(self, request: letters_pb2.AnswerLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.answer_letter(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            answer=Answer(
                has_responded=request.answer == letters_pb2.LETTER_ANSWER_RESPONDED,
                on=date.fromisoformat(request.answered_on),
                note=request.note,
            ),
            expected_version=request.expected_version,
        )

    @write(_undelivered_response)
    def NoteLetterUndelivered(self, request: letters_pb2.NoteLetterUndeliveredRequest, call: Call) -> Undelivered:
        """See the contract."""
        return commands.letters.note_letter_undelivered(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            noted_on=date.fromisoformat(request.noted_on),
            note=request.note,
            expected_version=request.expected_version,
        )

    @write(_withdraw_response)
    def WithdrawLetter(self, request: letters_pb2.WithdrawLetterRequest, call: Call) -> SeenLetter:
        """See the contract."""
        return commands.letters.withdraw_letter(
            self.deps,
            call.actor,
            letter_id=UUID(request.letter_id),
            reason=request.reason,
            expected_version=request.expected_version,
        )

    @read
    def GetLetter(self, request: letters_pb2.GetLetterRequest, call: Call) -> letters_pb2.GetLetterResponse:
        """See the contract."""
        opened = commands.letters.open_letter(self.deps, call.actor, letter_id=UUID(request.letter_id))
        return letters_pb2.GetLetterResponse(
            letter=wire.letters.letter_message(opened.seen), print=_print(opened, call)
        )

    @read
    def GetApprovedLetter(
        self, request: letters_pb2.GetApprovedLetterRequest, call: Call
    ) -> letters_pb2.GetApprovedLetterResponse:
        """See the contract."""
        opened = commands.letters.find_approved_letter(self.deps, call.actor, letter_id=UUID(request.letter_id))
        return letters_pb2.GetApprovedLetterResponse(
            letter=wire.letters.letter_message(opened.seen), print=_print(opened, call)
        )

    @read
    def ListLetters(self, request: letters_pb2.ListLettersRequest, call: Call) -> letters_pb2.ListLettersResponse:
        """See the contract."""
        state = wire.enums.LETTER_STATE.find(request.state)
        if request.case_id:
            found = commands.letters.open_case_letters(self.deps, call.actor, case_id=UUID(request.case_id))
            return letters_pb2.ListLettersResponse(
                letters=[
                    wire.letters.letter_message(each) for each in found.letters if state in (None, each.letter.state)
                ],
                rules=wire.letters.rules_message(found.attempts, found.nexts, found.caregivers),
            )
        scope = (call.actor.tenant_id, "letters", call.actor.person_id, request.state)
        size, position = self.page(request, scope)
        sees_all = domain.cases.sees_every_case(call.actor)
        with self.deps.database.tenant(call.actor) as tx:
            listed = letters.list_letters(
                tx,
                state=state,
                case_manager_id=None if sees_all else call.actor.person_id,
                after=LetterPosition(datetime.fromisoformat(position[0]), UUID(position[1])) if position else None,
                most=size + 1,
            )
        today = self.local_today()
        shown, more = cut(listed, size)
        last = shown[-1].letter if more else None
        at = (last.drafted_at if state is None else last.waits_since) if last else None
        return letters_pb2.ListLettersResponse(
            letters=[
                wire.letters.letter_message(SeenLetter(each.letter, each.case_number, each.student_name, today))
                for each in shown
            ],
            next_page_token=self.token([at.isoformat(), str(last.id)], scope) if at and last else "",
        )


def _print(opened: OpenedLetter, call: Call) -> letters_pb2.LetterPrint:
    return wire.letters.print_message(
        opened.seen,
        school_id=opened.school_id,
        provider_id=call.actor.tenant_id,
        response_days=opened.response_days,
    )
