"""The work of people whose access ends, through the gRPC door."""

from uuid import UUID

from ascms.cases.v1 import leavers_pb2

from kit.rpc.server import Call, read
from services.cases.domain.cases import CaseState
from services.cases.rpc.base import Methods
from services.cases.store import counts, tasks
from services.cases.store.tasks import TaskFilter


class LeaverMethods(Methods):
    """How much work someone has: numbers, for who may see no case."""

    @read
    def CountOpenWork(self, request: leavers_pb2.CountOpenWorkRequest, call: Call) -> leavers_pb2.CountOpenWorkResponse:
        """See the contract."""
        person_id = UUID(request.person_id)
        with self.deps.database.tenant(call.actor) as tx:
            counted = counts.count_cases(tx, person_id)
            open_tasks, _overdue, _due_today = tasks.count_open(
                tx, TaskFilter(owner_id=person_id), today=self.local_today()
            )
        open_cases = sum(count for state, count in counted.items() if state != CaseState.CLOSED)
        return leavers_pb2.CountOpenWorkResponse(open_cases=open_cases, open_tasks=open_tasks)
