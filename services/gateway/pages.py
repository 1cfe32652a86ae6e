"""The pages of the product: which blueprints there are. Each folder beside this file holds one noun."""

from flask import Flask

from services.gateway.account.views import blueprint as account
from services.gateway.cases.handing import blueprint as cases_handing
from services.gateway.cases.navigation import case_tabs
from services.gateway.cases.opened_by import blueprint as cases_opened
from services.gateway.cases.views import blueprint as cases
from services.gateway.cases.work import blueprint as cases_work
from services.gateway.desk.views import blueprint as desk
from services.gateway.files.views import blueprint as files
from services.gateway.guidance.views import blueprint as guidance
from services.gateway.home.views import blueprint as home
from services.gateway.letters.views import blueprint as letters
from services.gateway.notices.views import blueprint as notices
from services.gateway.organisations.views import blueprint as organisations
from services.gateway.register.catchments import blueprint as catchments
from services.gateway.register.plans import blueprint as plans
from services.gateway.register.views import blueprint as register_of_organisations
from services.gateway.reports.views import blueprint as reports
from services.gateway.requests.drafts import blueprint as drafts
from services.gateway.requests.incoming import blueprint as incoming
from services.gateway.requests.searching import blueprint as searching
from services.gateway.requests.views import blueprint as requests
from services.gateway.returns.views import blueprint as returns
from services.gateway.security import caller_or_none
from services.gateway.sharing.views import blueprint as sharing
from services.gateway.staff.invitations import blueprint as staff
from services.gateway.tasks.views import blueprint as tasks
from services.gateway.wording import ROLE_MEANINGS

BLUEPRINTS = (
    home,
    requests,
    drafts,
    searching,
    incoming,
    cases,
    cases_work,
    cases_handing,
    cases_opened,
    tasks,
    letters,
    sharing,
    reports,
    returns,
    organisations,
    register_of_organisations,
    catchments,
    plans,
    files,
    notices,
    account,
    desk,
    staff,
    guidance,
)


def register(app: Flask) -> None:
    """Give the application its pages. Templates ask `may("cases:assign")` before they offer something."""
    app.jinja_env.globals["may"] = _may
    app.jinja_env.globals["role_hints"] = _role_hints
    app.jinja_env.globals["case_tabs"] = case_tabs
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)


def _role_hints() -> dict[str, str]:
    return {role: str(words) for role, words in ROLE_MEANINGS.items()}


def _may(permission: str) -> bool:
    who = caller_or_none()
    return who is not None and who.may(permission)
