"""Identity's gRPC door: one class of methods per noun."""

from services.identity.rpc.access import AccessMethods
from services.identity.rpc.base import Methods
from services.identity.rpc.contacts import ContactMethods
from services.identity.rpc.desk import DeskMethods
from services.identity.rpc.directory import DirectoryMethods
from services.identity.rpc.invitations import InvitationMethods
from services.identity.rpc.passphrases import PassphraseMethods
from services.identity.rpc.plans import PlanMethods
from services.identity.rpc.register import RegisterMethods
from services.identity.rpc.staff import StaffMethods

__all__ = ["IdentityServicer", "Methods"]


class IdentityServicer(
    DirectoryMethods,
    ContactMethods,
    InvitationMethods,
    PassphraseMethods,
    AccessMethods,
    StaffMethods,
    RegisterMethods,
    PlanMethods,
    DeskMethods,
):
    """ascms.identity.v1.IdentityService."""
