"""One telling of the story: the cast, their browsers and tokens, and the steps that are printed."""

from dataclasses import dataclass, field

from deploy.story.api import Api
from deploy.story.browser import Browser
from deploy.story.cast import Cast, Person
from deploy.story.report import Steps
from deploy.story.rpc import Inside
from deploy.story.signin import Program, sign_in


@dataclass(eq=False)
class Story:
    """What every chapter needs. `inside` is None where the services' own addresses are not known."""

    cast: Cast
    inside: Inside | None
    steps: Steps
    _browsers: dict[str, Browser] = field(default_factory=dict, init=False)
    _tokens: dict[str, str] = field(default_factory=dict, init=False)

    def browser(self, person: Person) -> Browser:
        """The person's browser, signed in."""
        if person.email not in self._browsers:
            browser = Browser(self.cast.base_url)
            sign_in(browser, person)
            self._browsers[person.email] = browser
        return self._browsers[person.email]

    def token(self, person: Person) -> str:
        """An access token of the person, for a program."""
        if person.email not in self._tokens:
            self._tokens[person.email] = Program(self.cast.issuer).tokens_of(person).access_token
        return self._tokens[person.email]

    def api(self, person: Person) -> Api:
        """The REST API as the person."""
        return Api(self.cast.base_url, self.token(person))
