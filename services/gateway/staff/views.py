"""The people of an organisation as their authoriser sees them: the list, one person, roles, the end of access."""

from uuid import UUID

from ascms.cases.v1 import leavers_pb2
from ascms.identity.v1 import access_pb2, staff_pb2
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from google.protobuf.message import Message

from services.gateway.backends import call, names_of
from services.gateway.form_pages import form_page
from services.gateway.listing import counts_of
from services.gateway.security import caller, needs
from services.gateway.sending import optional, send
from services.gateway.staff import pages
from services.gateway.staff.forms import ConfirmForm, EndForm, RoleForm
from services.gateway.wording import today

blueprint = Blueprint("staff", __name__)
_MOST_LETTERS = 100


@blueprint.get("/staff")
@needs("people:authorise")
def show_list() -> str:
    """Everyone whom the organisation knows, with what each one lacks; filter and search stand in the address."""
    search = request.args.get("search", "").strip()[:_MOST_LETTERS]
    question = staff_pb2.ListStaffRequest(
        search=search,
        attestation_due=request.args.get("show") == "attestation-due",
        state=pages.STATES_BY_FILTER.get(request.args.get("show", ""), access_pb2.ACCESS_STATE_UNSPECIFIED),
        page_token=request.args.get("page", ""),
    )
    answer = call("identity", "ListStaff", question)
    return render_template(
        "staff/list.html",
        lines=[pages.present_line(person) for person in answer.staff],
        counts=counts_of(answer),
        search=search,
        next_page=answer.next_page_token,
    )


@blueprint.get("/staff/<uuid:person_id>")
@needs("people:authorise")
def show(person_id: UUID) -> str:
    """One person: what is missing, what happens next, what may be done, what happened."""
    return render_template("staff/show.html", person=_person(person_id), done=request.args.get("done", ""))


@blueprint.route("/staff/<uuid:person_id>/roles/new", methods=["GET", "POST"])
@needs("people:authorise")
def assign_role(person_id: UUID) -> Response:
    """Give a role."""
    form = RoleForm(today())
    if form.is_sent():
        asked = form.message(person_id)
        if send(form, lambda: call("identity", "AssignRole", asked, idempotency_key=form.key)) is not None:
            return _back_to(person_id, "given")
    person = _person(person_id)
    form.offer(person.assignable)
    return make_response(render_template("staff/role.html", form=form, person=person), form.status)


@blueprint.route("/staff/<uuid:person_id>/roles/<role>/remove", methods=["GET", "POST"])
@needs("people:authorise")
def remove_role(person_id: UUID, role: str) -> Response:
    """Take a role away, once it was said what follows."""
    form = EndForm()
    if form.is_sent():
        asked = access_pb2.RemoveRoleRequest(person_id=str(person_id), role=role, reason=form.chosen)
        if send(form, lambda: call("identity", "RemoveRole", asked, idempotency_key=form.key)) is not None:
            return _back_to(person_id, "taken")
    person = _person(person_id)
    held = next((one for one in person.roles if one.role.code == role), None)
    if held is None:
        return _back_to(person_id, "")
    work = _work(person_id) if role == "case_manager" else None
    page = render_template("staff/remove.html", form=form, person=person, held=held, work=work)
    return make_response(page, form.status)


@blueprint.route("/staff/<uuid:person_id>/attest", methods=["GET", "POST"])
@needs("people:authorise")
def attest(person_id: UUID) -> Response:
    """Say that someone still needs their access, with what it is they keep in front of one's eyes."""
    asked = access_pb2.AttestAccessRequest(person_id=str(person_id))
    return _confirmed(person_id, "AttestAccess", asked, template="staff/attest.html", done="attested")


@blueprint.route("/staff/<uuid:person_id>/wake", methods=["GET", "POST"])
@needs("people:authorise")
def wake(person_id: UUID) -> Response:
    """Wake the roles of someone who did not sign in for long."""
    asked = access_pb2.WakeAccessRequest(person_id=str(person_id))
    return _confirmed(person_id, "WakeAccess", asked, template="staff/wake.html", done="woken")


@blueprint.route("/staff/<uuid:person_id>/end", methods=["GET", "POST"])
@needs("people:authorise")
def end_access(person_id: UUID) -> Response:
    """End all access in one step: what follows stands here before, in numbers, and is done by itself."""
    form = EndForm()
    if form.is_sent():
        asked = access_pb2.EndAccessRequest(person_id=str(person_id), reason=form.chosen)
        if send(form, lambda: call("identity", "EndAccess", asked, idempotency_key=form.key)) is not None:
            return _back_to(person_id, "ended")
    person = _person(person_id)
    page = render_template("staff/end.html", form=form, person=person, work=_work(person_id))
    return make_response(page, form.status)


def _confirmed(person_id: UUID, method: str, asked: Message, *, template: str, done: str) -> Response:
    """A page that says what a step with someone's access means, and asks for it."""
    form = ConfirmForm()
    return form_page(
        form,
        lambda: call("identity", method, asked, idempotency_key=form.key),
        then=lambda _done: url_for("staff.show", person_id=person_id, done=done),
        page=lambda: render_template(template, form=form, person=_person(person_id)),
    )


def _person(person_id: UUID) -> pages.StaffPage:
    answer = call("identity", "GetPerson", access_pb2.GetPersonRequest(person_id=str(person_id)))
    return pages.present_person(answer, people=names_of(pages.ids_of(answer)))


def _work(person_id: UUID) -> leavers_pb2.CountOpenWorkResponse | None:
    """How much open work someone has; None where that is not known just now, and where nobody has cases."""
    if caller().organisation.kind != "provider":
        return leavers_pb2.CountOpenWorkResponse()
    question = leavers_pb2.CountOpenWorkRequest(person_id=str(person_id))
    found: leavers_pb2.CountOpenWorkResponse | None = optional(lambda: call("cases", "CountOpenWork", question))
    return found


def _back_to(person_id: UUID, done: str) -> Response:
    return redirect(url_for("staff.show", person_id=person_id, done=done or None), 303)  # type: ignore[return-value]
