"""What a case's page says after something was done with it. It stands in the address, so a reload says it again."""

from dataclasses import dataclass

from flask_babel import gettext as _

from services.gateway.cases.pages import CasePage


@dataclass(frozen=True, slots=True)
class Said:
    """A line that confirms something."""

    title: str
    text: str


def said_of(done: str, case: CasePage) -> Said | None:
    """The line for what was done; None for nothing, and for what is not so (any more)."""
    with_whom = str(_("The case is with %(name)s.", name=case.manager)) if case.manager else ""
    done_word = str(_("Done"))
    found = {
        "opened": Said(str(_("The case is open")), with_whom or str(_("Nobody works on it yet."))),
        "assigned": Said(done_word, with_whom) if with_whom else None,
        "noted": Said(str(_("Note saved")), str(_("It stands first below."))),
        "corrected": Said(str(_("Correction saved")), str(_("It stands beside what it corrects."))),
        "paused": Said(str(_("The case is paused")), case.reason) if case.state == "paused" else None,
        "resumed": Said(str(_("The case is awake")), str(_("Work goes on."))) if case.state != "paused" else None,
        "closed": Said(str(_("The case is closed")), case.reason) if case.state == "closed" else None,
        "reopened": Said(str(_("The case is open again")), with_whom or str(_("Nobody works on it yet."))),
        "contact": Said(done_word, str(_("The contact at the school is saved."))),
        "task-added": Said(str(_("Task added")), str(_("It stands under what is due."))),
        "task-completed": Said(str(_("Task completed")), str(_("What came of it is kept with the task."))),
        "task-cancelled": Said(str(_("Task cancelled")), str(_("The reason is kept with the task."))),
        "task-reassigned": Said(done_word, str(_("The task is with someone else now."))),
    }
    return found.get(done)
