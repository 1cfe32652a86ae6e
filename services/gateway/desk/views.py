"""Why someone cannot get in: asked for one call, by the whole address, and written down."""

from ascms.identity.v1 import servicedesk_pb2
from flask import Blueprint, Response, make_response, render_template
from flask_babel import lazy_gettext as _l

from kit.web.forms import EmailAddressField, Needed, TextField
from services.gateway.backends import call
from services.gateway.desk.pages import present_found
from services.gateway.security import needs
from services.gateway.sending import OnceForm, send

blueprint = Blueprint("desk", __name__)


class FindForm(OnceForm):
    """Whose access, and for which call."""

    email = EmailAddressField(
        _l("Email address"),
        description=_l("The whole address they sign in with."),
        validators=[Needed(_l("Write the address they sign in with."))],
    )
    call_number = TextField(
        _l("Number of the call"),
        description=_l("It is written down with your name: why you looked."),
        validators=[Needed(_l("Write the number of the call."))],
    )


@blueprint.route("/access", methods=["GET", "POST"])
@needs("access:find")
def find() -> Response:
    """Ask, and see what was found on the same page: an address does not belong into the page's own."""
    form = FindForm()
    found = None
    if form.is_sent():
        request = servicedesk_pb2.FindAccessRequest(
            email=form.email.data or "", call_number=form.call_number.data or ""
        )
        answer = send(form, lambda: call("identity", "FindAccess", request, idempotency_key=form.key))
        if answer is not None:
            found = present_found(answer)
            form.status = 200
    return make_response(render_template("desk/find.html", form=form, found=found), form.status)
