"""Identity's verbs: one function each, one transaction each."""

from services.identity.commands.accepting import (
    Link,
    NewProfile,
    Opened,
    accept_invitation,
    accept_with_new_profile,
    open_invitation,
)
from services.identity.commands.access import (
    INVITE_TO_TRAINING,
    Access,
    Ended,
    assign_role,
    end_access,
    invite_to_training,
    record_training,
    remove_role,
)
from services.identity.commands.authorisations import (
    Claim,
    CodeRequest,
    claim_code,
    claim_refresh_token,
    find_holder,
    find_machine,
    give_code,
    give_machine_token,
    give_tokens,
    is_alive,
    revoke_token,
)
from services.identity.commands.deps import Deps
from services.identity.commands.desk import FoundAccess, find_access
from services.identity.commands.housekeeping import forget_expired
from services.identity.commands.invitations import (
    NewInvitation,
    invite_person,
    link_key,
    resend_invitation,
    withdraw_invitation,
)
from services.identity.commands.lapsing import TRAINING_ENDS, note_training_ending
from services.identity.commands.people import end_role, end_sessions, put_machine, put_person
from services.identity.commands.register import Register, RegisterChange, apply_organisations
from services.identity.commands.sign_in import Attempt, SignedIn, end_session, end_session_by_id, find_session, sign_in

__all__ = [
    "INVITE_TO_TRAINING",
    "TRAINING_ENDS",
    "Access",
    "Attempt",
    "Claim",
    "CodeRequest",
    "Deps",
    "Ended",
    "FoundAccess",
    "Link",
    "NewInvitation",
    "NewProfile",
    "Opened",
    "Register",
    "RegisterChange",
    "SignedIn",
    "accept_invitation",
    "accept_with_new_profile",
    "apply_organisations",
    "assign_role",
    "claim_code",
    "claim_refresh_token",
    "end_access",
    "end_role",
    "end_session",
    "end_session_by_id",
    "end_sessions",
    "find_access",
    "find_holder",
    "find_machine",
    "find_session",
    "forget_expired",
    "give_code",
    "give_machine_token",
    "give_tokens",
    "invite_person",
    "invite_to_training",
    "is_alive",
    "link_key",
    "note_training_ending",
    "open_invitation",
    "put_machine",
    "put_person",
    "record_training",
    "remove_role",
    "resend_invitation",
    "revoke_token",
    "sign_in",
    "withdraw_invitation",
]
