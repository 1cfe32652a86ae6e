"""Letters as the gateway meets them: kept in the world, with as many rules as pages need to meet their errors."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from ascms.cases.v1 import letters_pb2 as pb
from ascms.cases.v1 import requests_pb2
from ascms.documents.v1 import letters_pb2 as documents_letters

from kit.actor import Actor
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, StaleVersionError, Violation
from kit.rpc.server import Call, read

if TYPE_CHECKING:
    from tests.support.stub_world import World

PDF = b"%PDF-1.7 made up"
_FROM = {
    "revise": pb.LETTER_STATE_DRAFT,
    "submit": pb.LETTER_STATE_DRAFT,
    "approve": pb.LETTER_STATE_AWAITING_APPROVAL,
    "return": pb.LETTER_STATE_AWAITING_APPROVAL,
    "send": pb.LETTER_STATE_APPROVED,
    "answer": pb.LETTER_STATE_SENT,
    "undelivered": pb.LETTER_STATE_SENT,
    "withdraw": pb.LETTER_STATE_DRAFT,
}
_NEEDED = ("recipients", "support", "contact_name", "contact_phone")


def letter_id(number: int) -> str:
    """The id of a letter of the world, by its place."""
    return str(UUID(int=0x01890A5DAC96774B80000000_00000900 + number))


def _recipients(case: Any) -> list[pb.LetterRecipient]:
    """The caregivers of a case with the ways that are safe, as the service says them."""
    needs = {
        pb.LETTER_MODE_POST: requests_pb2.CONTACT_WAY_VISIT,
        pb.LETTER_MODE_HAND: requests_pb2.CONTACT_WAY_VISIT,
        pb.LETTER_MODE_EMAIL: requests_pb2.CONTACT_WAY_EMAIL,
    }
    return [
        pb.LetterRecipient(
            name=one.name,
            relationship=one.relationship,
            modes=[mode for mode, way in needs.items() if way in one.safe_ways or one.safe_to_contact],
            safe_note=one.safe_note,
        )
        for one in case.caregivers
    ]


class LettersStub:
    """To be mixed into the stub of cases: letters of the world, for whoever sees their case."""

    world: "World"
    met: Any
    _case: Any

    def _letter(self, letter_id: str, actor: Actor) -> pb.Letter:
        for letter in self.world.letters:
            if letter.letter_id == letter_id:
                self._case(letter.case_id, actor)
                return letter
        raise NotFoundError("letter")

    def _seen(self, letter: pb.Letter, actor: Actor) -> pb.Letter:
        seen = pb.Letter()
        seen.CopyFrom(letter)
        missing = [name for name in _NEEDED if not getattr(letter.text, name)]
        for action, state in _FROM.items():
            permission = "letters:approve" if action in ("approve", "return") else "cases:record"
            reason, details = "", []
            if not actor.may(permission):
                reason = "permission-missing"
            elif letter.state != state:
                reason = "letter-state"
            elif action == "submit" and missing:
                reason, details = "letter-incomplete", missing
            elif action == "approve" and letter.submitted_by == str(actor.actor_id):
                reason = "own-letter"
            elif action == "send" and not letter.document_id:
                reason = "letter-not-printed"
            seen.allowed_actions.add(action=action, allowed=not reason, reason=reason, details=details)
        seen.ways.extend(
            pb.LetterWay(mode=mode, allowed=mode not in self.world.closed_ways, **self.world.closed_ways.get(mode, {}))
            for mode in (pb.LETTER_MODE_POST, pb.LETTER_MODE_HAND, pb.LETTER_MODE_EMAIL)
        )
        return seen

    def _act(self, action: str, request: Any, actor: Actor) -> pb.Letter:
        letter = self._letter(request.letter_id, actor)
        if request.expected_version not in (0, letter.version):
            raise StaleVersionError(expected=request.expected_version, actual=letter.version)
        [act] = [each for each in self._seen(letter, actor).allowed_actions if each.action == action]
        if not act.allowed:
            raise FailedPreconditionError(act.reason, "Not now.")
        letter.version += 1
        return letter

    def _done(self, kind: Any, letter: pb.Letter, actor: Actor) -> Any:
        return kind(letter=self._seen(letter, actor), position=self.world.next_position())

    @read
    def DraftLetter(self, request: pb.DraftLetterRequest, call: Call) -> pb.DraftLetterResponse:
        self.met("DraftLetter", request)
        return self.world.once(call.idempotency_key, lambda: self._drafted(request, call.actor))  # type: ignore[no-any-return]

    def _drafted(self, request: pb.DraftLetterRequest, actor: Actor) -> Any:
        case = self._case(request.case_id, actor)
        known = {one.name for one in _recipients(case) if one.modes}
        if not set(request.text.recipients) <= known:
            raise InvalidArgumentError.of(Violation("text.recipients", "not-safe-to-contact", "must be safe"))
        letter = pb.Letter(
            letter_id=letter_id(len(self.world.letters)),
            case_id=case.case_id,
            case_number=case.number,
            student_name=f"{case.student.given_names} {case.student.family_name}",
            family=request.family,
            stage=request.stage,
            text=request.text,
            state=pb.LETTER_STATE_DRAFT,
            drafted_by=str(actor.actor_id),
            drafted_at=self.world.moment(),
            due_on=self.world.day(14),
            version=1,
        )
        self.world.letters.insert(0, letter)
        return self._done(pb.DraftLetterResponse, letter, actor)

    @read
    def ReviseLetter(self, request: pb.ReviseLetterRequest, call: Call) -> Any:
        self.met("ReviseLetter", request)
        letter = self._act("revise", request, call.actor)
        letter.text.CopyFrom(request.text)
        return self._done(pb.ReviseLetterResponse, letter, call.actor)

    @read
    def SubmitLetter(self, request: pb.SubmitLetterRequest, call: Call) -> Any:
        self.met("SubmitLetter", request)
        letter = self._act("submit", request, call.actor)
        letter.state, letter.submitted_by = pb.LETTER_STATE_AWAITING_APPROVAL, str(call.actor.actor_id)
        letter.submitted_at.CopyFrom(self.world.moment())
        return self._done(pb.SubmitLetterResponse, letter, call.actor)

    @read
    def ApproveLetter(self, request: pb.ApproveLetterRequest, call: Call) -> Any:
        self.met("ApproveLetter", request)
        letter = self._act("approve", request, call.actor)
        letter.state, letter.approved_by = pb.LETTER_STATE_APPROVED, str(call.actor.actor_id)
        letter.approved_at.CopyFrom(self.world.moment())
        return self._done(pb.ApproveLetterResponse, letter, call.actor)

    @read
    def ReturnLetter(self, request: pb.ReturnLetterRequest, call: Call) -> Any:
        self.met("ReturnLetter", request)
        letter = self._act("return", request, call.actor)
        letter.state, letter.return_note = pb.LETTER_STATE_DRAFT, request.note
        letter.returned_by = str(call.actor.actor_id)
        return self._done(pb.ReturnLetterResponse, letter, call.actor)

    @read
    def SendLetter(self, request: pb.SendLetterRequest, call: Call) -> Any:
        self.met("SendLetter", request)
        letter = self._act("send", request, call.actor)
        letter.state, letter.mode, letter.sent_on = pb.LETTER_STATE_SENT, request.mode, request.sent_on
        letter.sent_by, letter.response_due_on = str(call.actor.actor_id), self.world.day(14)
        return self._done(pb.SendLetterResponse, letter, call.actor)

    @read
    def AnswerLetter(self, request: pb.AnswerLetterRequest, call: Call) -> Any:
        self.met("AnswerLetter", request)
        letter = self._act("answer", request, call.actor)
        letter.state, letter.ended_on = pb.LETTER_STATE_RESPONDED, request.answered_on
        letter.end_note, letter.ended_by = request.note, str(call.actor.actor_id)
        return self._done(pb.AnswerLetterResponse, letter, call.actor)

    @read
    def NoteLetterUndelivered(self, request: pb.NoteLetterUndeliveredRequest, call: Call) -> Any:
        self.met("NoteLetterUndelivered", request)
        letter = self._act("undelivered", request, call.actor)
        letter.state, letter.ended_on = pb.LETTER_STATE_UNDELIVERED, request.noted_on
        letter.end_note, letter.ended_by = request.note, str(call.actor.actor_id)
        return self._done(pb.NoteLetterUndeliveredResponse, letter, call.actor)

    @read
    def WithdrawLetter(self, request: pb.WithdrawLetterRequest, call: Call) -> Any:
        self.met("WithdrawLetter", request)
        letter = self._act("withdraw", request, call.actor)
        letter.state, letter.ended_on = pb.LETTER_STATE_WITHDRAWN, self.world.day()
        letter.end_note, letter.ended_by = request.reason, str(call.actor.actor_id)
        return self._done(pb.WithdrawLetterResponse, letter, call.actor)

    @read
    def GetLetter(self, request: pb.GetLetterRequest, call: Call) -> pb.GetLetterResponse:
        self.met("GetLetter", request)
        return pb.GetLetterResponse(letter=self._seen(self._letter(request.letter_id, call.actor), call.actor))

    @read
    def ListLetters(self, request: pb.ListLettersRequest, call: Call) -> pb.ListLettersResponse:
        self.met("ListLetters", request)
        if request.case_id:
            self._case(request.case_id, call.actor)
        shown = [
            self._seen(one, call.actor)
            for one in self.world.letters
            if request.state in (0, one.state) and request.case_id in ("", one.case_id)
        ]
        rules = pb.LetterRules(
            next=[
                pb.LetterNext(family=pb.LETTER_FAMILY_CHRONIC_ABSENCE, stage=1, stages=3),
                pb.LetterNext(family=pb.LETTER_FAMILY_NON_ENROLMENT, stage=2, not_before="2026-03-20", stages=3),
            ],
            attempts=3,
            ways=1,
            attempts_needed=3,
            ways_needed=2,
            recipients=_recipients(self._case(request.case_id, call.actor)) if request.case_id else [],
        )
        return pb.ListLettersResponse(letters=shown, rules=rules if request.case_id else None)


class LetterPdfStub:
    """To be mixed into the stub of documents: every letter is the same made-up PDF."""

    met: Any

    @read
    def PreviewLetter(
        self, request: documents_letters.PreviewLetterRequest, _call: Call
    ) -> documents_letters.PreviewLetterResponse:
        self.met("PreviewLetter", request)
        return documents_letters.PreviewLetterResponse(content=PDF)


def furnish_letters(world: "World", *, case: Any, author: str) -> None:
    """One letter in each of the states that pages differ by, for a case: drafted by a person of the world."""
    states = (
        pb.LETTER_STATE_DRAFT,
        pb.LETTER_STATE_AWAITING_APPROVAL,
        pb.LETTER_STATE_APPROVED,
        pb.LETTER_STATE_SENT,
        pb.LETTER_STATE_NO_RESPONSE,
    )
    for number, state in enumerate(states):
        is_sent = state in (pb.LETTER_STATE_SENT, pb.LETTER_STATE_NO_RESPONSE)
        letter = pb.Letter(
            letter_id=letter_id(number),
            case_id=case.case_id,
            case_number=case.number,
            student_name=f"{case.student.given_names} {case.student.family_name}",
            family=pb.LETTER_FAMILY_CHRONIC_ABSENCE,
            stage=1 + number % 3,
            text=pb.LetterText(
                language=pb.LETTER_LANGUAGE_MAORI,
                recipients=[one.name for one in case.caregivers if one.safe_to_contact],
                address="1 Nowhere Street\nŌtautahi",
                support="A ride each morning.",
                contact_name="Hēmi Testcase",
                contact_phone="06 555 0101" if state != pb.LETTER_STATE_DRAFT else "",
            ),
            state=state,
            drafted_by=author,
            drafted_at=world.moment(-6),
            due_on="" if state == pb.LETTER_STATE_NO_RESPONSE else world.day(number - 1),
            document_id=letter_id(50) if is_sent or state == pb.LETTER_STATE_APPROVED else "",
            mode=pb.LETTER_MODE_POST if is_sent else pb.LETTER_MODE_UNSPECIFIED,
            sent_on=world.day(-3) if is_sent else "",
            sent_by=author if is_sent else "",
            response_due_on=world.day(11) if is_sent else "",
            version=2,
        )
        if state != pb.LETTER_STATE_DRAFT:
            letter.submitted_by = author
            letter.submitted_at.CopyFrom(world.moment(-5))
        if state == pb.LETTER_STATE_NO_RESPONSE:
            letter.ended_on, letter.end_note, letter.ended_by = world.day(-1), "Nobody rang.", author
        world.letters.append(letter)
