"""Returns: what a provider does with its own, and the ministry with everyone's."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from ascms.reporting.v1 import figures_pb2, returns_pb2

from kit.clock import local_date
from kit.errors import NotFoundError
from kit.rpc.server import Call, read, write
from services.reporting.commands import returns as commands
from services.reporting.commands.returns import CALENDAR, Moved
from services.reporting.domain import returns as rules
from services.reporting.domain.figures import Quarter
from services.reporting.domain.returns import Return, ReturnState, Rule
from services.reporting.measuring import break_down, measure
from services.reporting.rpc.base import Methods, breakdown_messages, figure_messages, timestamp
from services.reporting.store import returns as store
from services.reporting.store.returns import Frozen


def _own(moved: Moved) -> returns_pb2.Return:
    actions = rules.allowed_actions(moved.filed, today=moved.today, opens_on=moved.filed.opens_on(CALENDAR))
    return _message(moved.provider_id, moved.filed, moved.rule, today=moved.today, actions=actions)


def _decided(moved: Moved) -> returns_pb2.Return:
    """What the ministry sees of it: no comment, no explanation."""
    bare = Return(
        quarter=moved.filed.quarter,
        number=moved.filed.number,
        submitted_at=moved.filed.submitted_at,
        accepted_at=moved.filed.accepted_at,
        reopened_reason=moved.filed.reopened_reason,
        version=moved.filed.version,
    )
    actions = rules.ministry_actions(moved.filed)
    return _message(moved.provider_id, bare, moved.rule, today=moved.today, actions=actions)


def _save_response(moved: Moved) -> returns_pb2.SaveReturnResponse:
    return returns_pb2.SaveReturnResponse(provider_return=_own(moved))


def _validate_response(moved: Moved) -> returns_pb2.ValidateReturnResponse:
    return returns_pb2.ValidateReturnResponse(provider_return=_own(moved))


def _submit_response(moved: Moved) -> returns_pb2.SubmitReturnResponse:
    return returns_pb2.SubmitReturnResponse(provider_return=_own(moved))


def _accept_response(moved: Moved) -> returns_pb2.AcceptReturnResponse:
    return returns_pb2.AcceptReturnResponse(provider_return=_decided(moved), position=moved.position)


def _reopen_response(moved: Moved) -> returns_pb2.ReopenReturnResponse:
    return returns_pb2.ReopenReturnResponse(provider_return=_decided(moved), position=moved.position)


class ReturnMethods(Methods):
    """Returns."""

    @read
    def ListReturns(self, _request: returns_pb2.ListReturnsRequest, call: Call) -> returns_pb2.ListReturnsResponse:
        """See the contract."""
        today = self.local_today()
        with self.deps.database.tenant(call.actor) as tx:
            found = [
                Moved(tx.tenant_id, filed, store.find_rule(tx, filed.quarter.last_day), today)
                for filed in store.list_returns(tx)
            ]
        return returns_pb2.ListReturnsResponse(returns=map(_own, found))

    @read
    def GetReturn(self, request: returns_pb2.GetReturnRequest, call: Call) -> returns_pb2.GetReturnResponse:
        """See the contract."""
        quarter = Quarter.parse(request.quarter)
        with self.deps.database.tenant(call.actor) as tx:
            filed = store.find_return(tx, quarter) or Return(quarter=quarter)
            moved = Moved(tx.tenant_id, filed, store.find_rule(tx, quarter.last_day), self.local_today())
            versions = store.list_frozen(tx, quarter)
            frozen = _chosen(versions, request.number, filed)
            present, previous = measure(tx, quarter), measure(tx, quarter.before)
            parts = breakdown_messages(break_down(tx, quarter)) if frozen is None else []
        answer = returns_pb2.GetReturnResponse(
            provider_return=_own(moved),
            previous=figure_messages(previous),
            versions=[
                returns_pb2.ReturnVersion(
                    number=each.number,
                    submitted_at=timestamp(each.submitted_at),
                    submitted_by=str(each.submitted_by),
                    sha256=each.sha256,
                )
                for each in versions
            ],
        )
        if frozen is None:
            answer.figures.extend(figure_messages(present))
            answer.breakdowns.extend(parts)
        else:
            _add_frozen(answer, frozen, figure_messages(present))
        return answer

    @write(_save_response)
    def SaveReturn(self, request: returns_pb2.SaveReturnRequest, call: Call) -> Moved:
        """See the contract."""
        return commands.save_return(
            self.deps,
            call.actor,
            quarter=Quarter.parse(request.quarter),
            comments=_texts(request.comments),
            explanations=_texts(request.explanations),
            expected_version=request.expected_version,
        )

    @write(_validate_response)
    def ValidateReturn(self, request: returns_pb2.ValidateReturnRequest, call: Call) -> Moved:
        """See the contract."""
        quarter = Quarter.parse(request.quarter)
        return commands.validate_return(
            self.deps, call.actor, quarter=quarter, expected_version=request.expected_version
        )

    @write(_submit_response)
    def SubmitReturn(self, request: returns_pb2.SubmitReturnRequest, call: Call) -> Moved:
        """See the contract."""
        quarter = Quarter.parse(request.quarter)
        return commands.submit_return(self.deps, call.actor, quarter=quarter, expected_version=request.expected_version)

    @read
    def ListProviderReturns(
        self, request: returns_pb2.ListProviderReturnsRequest, call: Call
    ) -> returns_pb2.ListProviderReturnsResponse:
        """See the contract."""
        quarter, today = Quarter.parse(request.quarter), self.local_today()
        with self.deps.database.special("national", actor=call.actor) as tx:
            rule = store.find_rule(tx, quarter.last_day)
            rows = store.list_states(tx, quarter)
        return returns_pb2.ListProviderReturnsResponse(
            returns=[
                _state(row, quarter, rule, today=today, may_decide=call.actor.may("returns:accept")) for row in rows
            ]
        )

    @write(_accept_response)
    def AcceptReturn(self, request: returns_pb2.AcceptReturnRequest, call: Call) -> Moved:
        """See the contract."""
        return commands.accept_return(
            self.deps,
            call.actor,
            provider_id=UUID(request.provider_id),
            quarter=Quarter.parse(request.quarter),
            expected_version=request.expected_version,
        )

    @write(_reopen_response)
    def ReopenReturn(self, request: returns_pb2.ReopenReturnRequest, call: Call) -> Moved:
        """See the contract."""
        return commands.reopen_return(
            self.deps,
            call.actor,
            provider_id=UUID(request.provider_id),
            quarter=Quarter.parse(request.quarter),
            reason=request.reason,
            expected_version=request.expected_version,
        )

    def local_today(self) -> date:
        """The day in New Zealand."""
        return local_date(self.deps.clock.now())


def _message(
    provider_id: UUID, filed: Return, rule: Rule, *, today: date, actions: Sequence[str]
) -> returns_pb2.Return:
    due_on = filed.due_on(CALENDAR, rule)
    return returns_pb2.Return(
        provider_id=str(provider_id),
        quarter=str(filed.quarter),
        state=_number(filed.state),
        opens_on=filed.opens_on(CALENDAR).isoformat(),
        due_on=due_on.isoformat(),
        overdue=filed.submitted_at is None and due_on < today,
        number=filed.number,
        version=filed.version,
        comments=_text_messages(filed.comments),
        explanations=_text_messages(filed.explanations),
        findings=[
            returns_pb2.Finding(
                code=each.code,
                error=each.is_error,
                explained=each not in filed.open_findings,
                value=each.value,
                compared=each.compared,
            )
            for each in filed.findings
        ],
        validated_at=timestamp(filed.validated_at),
        submitted_at=timestamp(filed.submitted_at),
        submitted_by=str(filed.submitted_by or ""),
        accepted_at=timestamp(filed.accepted_at),
        reopened_reason=filed.reopened_reason,
        sha256=filed.sha256,
        allowed_actions=actions,
    )


def _state(row: Any, quarter: Quarter, rule: Rule, *, today: date, may_decide: bool) -> returns_pb2.Return:
    filed = Return(
        quarter=quarter,
        number=row.number,
        submitted_at=row.submitted_at,
        accepted_at=row.accepted_at,
        version=row.version,
    )
    actions = rules.ministry_actions(filed) if may_decide else ()
    message = _message(row.tenant_id, filed, rule, today=today, actions=actions)
    message.state = _number(ReturnState(row.state))
    return message


def _chosen(versions: Sequence[Frozen], number: int, filed: Return) -> Frozen | None:
    """The submission asked for; without a number the one that stands; None for a draft."""
    wanted = number or (filed.number if filed.submitted_at is not None else 0)
    if not wanted:
        return None
    found = next((each for each in versions if each.number == wanted), None)
    if found is None:
        raise NotFoundError("return")
    return found


def _add_frozen(answer: returns_pb2.GetReturnResponse, frozen: Frozen, present: Iterable[figures_pb2.Figure]) -> None:
    content = json.loads(frozen.content)
    answer.frozen = frozen.content.decode()
    for each in content["figures"]:
        value = each["value"]
        answer.figures.add(
            indicator=each["indicator"], value=value or 0, rule_version=each["rule_version"], absent=value is None
        )
    for each in content["breakdowns"]:
        part = answer.breakdowns.add(indicator=each["indicator"], dimension=each["dimension"])
        for key, value in each["rows"]:
            part.rows.add(key=key, value=value)
    now = {figure.indicator: figure for figure in present}
    for figure in answer.figures:
        if figure.indicator in now and figure != now[figure.indicator]:
            answer.differences.add(indicator=figure.indicator, frozen=figure, present=now[figure.indicator])


def _texts(messages: Iterable[returns_pb2.ReturnText]) -> dict[str, str]:
    return {each.code: each.text for each in messages}


def _text_messages(texts: Mapping[str, str]) -> list[returns_pb2.ReturnText]:
    return [returns_pb2.ReturnText(code=code, text=text) for code, text in sorted(texts.items())]


def _number(state: ReturnState) -> Any:
    return returns_pb2.ReturnState.Value(f"RETURN_STATE_{state.name}")
