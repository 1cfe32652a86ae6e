"""The tables of what may be done in each state: `python -m services.cases.states case > docs/states/case.md`."""

import sys

from services.cases.domain import requests
from services.cases.domain.cases import Action, CaseState, permission_for, why_not_in

_HEAD = """# What may be done with a case

Made from the rules by `python -m services.cases.states case`; a test keeps it so. A state follows from facts,
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


_REQUEST_HEAD = """# What may be done with a request for support

Made from the rules by `python -m services.cases.states request`; a test keeps it so. A state follows from facts,
it is never set:

* **submitted**: the provider has it and owes an answer by a day. **returned**: a question about it waits for the
  school's reply. **accepted**: a case was opened. **declined**: it was not, and the school reads why.

A word in a cell is the stable reason why not; "yes" is for whoever sees the request and has the permission.
"""
_REQUEST_FOOT = """
Only what a school asks for can be returned: of what the enrolment register tells there is nobody to ask
(`nobody-to-ask`). While a request is returned the provider's clock stands still: the working days that were left of its
five (at least one) count from the day of the reply. A school has five working days to reply and is reminded once; the
provider may accept or decline meanwhile.

With its reply the school may say attendance, caregivers, steps, barriers and its words anew; who the student is stays.
What stood before is kept, with how it looked then, and both sides read before and now.
"""


def request_state_table() -> str:
    """The page about requests, as Markdown."""
    rows = [["Action", "Permission", *requests.RequestState], ["---"] * (2 + len(requests.RequestState))]
    rows += [
        [
            action,
            requests.permission_for(action),
            *(requests.why_not_in(state, action) or "yes" for state in requests.RequestState),
        ]
        for action in requests.Action
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_REQUEST_HEAD}\n{table}\n{_REQUEST_FOOT}"


PAGES = {"case": state_table, "request": request_state_table}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
