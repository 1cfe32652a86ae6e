"""The story's browser reads pages as a person's does: forms with what stands in them, choices with their words."""

import requests

from deploy.story.browser import Page, _page

HTML = """
<!doctype html><title>A page</title>
<script>var hidden = "not words";</script>
<p>Kia ora, <a href="/cases/7">case <b>7</b></a></p>
<form action="/send?kind=visit" method="POST">
  <input type="hidden" name="once" value="key-1">
  <label for="r1">Hēmi <b>Walker</b></label><input type="radio" id="r1" name="who" value="h">
  <input type="radio" id="r2" name="who" value="a" checked><label for="r2">Ānahera</label>
  <select name="term"><option value="1">One</option><option value="2" selected>Two</option></select>
  <textarea name="note">
line 1
line 2</textarea>
  <input type="file" name="file"><input type="submit" name="go" value="Go">
</form>
<form><input type="email" name="email"><input type="password" name="passphrase"></form>
"""


def page() -> Page:
    response = requests.Response()
    response.status_code = 200
    response.url = "http://127.0.0.1:8080/here"
    response._content = HTML.encode()
    return _page(response)


def test_words_and_links_are_what_a_person_reads() -> None:
    read = page()
    assert (read.title, read.text.split(" Hēmi")[0]) == ("A page", "Kia ora, case 7")
    assert read.link("case 7") == "http://127.0.0.1:8080/cases/7"


def test_a_form_sends_what_stands_in_it() -> None:
    form = page().form("once", "note")
    assert (form.action, form.method) == ("http://127.0.0.1:8080/send?kind=visit", "post")
    assert form.values == {"once": ["key-1"], "who": ["a"], "term": ["2"], "note": ["line 1\nline 2"]}
    assert form.files == ["file"]


def test_choices_have_their_words() -> None:
    form = page().form("who")
    assert form.options["term"] == [("1", "One"), ("2", "Two")]
    assert form.value_of("who", "Ānahera") == "a"


def test_the_form_of_a_passphrase_is_found_by_its_kinds() -> None:
    forms = [form for form in page().forms if form.named("password")]
    assert [(form.named("email", "text"), form.action) for form in forms] == [("email", "http://127.0.0.1:8080/here")]
