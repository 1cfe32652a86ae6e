"""The register as a file: sent in, its differences looked at, and those very differences applied."""

from uuid import UUID

from ascms.identity.v1 import register_pb2 as pb
from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from services.gateway.backends import call, current_backends, names_of
from services.gateway.register import pages
from services.gateway.register.forms import UploadForm
from services.gateway.security import needs
from services.gateway.sending import OnceForm, remember_position, send
from services.gateway.wording import moment_of

blueprint = Blueprint("plans", __name__)
_SECONDS = 30.0
"""A register of some thousand schools takes a while to read."""


@blueprint.route("/organisations/file", methods=["GET", "POST"])
@needs("organisations:manage")
def upload() -> Response:
    """Send a register file in. Nothing changes yet: next come its differences, or everything that is wrong with it."""
    form = UploadForm()
    faults: list[tuple[int, str, str]] = []
    fault_count = 0
    if form.is_sent():
        message = pb.PlanRegisterRequest(content=form.content)
        done = send(
            form,
            lambda: call("identity", "PlanRegister", message, idempotency_key=form.key, timeout_seconds=_SECONDS),
            names={"content": "file"},
        )
        if done is not None and done.plan_id:
            return redirect(url_for(".show", plan_id=done.plan_id), 303)  # type: ignore[return-value]
        if done is not None:
            faults, fault_count = pages.present_faults(done.faults), done.fault_count
    page = render_template("register/upload.html", form=form, faults=faults, fault_count=fault_count)
    return make_response(page, form.status)


@blueprint.get("/organisations/register.yaml")
@needs("organisations:manage")
def download() -> Response:
    """The register as it stands, as the file that can be sent in again."""
    response = make_response(call("identity", "GetRegisterFile", pb.GetRegisterFileRequest()).content)
    response.headers["Content-Type"] = "application/yaml; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="register.yaml"'
    return response


@blueprint.route("/organisations/file/<uuid:plan_id>", methods=["GET", "POST"])
@needs("organisations:manage")
def show(plan_id: UUID) -> Response:
    """What a file would change; applied by the one button below."""
    form = OnceForm()
    if form.is_sent():
        message = pb.ApplyRegisterRequest(plan_id=str(plan_id))
        done = send(
            form,
            lambda: call("identity", "ApplyRegister", message, idempotency_key=form.key, timeout_seconds=_SECONDS),
        )
        if done is not None:
            remember_position(done)
            current_backends().organisations.clear()
            return redirect(url_for(".show", plan_id=plan_id), 303)  # type: ignore[return-value]
    plan = call("identity", "GetRegisterPlan", pb.GetRegisterPlanRequest(plan_id=str(plan_id)))
    page = render_template(
        "register/plan.html",
        form=form,
        plan=plan,
        lines=pages.present_changes(plan.changes),
        planned_at=moment_of(plan.planned_at),
        applied_at=moment_of(plan.applied_at),
        planned_by=names_of({plan.planned_by} - {""}).get(plan.planned_by, ""),
    )
    return make_response(page, form.status)
