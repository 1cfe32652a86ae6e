"""The table of what may be done with a case in each state: `python -m services.cases.states > docs/states/case.md`."""

import sys

from services.cases.domain.cases import Action, CaseState, permission_for, why_not_in

_HEAD = """# What may be done with a case

Made from the rules by `python -m services.cases.states`; a test keeps it so. A state follows from facts,
it is never set:

* **new**: nobody has the case. **assigned**: someone has it and has recorded nothing. **active**: work has begun.
* **paused**: it rests until its day, and wakes by itself. **closed**: work has ended.

A word in a cell is the stable reason why not; "yes" is for whoever sees the case and has the permission.
"""
_FOOT = """
Closing also needs every task to be completed or cancelled: `closing-needs-tasks`, with their count; and every letter to
be finished or withdrawn: `closing-needs-letters`, likewise. Recording while
paused is allowed and does not wake the case. A note never begins work. Reopening leads back to where the facts put the
case: to its case manager if their access works, else to new.
"""


def state_table() -> str:
    """The page, as Markdown."""
    rows = [["Action", "Permission", *CaseState], ["---"] * (2 + len(CaseState))]
    rows += [
        [action, permission_for(action), *(why_not_in(state, action) or "yes" for state in CaseState)]
        for action in Action
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_HEAD}\n{table}\n{_FOOT}"


if __name__ == "__main__":
    sys.stdout.write(state_table())
