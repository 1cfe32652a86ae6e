"""The words for where someone's access stands and what happens next."""

from collections.abc import Mapping
from datetime import date, datetime

from ascms.identity.v1 import access_pb2, invitations_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kit.clock import local_date
from kit.web.dates import say_date, say_distance, say_time
from kit.web.i18n import current_language
from services.gateway.wording import day_of, moment_of, today

REASONS: Mapping[int, object] = {
    access_pb2.ACCESS_END_REASON_LEFT: _l("They have left"),
    access_pb2.ACCESS_END_REASON_CHANGED_WORK: _l("They do something else now"),
    access_pb2.ACCESS_END_REASON_ON_LEAVE: _l("They are away for long"),
    access_pb2.ACCESS_END_REASON_MISTAKE: _l("It was given by mistake"),
    access_pb2.ACCESS_END_REASON_SECURITY: _l("Someone else may have used it"),
}
HAPPENED: Mapping[int, object] = {
    access_pb2.ACCESS_EVENT_KIND_JOINED: _l("Accepted the invitation"),
    access_pb2.ACCESS_EVENT_KIND_ROLE_ASSIGNED: _l("Role given"),
    access_pb2.ACCESS_EVENT_KIND_ROLE_REMOVED: _l("Role taken away"),
    access_pb2.ACCESS_EVENT_KIND_TRAINING_INVITED: _l("Invited to the training"),
    access_pb2.ACCESS_EVENT_KIND_TRAINING_RECORDED: _l("Training completed"),
    access_pb2.ACCESS_EVENT_KIND_ENDED: _l("All access ended"),
    access_pb2.ACCESS_EVENT_KIND_TRAINING_LAPSED: _l("Training ran out"),
    access_pb2.ACCESS_EVENT_KIND_ATTESTED: _l("Access still needed"),
    access_pb2.ACCESS_EVENT_KIND_RESTED: _l("Access rests: not used for long"),
    access_pb2.ACCESS_EVENT_KIND_WOKEN: _l("Access woken"),
}
NOT_NOW = {
    "own-role": _l("You cannot give yourself a role. Another delegated authoriser can."),
    "above-ceiling": _l("They have a role that is not yours to take away. Call the service desk to end their access."),
    "last-authoriser": _l("The last delegated authoriser cannot be taken away. Give that role to someone else first."),
}
NOT_NOW_TO_SAY = {
    "own-role": _l("You cannot say this of yourself. Another delegated authoriser can."),
    "above-ceiling": _l("They have a role that is not yours to give. Call the service desk."),
}
INVITATION_STATES = {
    invitations_pb2.INVITATION_STATE_PENDING: "pending",
    invitations_pb2.INVITATION_STATE_EXPIRED: "expired",
    invitations_pb2.INVITATION_STATE_WITHDRAWN: "withdrawn",
    invitations_pb2.INVITATION_STATE_USED: "used",
}


def say_when(moment: datetime) -> str:
    """A moment to come, or gone, as people say it: "today at 8:00 am", "Tue 10 March at 8:00 am"."""
    day = say_on(local_date(moment))
    return str(_("%(day)s at %(time)s", day=day, time=say_time(moment, language=current_language())))


def say_on(day: date | None) -> str:
    """A day within a sentence: "today", "tomorrow", "Tue 10 March"."""
    if day is None:
        return ""
    say = say_distance if abs((day - today()).days) <= 1 else say_date
    return say(day, today=today(), language=current_language())


def next_step(role: access_pb2.RoleDetail) -> str:
    """What happens next before a role works, and who does it; empty for one that works."""
    if role.works:
        return ""
    if role.missing == "start":
        return str(_("It begins %(day)s, by itself.", day=say_on(day_of(role.starts_on))))
    if role.missing == "resting":
        return str(_("Wake it if they still need it. Then it works within a minute."))
    if role.missing == "training-lapsed":
        ended = say_on(day_of(role.training_ends_on))
        return str(_("It counted until %(day)s. Once it is done again, the role works.", day=ended))
    if role.missing == "training":
        return _next_training(role)
    return str(_("Take it away, or call the service desk."))


def _next_training(role: access_pb2.RoleDetail) -> str:
    invited, invites = moment_of(role.invited_at), moment_of(role.invites_at)
    if invited is not None:
        when = say_when(invited)
        return str(_("The invitation to it went out %(when)s. The role works as soon as it is done.", when=when))
    if invites is not None:
        when = say_when(invites)
        return str(_("The invitation to it goes out %(when)s. The role works as soon as it is done.", when=when))
    return str(_("The role works as soon as the training system says that it is done."))
