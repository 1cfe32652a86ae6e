"""What notifications does: plan and send notices, gather the e-mail of a day, keep what people prefer."""

from services.notifications.commands.daily import gather_daily
from services.notifications.commands.preferences import mark_notices_read, set_notice_preferences
from services.notifications.commands.sending import (
    CARRY_OUT_PLAN,
    GATHER_DAILY,
    SEND_NOTICE,
    Deps,
    carry_out_plan,
    chase_notice,
    chase_plan,
    plan_notice,
    plan_notices,
    send_notice,
)

__all__ = [
    "CARRY_OUT_PLAN",
    "GATHER_DAILY",
    "SEND_NOTICE",
    "Deps",
    "carry_out_plan",
    "chase_notice",
    "chase_plan",
    "gather_daily",
    "mark_notices_read",
    "plan_notice",
    "plan_notices",
    "send_notice",
    "set_notice_preferences",
]
