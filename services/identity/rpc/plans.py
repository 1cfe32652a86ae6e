"""Register files: decode, one call, encode."""

from uuid import UUID

from ascms.identity.v1 import register_pb2 as pb

from kit.errors import NotFoundError
from kit.rpc.server import Call, read, write
from services.identity import commands
from services.identity.domain.register import Action, Subject
from services.identity.organisations import write_register
from services.identity.rpc.base import Methods, encode_moment
from services.identity.store import organisations, plans
from services.identity.store.plans import LinedDifference
from services.identity.yamlfile import Fault

MOST_FAULTS = 500
_ACTIONS = {
    Action.ADDED: pb.REGISTER_ACTION_ADDED,
    Action.CHANGED: pb.REGISTER_ACTION_CHANGED,
    Action.SUSPENDED: pb.REGISTER_ACTION_SUSPENDED,
    Action.RESUMED: pb.REGISTER_ACTION_RESUMED,
    Action.REMOVED: pb.REGISTER_ACTION_REMOVED,
}
_SUBJECTS = {
    Subject.ORGANISATION: pb.REGISTER_SUBJECT_ORGANISATION,
    Subject.CATCHMENT: pb.REGISTER_SUBJECT_CATCHMENT,
    Subject.PLACEMENT: pb.REGISTER_SUBJECT_PLACEMENT,
}


def _planned(done: commands.Planned) -> pb.PlanRegisterResponse:
    return pb.PlanRegisterResponse(
        plan_id=str(done.plan.id) if done.plan is not None else "",
        faults=[_fault(one) for one in done.faults[:MOST_FAULTS]],
        fault_count=len(done.faults),
    )


class PlanMethods(Methods):
    """The register as a file."""

    @write(_planned)
    def PlanRegister(self, request: pb.PlanRegisterRequest, call: Call) -> commands.Planned:
        """Keep what a file would do, or say what is wrong with it."""
        return commands.plan_register(self.deps, call.actor, content=request.content)

    @read
    def GetRegisterPlan(self, request: pb.GetRegisterPlanRequest, call: Call) -> pb.GetRegisterPlanResponse:
        """What a plan would do."""
        with self.deps.database.tenant(call.actor) as tx:
            plan = plans.find_plan(tx, UUID(request.plan_id))
            version = organisations.whole_register(tx).version
        if plan is None or plan.expires_at <= self.deps.clock.now():
            raise NotFoundError("plan")
        return pb.GetRegisterPlanResponse(
            plan_id=str(plan.id),
            changes=[_change(one) for one in plan.differences],
            change_count=plan.change_count,
            stale=plan.applied_at is None and plan.register_version != version,
            applied_at=encode_moment(plan.applied_at),
            planned_by=str(plan.planned_by or ""),
            planned_at=encode_moment(plan.planned_at),
        )

    @write(lambda many: pb.ApplyRegisterResponse(change_count=many))
    def ApplyRegister(self, request: pb.ApplyRegisterRequest, call: Call) -> int:
        """Make the differences of a plan."""
        return commands.apply_register(self.deps, call.actor, plan_id=UUID(request.plan_id))

    @read
    def GetRegisterFile(self, _request: pb.GetRegisterFileRequest, call: Call) -> pb.GetRegisterFileResponse:
        """The register as a file."""
        with self.deps.database.tenant(call.actor) as tx:
            register = organisations.whole_register(tx)
        return pb.GetRegisterFileResponse(content=write_register(register))


def _fault(one: Fault) -> pb.RegisterFault:
    return pb.RegisterFault(line=one.line, path=one.path, rule=one.rule, message=one.message)


def _change(one: LinedDifference) -> pb.RegisterChange:
    found = one.difference
    return pb.RegisterChange(
        action=_ACTIONS[found.action],
        subject=_SUBJECTS[found.subject],
        key=found.key,
        name=found.name,
        fields=[pb.FieldChange(field=name, before=before, after=after) for name, before, after in found.fields],
        line=one.line,
    )
