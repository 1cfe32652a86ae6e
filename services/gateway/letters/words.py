"""The words for letters: families, stages, states, ways, and what is missing. In both languages."""

from ascms.cases.v1 import letters_pb2 as pb
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

FAMILIES = {
    pb.LETTER_FAMILY_CHRONIC_ABSENCE: _l("Time away from school"),
    pb.LETTER_FAMILY_NON_ENROLMENT: _l("Not enrolled at a school"),
}
STAGES = {1: _l("first letter"), 2: _l("second letter"), 3: _l("third letter")}
LANGUAGES = {
    pb.LETTER_LANGUAGE_MAORI: _l("Te reo Māori"),
    pb.LETTER_LANGUAGE_ENGLISH: _l("English"),
    pb.LETTER_LANGUAGE_BOTH: _l("Both, te reo Māori first"),
}
MODES = {
    pb.LETTER_MODE_POST: _l("By post"),
    pb.LETTER_MODE_HAND: _l("Handed over in person"),
    pb.LETTER_MODE_EMAIL: _l("By email, from your own mailbox"),
}
NOT_SAFE = {
    pb.LETTER_MODE_POST: _l(
        "Not by post: a letter comes to the home, and a visit is not said to be safe for %(names)s."
    ),
    pb.LETTER_MODE_HAND: _l("Not in person: a visit is not said to be safe for %(names)s."),
    pb.LETTER_MODE_EMAIL: _l("Not by email: it is not said to be safe for %(names)s."),
}
ANSWERS = {
    pb.LETTER_ANSWER_RESPONDED: _l("They got in touch"),
    pb.LETTER_ANSWER_NO_RESPONSE: _l("They did not get in touch"),
}
STATES = {
    pb.LETTER_STATE_DRAFT: (_l("Draft"), "ring", "neutral"),
    pb.LETTER_STATE_AWAITING_APPROVAL: (_l("Awaiting approval"), "clock", "amber"),
    pb.LETTER_STATE_APPROVED: (_l("Approved, to be sent"), "half", "action"),
    pb.LETTER_STATE_SENT: (_l("Sent, answer awaited"), "dot", "action"),
    pb.LETTER_STATE_RESPONDED: (_l("They got in touch"), "check", "neutral"),
    pb.LETTER_STATE_NO_RESPONSE: (_l("No response"), "square", "neutral"),
    pb.LETTER_STATE_UNDELIVERED: (_l("Came back"), "cross", "red"),
    pb.LETTER_STATE_WITHDRAWN: (_l("Withdrawn"), "square", "quiet"),
}
NEXT = {
    pb.LETTER_STATE_DRAFT: _l("Next: look at it as a PDF, then hand it in for approval."),
    pb.LETTER_STATE_AWAITING_APPROVAL: _l("Next: someone who did not write it approves it or gives it back."),
    pb.LETTER_STATE_APPROVED: _l("Next: print it, send it, and record how it went out."),
    pb.LETTER_STATE_SENT: _l("Next: record what comes of it."),
}
FIELDS = {
    "recipients": _l("who it is for"),
    "support": _l("what support was offered"),
    "contact_name": _l("whom they can talk to"),
    "contact_phone": _l("the phone number to call"),
    "skip_reason": _l("why an earlier letter is left out"),
    "attempts_reason": _l("why it goes before more attempts to reach the whānau"),
}


def letter_name(letter: pb.Letter) -> str:
    """What a letter is called: "Time away from school, first letter"."""
    return f"{FAMILIES.get(letter.family, '')}, {stage_name(letter.stage)}"


def stage_name(stage: int) -> str:
    """A rung of the ladder in words."""
    return str(STAGES.get(stage) or _("letter %(number)s", number=stage))


def missing_words(fields: list[str]) -> list[str]:
    """What a letter lacks, in words."""
    return [str(FIELDS.get(field, field)) for field in fields]
