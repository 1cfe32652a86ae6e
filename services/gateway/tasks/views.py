"""Tasks: the list, one task and its end, a new one in a case."""

from typing import Any
from uuid import UUID

from ascms.cases.v1 import cases_pb2
from ascms.identity.v1 import identity_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from services.gateway.backends import call
from services.gateway.cases.writing import CaseForm, write_page
from services.gateway.listing import counts_of
from services.gateway.organisations.pages import choose_person
from services.gateway.security import caller, needs
from services.gateway.sending import optional, remember_position, send
from services.gateway.tasks import pages
from services.gateway.tasks.forms import AddTaskForm, CancelForm, CompleteForm, ReassignForm
from services.gateway.versions import VersionForm

blueprint = Blueprint("tasks", __name__)
_MOST_PEOPLE = 200
_STATES = {"completed": cases_pb2.TASK_STATE_COMPLETED, "cancelled": cases_pb2.TASK_STATE_CANCELLED}


@blueprint.get("/tasks")
@needs("cases:read")
def show_list() -> str:
    """Tasks, those due first: a lead's of everyone, a case manager's own."""
    shown = request.args.get("show", "")
    is_mine = request.args.get("whose") == "me" or not caller().may("cases:read-all")
    is_unowned = request.args.get("whose") == "nobody" and not is_mine and "case" not in request.args
    question = cases_pb2.ListTasksRequest(
        case_id=request.args.get("case", ""),
        owner_id=str(caller().person_id) if is_mine and "case" not in request.args else "",
        state=_STATES.get(shown, cases_pb2.TASK_STATE_OPEN),
        overdue=shown == "overdue",
        due_today=shown == "today",
        unowned=is_unowned,
        page_token=request.args.get("page", ""),
    )
    answer = call("cases", "ListTasks", question)
    return render_template(
        "tasks/list.html",
        counts=counts_of(answer),
        tasks=pages.present_tasks(answer.tasks),
        next_page=answer.next_page_token,
        shown=shown,
        is_mine=is_mine,
        is_unowned=is_unowned,
    )


@blueprint.route("/cases/<uuid:case_id>/tasks/new", methods=["GET", "POST"])
@needs("cases:record")
def add(case_id: UUID) -> Response:
    """Add a task to a case."""
    form = AddTaskForm()

    def people(_answer: cases_pb2.GetCaseResponse) -> dict[str, Any]:
        if caller().may("people:read"):
            choose_person(form.owner_id, _workers())
        return {}

    return write_page(
        CaseForm(
            case_id,
            verb="task",
            form=form,
            write=lambda: call("cases", "AddTask", form.message(case_id), idempotency_key=form.key),
            then=lambda _done: url_for("cases.show", case_id=case_id, done="task-added"),
            template="tasks/add.html",
            prepare=people,
        )
    )


def _workers() -> list[identity_pb2.Person]:
    """Who could do a task: case managers whose access works, and the lead who asks."""
    question = identity_pb2.ListPeopleRequest(working_role="case_manager", page_size=_MOST_PEOPLE)
    found = list(call("identity", "ListPeople", question).people)
    who = caller()
    if all(person.person_id != str(who.person_id) for person in found):
        found.append(identity_pb2.Person(person_id=str(who.person_id), name=who.name))
    return found


@blueprint.route("/tasks/<uuid:task_id>", methods=["GET", "POST"])
@needs("cases:read")
def show(task_id: UUID) -> Response:
    """One task, with the box for what came of it: a tap to here, the words, a tap to save."""
    form = CompleteForm()
    return _task_page(task_id, form, "CompleteTask", form.message(task_id), "task-completed", "tasks/show.html")


@blueprint.route("/tasks/<uuid:task_id>/cancel", methods=["GET", "POST"])
@needs("cases:record")
def cancel(task_id: UUID) -> Response:
    """Say that a task is not needed, and why."""
    form = CancelForm()
    return _task_page(task_id, form, "CancelTask", form.message(task_id), "task-cancelled", "tasks/cancel.html")


@blueprint.route("/tasks/<uuid:task_id>/reassign", methods=["GET", "POST"])
@needs("people:read")
def reassign(task_id: UUID) -> Response:
    """Give a task to someone else."""
    form = ReassignForm()
    return _task_page(task_id, form, "ReassignTask", form.message(task_id), "task-reassigned", "tasks/reassign.html")


def _task_page(task_id: UUID, form: VersionForm, method: str, message: Any, done: str, template: str) -> Response:
    if form.is_sent():
        written = send(form, lambda: call("cases", method, message, idempotency_key=form.key))
        if written is not None:
            remember_position(written)
            return redirect(_after(written.task, done), 303)  # type: ignore[return-value]  # werkzeug's Response
    question = cases_pb2.GetTaskRequest(task_id=str(task_id))
    answer = optional(lambda: call("cases", "GetTask", question)) if form.is_submitted() else _get(question)
    task = pages.present_tasks([answer.task])[0] if answer is not None else None
    if task is not None:
        form.see(task.version)
    if isinstance(form, ReassignForm):
        choose_person(form.owner_id, _workers(), current=task.owner_id if task else "")
    return make_response(render_template(template, form=form, task=task, task_id=task_id), form.status)


def _get(question: cases_pb2.GetTaskRequest) -> cases_pb2.GetTaskResponse:
    answer: cases_pb2.GetTaskResponse = call("cases", "GetTask", question)
    return answer


def _after(task: cases_pb2.Task, done: str) -> str:
    """To the case, where what is due stands; to the tasks for an owner who does not see the case."""
    sees_case = caller().may("cases:read-all") or request.form.get("sees_case") == "y"
    if sees_case:
        return url_for("cases.show", case_id=task.case_id, done=done)
    return url_for("tasks.show_list", done=done)
