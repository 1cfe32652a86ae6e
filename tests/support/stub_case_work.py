"""What is done with cases besides recording, over a `World`: tasks, notes, corrections, pauses, the end of a case."""

from typing import Any

from ascms.cases.v1 import access_log_pb2 as a
from ascms.cases.v1 import caseloads_pb2 as l
from ascms.cases.v1 import cases_pb2 as c

from kit.actor import Actor
from kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, StaleVersionError, Violation
from kit.rpc.server import Call, read
from tests.support.stub_lists import counts, page_of
from tests.support.stub_world import World, case_state, number_id

LISTS = {
    "step_tried": (("calls_home", "Calls or messages home"), ("home_visit", "A home visit by the school")),
    "barrier": (("transport", "Getting to school"), ("health", "Physical health")),
    "iwi": (("0104", "Ngāpuhi"), ("0601", "Ngāti Porou")),
    "ethnicity": (("111", "New Zealand European"), ("211", "Māori"), ("311", "Samoan"), ("411", "Filipino")),
    "decline_reason": (("try_more_first", "More can be tried at the school first"),),
    "own_work_reason": (("whanau_asked", "The whānau asked for help"),),
    "triage": (("chronic", "Chronic absence this term"),),
    "pause_reason": (("bereavement", "Bereavement or tangihanga"), ("away_from_area", "Away from the area for a time")),
    "close_reason": (("enrolled", "Enrolled at a school"), ("overseas", "Moved overseas")),
    "close_outcome": (("attending_regularly", "Attending regularly"), ("not_known", "Not known")),
}
VERBS = {
    "assign": "cases:assign",
    "record": "cases:record",
    "note": "cases:record",
    "correct": "cases:record",
    "task": "cases:record",
    "pause": "cases:record",
    "resume": "cases:record",
    "close": "cases:close",
    "reopen": "cases:close",
    "contact": "cases:assign",
    "letter": "cases:record",
}


def allowed(world: World, case: c.Case, actor: Actor) -> list[c.AllowedAction]:
    """What may be done with a case now: as few of the service's rules as pages need."""
    state, tasks = case_state(world, case), len(open_tasks(world, case))
    return [
        c.AllowedAction(action=verb, allowed=not why, reason=why, count=tasks if why == "closing-needs-tasks" else 0)
        for verb, permission in VERBS.items()
        for why in (_why_not(verb, state, tasks) if actor.may(permission) else "permission-missing",)
    ]


def _why_not(verb: str, state: int, tasks: int) -> str:
    is_closed, is_paused = state == c.CASE_STATE_CLOSED, state == c.CASE_STATE_PAUSED
    reasons = {
        "reopen": "" if is_closed else "not-closed",
        "correct": "",
        "resume": "" if is_paused else "not-paused",
        "letter": "not-assigned" if state == c.CASE_STATE_NEW else "",
        "record": "not-assigned" if state == c.CASE_STATE_NEW else "",
        "pause": "" if state == c.CASE_STATE_ACTIVE else "already-paused" if is_paused else "not-active",
        "close": "closing-needs-tasks" if tasks else "",
    }
    return "case-closed" if is_closed and verb not in {"reopen", "correct"} else reasons.get(verb, "")


def open_tasks(world: World, case: c.Case) -> list[c.Task]:
    """Open tasks of a case, those due first."""
    found = [task for task in world.tasks if task.case_id == case.case_id and task.state == c.TASK_STATE_OPEN]
    return sorted(found, key=lambda task: task.due_on)


class CaseWork:
    """Mixed into the stub of cases."""

    world: World
    met: Any
    _case: Any
    _shown: Any

    def _of_case(self, case_id: str, actor: Actor, version: int = 0) -> c.Case:
        case: c.Case = self._case(case_id, actor)
        if version not in (0, case.version):
            raise StaleVersionError(expected=version, actual=case.version)
        return case

    def _changed(self, case: c.Case, actor: Actor, answer: Any) -> Any:
        case.version += 1
        return answer(case=self._shown(case, actor), position=self.world.next_position())

    @read
    def ListReferenceItems(self, request: c.ListReferenceItemsRequest, _call: Call) -> c.ListReferenceItemsResponse:
        self.met("ListReferenceItems", request)
        items = [
            c.ReferenceItem(list=name, code=code, label=label) for name, codes in LISTS.items() for code, label in codes
        ]
        return c.ListReferenceItemsResponse(items=items)

    @read
    def AddTask(self, request: c.AddTaskRequest, call: Call) -> c.AddTaskResponse:
        self.met("AddTask", request)
        return self.world.once(call.idempotency_key, lambda: self._task_added(request, call.actor))  # type: ignore[no-any-return]

    def _task_added(self, request: c.AddTaskRequest, actor: Actor) -> c.AddTaskResponse:
        case = self._of_case(request.case_id, actor)
        task = c.Task(
            task_id=number_id(700 + len(self.world.tasks)),
            case_id=case.case_id,
            title=request.title,
            instructions=request.instructions,
            due_on=request.due_on,
            priority=request.priority,
            owner_id=request.owner_id,
            state=c.TASK_STATE_OPEN,
            overdue=request.due_on < self.world.day(),
            added_by=str(actor.actor_id),
            added_at=self.world.moment(),
            version=1,
            case_number=case.number,
        )
        self.world.tasks.append(task)
        case.version += 1
        return c.AddTaskResponse(task=task, position=self.world.next_position(), case_version=case.version)

    def _task(self, task_id: str, actor: Actor, version: int = 0) -> c.Task:
        task = next((each for each in self.world.tasks if each.task_id == task_id), None)
        if task is None or not (self._sees(task, actor) or task.owner_id == str(actor.actor_id)):
            raise NotFoundError("task")
        if version not in (0, task.version):
            raise StaleVersionError(expected=version, actual=task.version)
        return task

    def _sees(self, task: c.Task, actor: Actor) -> bool:
        case = next(each for each in self.world.cases if each.case_id == task.case_id)
        return actor.may("cases:read-all") or case.case_manager_id == str(actor.actor_id)

    def _listed(self, task: c.Task, actor: Actor) -> c.Task:
        shown = c.Task()
        shown.CopyFrom(task)
        student = next(each for each in self.world.cases if each.case_id == task.case_id).student
        if self._sees(task, actor):
            shown.student_name = f"{student.preferred_name or student.given_names} {student.family_name}".strip()
        return shown

    def _task_ended(self, task: c.Task, state: Any, note: str, actor: Actor) -> None:
        if task.state != c.TASK_STATE_OPEN:
            raise FailedPreconditionError("task-ended", "This task was completed or cancelled already.")
        task.state, task.end_note, task.ended_by, task.version = state, note, str(actor.actor_id), task.version + 1
        task.overdue = False
        task.ended_at.CopyFrom(self.world.moment())

    @read
    def CompleteTask(self, request: c.CompleteTaskRequest, call: Call) -> c.CompleteTaskResponse:
        self.met("CompleteTask", request)
        task = self._task(request.task_id, call.actor, request.expected_version)
        self._task_ended(task, c.TASK_STATE_COMPLETED, request.outcome, call.actor)
        return c.CompleteTaskResponse(task=task, position=self.world.next_position())

    @read
    def CancelTask(self, request: c.CancelTaskRequest, call: Call) -> c.CancelTaskResponse:
        self.met("CancelTask", request)
        task = self._task(request.task_id, call.actor, request.expected_version)
        self._task_ended(task, c.TASK_STATE_CANCELLED, request.reason, call.actor)
        return c.CancelTaskResponse(task=task, position=self.world.next_position())

    @read
    def ReassignTask(self, request: c.ReassignTaskRequest, call: Call) -> c.ReassignTaskResponse:
        self.met("ReassignTask", request)
        task = self._task(request.task_id, call.actor, request.expected_version)
        task.owner_id, task.version = request.owner_id, task.version + 1
        return c.ReassignTaskResponse(task=task, position=self.world.next_position())

    @read
    def GetTask(self, request: c.GetTaskRequest, call: Call) -> c.GetTaskResponse:
        self.met("GetTask", request)
        task = self._task(request.task_id, call.actor)
        return c.GetTaskResponse(task=self._listed(task, call.actor), sees_case=self._sees(task, call.actor))

    @read
    def ListTasks(self, request: c.ListTasksRequest, call: Call) -> c.ListTasksResponse:
        self.met("ListTasks", request)
        own = [task for task in self.world.tasks if request.owner_id in ("", task.owner_id)]
        own = [task for task in own if request.case_id in ("", task.case_id)]
        today = self.world.day()
        is_open = [task for task in own if task.state == c.TASK_STATE_OPEN]
        chosen = [task for task in own if task.state == (request.state or c.TASK_STATE_OPEN)]
        chosen = [task for task in chosen if task.due_on < today or not request.overdue]
        chosen = [task for task in chosen if task.due_on == today or not request.due_today]
        shown, token = page_of(sorted(chosen, key=lambda task: task.due_on), request.page_size, request.page_token)
        return c.ListTasksResponse(
            tasks=[self._listed(task, call.actor) for task in shown],
            next_page_token=token,
            counts=counts(
                (
                    ("open", len(is_open)),
                    ("overdue", sum(task.due_on < today for task in is_open)),
                    ("due-today", sum(task.due_on == today for task in is_open)),
                )
            ),
        )

    @read
    def AddNote(self, request: c.AddNoteRequest, call: Call) -> c.AddNoteResponse:
        self.met("AddNote", request)
        case = self._of_case(request.case_id, call.actor)
        entries = self.world.entries.setdefault(case.case_id, [])
        entry = c.TimelineEntry(
            entry_id=number_id(500 + len(entries)),
            kind=c.EVENT_KIND_NOTE,
            happened_on=self.world.day(),
            note=request.note,
            visibility=request.visibility,
            recorded_by=str(call.actor.actor_id),
            recorded_at=self.world.moment(),
        )
        entries.insert(0, entry)
        case.version += 1
        return c.AddNoteResponse(entry=entry, position=self.world.next_position(), version=case.version)

    @read
    def CorrectEntry(self, request: c.CorrectEntryRequest, call: Call) -> c.CorrectEntryResponse:
        self.met("CorrectEntry", request)
        case = self._of_case(request.case_id, call.actor)
        entry = next(each for each in self.world.entries[case.case_id] if each.entry_id == request.entry_id)
        entry.corrections.add(
            number=len(entry.corrections) + 1,
            reason=request.reason,
            happened_on=request.happened_on,
            outcome=request.outcome,
            minutes=request.minutes,
            note=request.note,
            visibility=request.visibility,
            channel=request.channel,
            target=request.target,
            attendees=request.attendees,
            corrected_by=str(call.actor.actor_id),
            corrected_at=self.world.moment(),
        )
        return c.CorrectEntryResponse(entry=entry, position=self.world.next_position(), version=case.version)

    @read
    def PauseCase(self, request: c.PauseCaseRequest, call: Call) -> c.PauseCaseResponse:
        self.met("PauseCase", request)
        case = self._of_case(request.case_id, call.actor, request.expected_version)
        if request.wakes_on > self.world.day(90):
            raise InvalidArgumentError.of(Violation("wakes_on", "too-far", "must be within 90 days"))
        case.wakes_on = request.wakes_on
        self.world.pauses.setdefault(case.case_id, []).insert(
            0,
            c.Pause(
                pause_id=number_id(800),
                reason=request.reason,
                started_on=self.world.day(),
                wakes_on=request.wakes_on,
                conditions=request.conditions,
                agreed_by=request.agreed_by,
                paused_by=str(call.actor.actor_id),
            ),
        )
        return self._changed(case, call.actor, c.PauseCaseResponse)  # type: ignore[no-any-return]

    @read
    def ResumeCase(self, request: c.ResumeCaseRequest, call: Call) -> c.ResumeCaseResponse:
        self.met("ResumeCase", request)
        case = self._of_case(request.case_id, call.actor, request.expected_version)
        pause = self.world.pauses[case.case_id][0]
        case.wakes_on, pause.ended_on, pause.ended_by = "", self.world.day(), str(call.actor.actor_id)
        return self._changed(case, call.actor, c.ResumeCaseResponse)  # type: ignore[no-any-return]

    @read
    def CloseCase(self, request: c.CloseCaseRequest, call: Call) -> c.CloseCaseResponse:
        self.met("CloseCase", request)
        case = self._of_case(request.case_id, call.actor, request.expected_version)
        if open_tasks(self.world, case):
            raise FailedPreconditionError("closing-needs-tasks", "Complete or cancel the open tasks first.")
        case.closed_at.CopyFrom(self.world.moment())
        closing = c.Closing(
            closing_id=number_id(810),
            reason=request.reason,
            outcome=request.outcome,
            summary=request.summary,
            closed_by=str(call.actor.actor_id),
            closed_at=self.world.moment(),
        )
        self.world.closings.setdefault(case.case_id, []).insert(0, closing)
        return self._changed(case, call.actor, c.CloseCaseResponse)  # type: ignore[no-any-return]

    @read
    def ReopenCase(self, request: c.ReopenCaseRequest, call: Call) -> c.ReopenCaseResponse:
        self.met("ReopenCase", request)
        case = self._of_case(request.case_id, call.actor, request.expected_version)
        closing = self.world.closings[case.case_id][0]
        closing.reopened_reason, closing.reopened_by = request.reason, str(call.actor.actor_id)
        closing.reopened_at.CopyFrom(self.world.moment())
        case.ClearField("closed_at")
        return self._changed(case, call.actor, c.ReopenCaseResponse)  # type: ignore[no-any-return]

    @read
    def SetPrimaryContact(self, request: c.SetPrimaryContactRequest, call: Call) -> c.SetPrimaryContactResponse:
        self.met("SetPrimaryContact", request)
        case = self._of_case(request.case_id, call.actor, request.expected_version)
        case.primary_contact_id = request.person_id
        return self._changed(case, call.actor, c.SetPrimaryContactResponse)  # type: ignore[no-any-return]

    @read
    def BulkAssignCases(self, request: c.BulkAssignCasesRequest, _call: Call) -> c.BulkAssignCasesResponse:
        self.met("BulkAssignCases", request)
        answer = c.BulkAssignCasesResponse(position=self.world.next_position())
        for case_id in request.case_ids:
            case = next((each for each in self.world.cases if each.case_id == case_id), None)
            if case is None:
                answer.not_assigned.add(case_id=case_id, reason="not-found")
            elif case.case_manager_id == request.case_manager_id:
                answer.not_assigned.add(case_id=case_id, reason="already-assigned")
            else:
                case.case_manager_id = request.case_manager_id
                answer.assigned_case_ids.append(case_id)
        return answer

    @read
    def ListAccess(self, request: a.ListAccessRequest, call: Call) -> a.ListAccessResponse:
        self.met("ListAccess", request)
        case = self._of_case(request.case_id, call.actor)
        people = self.world.people
        lines = [
            a.AccessLine(opened_by=people[key].person_id, opened_at=self.world.moment(-days))
            for days, key in enumerate(("lead", "manager", "manager", "manager2"))
        ]
        return a.ListAccessResponse(lines=lines, case_number=case.number)

    @read
    def ListCaseloads(self, request: l.ListCaseloadsRequest, _call: Call) -> l.ListCaseloadsResponse:
        self.met("ListCaseloads", request)
        world = self.world
        new = [each for each in world.cases if case_state(world, each) == c.CASE_STATE_NEW]
        manager = world.people["manager"].person_id
        today = world.day()
        return l.ListCaseloadsResponse(
            caseloads=[l.Caseload(case_manager_id=manager, assigned=1, active=1, record_missing=1, record_stale=1)],
            new_cases=[self._waiting(each) for each in new],
            new_count=len(new),
            woken_cases=[self._waiting(each) for each in world.cases[:1]],
            overdue_tasks=sum(task.due_on < today for task in world.tasks if task.state == c.TASK_STATE_OPEN),
            letters_to_approve=1,
        )

    def _waiting(self, case: c.Case) -> l.WaitingCase:
        student = case.student
        return l.WaitingCase(
            case_id=case.case_id,
            number=case.number,
            student_name=f"{student.preferred_name or student.given_names} {student.family_name}".strip(),
            year_level=student.year_level,
            school_id=case.school_id,
            case_manager_id=case.case_manager_id,
        )
