"""The form of a guide: both languages beside each other."""

from ascms.documents.v1 import guides_pb2 as pb
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice, SelectField, SelectMultipleField

from kit.web.forms import DayField, LongTextField, Needed, TextField
from services.gateway.guidance.pages import TOPIC_SLUG_OF, TOPIC_SLUGS, TOPICS
from services.gateway.versions import SharedForm, VersionForm
from services.gateway.wording import ROLES, day_of

_STATES = {"": pb.ISSUE_STATE_UNSPECIFIED, "open": pb.ISSUE_STATE_OPEN, "fixed": pb.ISSUE_STATE_FIXED}
_NEEDED = _l("Write it in both languages: they are published together.")


class GuideForm(SharedForm):
    """What a guide is and says."""

    title = TextField(_l("Title in English"), validators=[Needed(_NEEDED)])
    title_mi = TextField(_l("Title in te reo Māori"), validators=[Needed(_NEEDED)])
    body = LongTextField(_l("Text in English"), validators=[Needed(_NEEDED)])
    body_mi = LongTextField(_l("Text in te reo Māori"), validators=[Needed(_NEEDED)])
    topic = SelectField(
        _l("What it is about"),
        choices=[SelectChoice(slug, TOPICS[number]) for slug, number in TOPIC_SLUGS.items()],
        invalid_choice_message=_l("Choose one of the answers."),
    )
    roles = SelectMultipleField(
        _l("Whom it is for"),
        choices=[SelectChoice(code, name) for code, name in ROLES.items()],
        description=_l("Nobody chosen: it is for everyone."),
        validate_choice=False,
    )
    issue_state = SelectField(
        _l("Where the issue stands"),
        choices=[
            SelectChoice("", _l("It is no known issue")),
            SelectChoice("open", _l("Not mended yet")),
            SelectChoice("fixed", _l("Mended")),
        ],
        invalid_choice_message=_l("Choose one of the answers."),
    )
    issue_since = DayField(_l("Known since"))
    issue_fixed_on = DayField(_l("Mended on"))

    def show(self, found: pb.GetGuideResponse) -> int:
        """Fill it with the draft, or else with what is published; the draft's version, 0 without one."""
        guide = found.draft if found.HasField("draft") else found.guide
        self.title.data, self.title_mi.data = guide.text.title, guide.text.title_mi
        self.body.data, self.body_mi.data = guide.text.body, guide.text.body_mi
        self.topic.data = TOPIC_SLUG_OF.get(guide.facts.topic, "task")
        self.roles.data = list(guide.facts.roles)
        self.issue_state.data = next(name for name, number in _STATES.items() if number == guide.facts.issue_state)
        self.issue_since.process(None, day_of(guide.facts.issue_since))
        self.issue_fixed_on.process(None, day_of(guide.facts.issue_fixed_on))
        return guide.draft_version

    def message(self, slug: str) -> pb.SaveGuideDraftRequest:
        """What the service is asked."""
        return pb.SaveGuideDraftRequest(
            slug=slug,
            facts=pb.GuideFacts(
                topic=TOPIC_SLUGS[self.topic.data],
                roles=self.roles.data or [],
                issue_state=_STATES[self.issue_state.data],
                issue_since=self.issue_since.data.isoformat() if self.issue_since.data else "",
                issue_fixed_on=self.issue_fixed_on.data.isoformat() if self.issue_fixed_on.data else "",
            ),
            text=pb.GuideText(
                title=self.title.data or "",
                title_mi=self.title_mi.data or "",
                body=self.body.data or "",
                body_mi=self.body_mi.data or "",
            ),
            expected_version=self.seen_version,
        )


class NewGuideForm(GuideForm):
    """A guide that is not there yet."""

    slug = TextField(
        _l("Its word in the address"),
        validators=[Needed(_l("Write a word for the address."))],
        description=_l("Small letters and digits with dashes between, such as first-week-plan."),
    )


class PublishForm(VersionForm):
    """Publish the draft that was looked at."""
