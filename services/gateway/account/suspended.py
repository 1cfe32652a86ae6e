"""What someone sees whose organisation is suspended: since when, why, and whom to ask."""

from datetime import datetime

from flask import Response, make_response, render_template

from kit.errors import DomainError
from services.gateway.register.wording import REASONS


def suspended_page(error: DomainError) -> Response:
    """The page for identity's refusal; its facts are the organisation's own."""
    facts = error.metadata
    since = facts.get("suspended_at", "")
    page = render_template(
        "account/suspended.html",
        name=facts.get("name", ""),
        since=datetime.fromisoformat(since) if since else None,
        reason=str(REASONS.get(facts.get("suspension_reason", ""), "")),
    )
    return make_response(page, 403)
