"""The forms of tasks: what is to be done, what came of it, why it is not needed, who does it."""

from datetime import timedelta
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField
from wtforms.validators import ValidationError

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.security import caller
from services.gateway.sending import OnceForm
from services.gateway.versions import VersionForm
from services.gateway.wording import today

USUAL_DAYS = 7


class AddTaskForm(OnceForm):
    """Something that someone has to do by a day. Who may not see colleagues gives it to themselves."""

    title = TextField(_l("What is to be done"), validators=[Needed(_l("Say what is to be done."))])
    due_on = DayField(_l("By which day"), validators=[Needed(_l("Say by which day."))])
    owner_id = RadioField(_l("Who does it"), choices=[], validate_choice=False)
    is_urgent = BooleanField(_l("Before other things"))
    instructions = LongTextField(_l("How, with whom, where"))

    def __init__(self) -> None:
        """A form with a week to do it, for whoever fills it in."""
        super().__init__(data={"due_on": today() + timedelta(days=USUAL_DAYS), "owner_id": str(caller().person_id)})

    def validate_due_on(self, field: DayField) -> None:
        """A task is due today or later."""
        if field.data and field.data < today():
            raise ValidationError(_("This day has passed. Choose today or later."))

    def message(self, case_id: UUID) -> cases_pb2.AddTaskRequest:
        """What the service is asked."""
        assert self.due_on.data is not None
        is_urgent = bool(self.is_urgent.data)
        return cases_pb2.AddTaskRequest(
            case_id=str(case_id),
            title=self.title.data or "",
            instructions=self.instructions.data or "",
            due_on=self.due_on.data.isoformat(),
            priority=cases_pb2.TASK_PRIORITY_HIGH if is_urgent else cases_pb2.TASK_PRIORITY_NORMAL,
            owner_id=self.owner_id.data or str(caller().person_id),
        )


class CompleteForm(VersionForm):
    """What came of a task."""

    outcome = LongTextField(_l("What came of it?"), validators=[Needed(_l("Say what came of it."))])

    def message(self, task_id: UUID) -> cases_pb2.CompleteTaskRequest:
        """What the service is asked."""
        return cases_pb2.CompleteTaskRequest(
            task_id=str(task_id), outcome=self.outcome.data or "", expected_version=self.seen_version
        )


class CancelForm(VersionForm):
    """Why a task is not needed."""

    reason = LongTextField(_l("Why is it not needed?"), validators=[Needed(_l("Say why."))])

    def message(self, task_id: UUID) -> cases_pb2.CancelTaskRequest:
        """What the service is asked."""
        return cases_pb2.CancelTaskRequest(
            task_id=str(task_id), reason=self.reason.data or "", expected_version=self.seen_version
        )


class ReassignForm(VersionForm):
    """Who does a task now."""

    owner_id = RadioField(
        _l("Who does it now?"), choices=[], validate_choice=False, validators=[Needed(_l("Choose someone."))]
    )

    def message(self, task_id: UUID) -> cases_pb2.ReassignTaskRequest:
        """What the service is asked."""
        return cases_pb2.ReassignTaskRequest(
            task_id=str(task_id), owner_id=self.owner_id.data or "", expected_version=self.seen_version
        )
