"""Guidance: the list, one guide, its versions; for editors its draft, the preview and publishing."""

from ascms.documents.v1 import guides_pb2 as pb
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from kit.web.i18n import current_language
from services.gateway.backends import call, names_of
from services.gateway.form_pages import Saved, form_page, shared_form_page
from services.gateway.guidance import pages
from services.gateway.guidance.forms import GuideForm, NewGuideForm, PublishForm
from services.gateway.security import caller, needs, open_to_all
from services.gateway.sending import remember_position, send

blueprint = Blueprint("guidance", __name__)
EDIT = "guidance:edit"


@blueprint.get("/guidance")
@needs(None)
def show_list() -> str:
    """Guides by topic: those for the reader's roles, or all."""
    search, is_all = request.args.get("search", "").strip()[:100], request.args.get("show") == "all"
    answer = call("documents", "ListGuides", pb.ListGuidesRequest())
    groups = pages.present_groups(
        answer.guides, who=caller(), language=current_language(), search=search, is_all=is_all
    )
    return render_template("guidance/list.html", groups=groups, search=search, is_all=is_all)


@blueprint.get("/service-desk")
@open_to_all
def show_contact() -> str:
    """Whom to ask: also for those who cannot sign in, and while everything else is away."""
    return render_template("guidance/contact.html")


@blueprint.get("/guidance/<slug>")
@needs(None)
def show(slug: str) -> str:
    """One guide, as it is or as it was."""
    wanted = request.args.get("version", "0")
    version = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else abort(404)  # noqa: PLR2004 - a version is no larger
    answer = call("documents", "GetGuide", pb.GetGuideRequest(slug=slug, version=version))
    if not answer.HasField("guide"):
        abort(404)
    return render_template(
        "guidance/show.html",
        guide=pages.present_guide(answer.guide, language=current_language()),
        current_version=answer.current_version,
        done=request.args.get("done", ""),
    )


@blueprint.get("/guidance/<slug>/versions")
@needs(EDIT)
def show_versions(slug: str) -> str:
    """What a guide said before."""
    versions = call("documents", "ListGuideVersions", pb.ListGuideVersionsRequest(slug=slug)).versions
    return render_template(
        "guidance/versions.html",
        slug=slug,
        versions=[pages.present_guide(one, language=current_language()) for one in versions],
        names=names_of({one.by for one in versions} - {""}),
        by={one.version: one.by for one in versions},
    )


@blueprint.route("/guidance/new", methods=["GET", "POST"])
@needs(EDIT)
def add() -> Response:
    """A guide that is not there yet, first as a draft."""
    form = NewGuideForm()
    return form_page(
        form,
        lambda: call("documents", "SaveGuideDraft", form.message(form.slug.data or ""), idempotency_key=form.key),
        then=lambda _done: url_for(".preview", slug=form.slug.data),
        page=lambda: render_template("guidance/edit.html", form=form, slug=""),
    )


@blueprint.route("/guidance/<slug>/edit", methods=["GET", "POST"])
@needs(EDIT)
def edit(slug: str) -> Response:
    """Write on a draft; saving it leads to the preview."""
    form = GuideForm()
    return shared_form_page(
        form,
        lambda: call("documents", "SaveGuideDraft", form.message(slug), idempotency_key=form.key),
        Saved(
            lambda: call("documents", "GetGuide", pb.GetGuideRequest(slug=slug)),
            form.show,
            lambda _found: render_template("guidance/edit.html", form=form, slug=slug),
        ),
        then=lambda _done: url_for(".preview", slug=slug),
    )


@blueprint.route("/guidance/<slug>/preview", methods=["GET", "POST"])
@needs(EDIT)
def preview(slug: str) -> Response:
    """The draft in both languages as readers will see it, and the one button that publishes both."""
    form = PublishForm()
    if form.is_sent():
        message = pb.PublishGuideRequest(slug=slug, expected_version=form.seen_version)
        done = send(form, lambda: call("documents", "PublishGuide", message, idempotency_key=form.key))
        if done is not None:
            remember_position(done)
            return redirect(url_for(".show", slug=slug, done="published"), 303)  # type: ignore[return-value]
    found = call("documents", "GetGuide", pb.GetGuideRequest(slug=slug))
    if not found.HasField("draft"):
        return redirect(url_for(".show", slug=slug), 303)  # type: ignore[return-value]
    form.version.data = str(found.draft.draft_version)
    page = render_template(
        "guidance/preview.html",
        form=form,
        both=[(language, pages.present_guide(found.draft, language=language)) for language in ("en", "mi")],
        slug=slug,
    )
    return make_response(page, form.status)
