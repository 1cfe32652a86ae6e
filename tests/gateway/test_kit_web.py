"""The frame: headers, request ids, assets, languages, forgery tokens, problem pages."""

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, Response, abort, flash, redirect, render_template_string, session
from flask.testing import FlaskClient

import kit.web
from kit.clock import FixedClock
from kit.ids import uuid7
from kit.web import WebSettings, init_web
from kit.web.assets import Assets
from kit.web.pages import Choice, Header, Link
from kit.web.problems import register_problem_pages
from kit.web.styleguide import register_styleguide
from kit.web.urls import safe_local_path, with_query

PAGE = '{% extends "kit/base.html" %}{% block content %}<h1>{{ words }}</h1>{% endblock %}'
FOREIGN = [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/a\nb",
    "javascript:alert(1)", "evil.example", "", "/ /evil.example", "http:evil", "///evil.example", "/a\x7f", "/a\\b",
]  # fmt: skip


def make_app() -> Flask:
    app = Flask("kit_web_tests", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=False)
    clock = FixedClock(datetime(2025, 3, 3, 23, 0, tzinfo=UTC))  # Tue 4 March, noon in New Zealand

    def header() -> Header:
        return Header(
            person="Hēmi <b>Walker</b>",
            organisation="Ngāmotu & Co",
            organisations=(Choice("a", "Ngāmotu & Co", is_current=True), Choice("b", "<Other>")),
            switch_url="/switch",
            search_url="/search",
            sections=(Link("Work", "/work", is_current=True, count=1284),),
            sign_out_url="/out",
        )

    init_web(
        app,
        WebSettings(product="Product", form_targets=("https://sign-in.example",)),
        clock=clock,
        new_id=uuid7,
        header=header,
    )
    register_problem_pages(app)
    register_styleguide(app, clock=clock)

    @app.route("/page", methods=["GET", "POST"])
    def page() -> str:
        return render_template_string(PAGE, words="Words & more")

    @app.get("/said")
    def said() -> Response:
        flash("<i>Saved</i>", "success")
        response = redirect("/page", 303)
        assert isinstance(response, Response)
        return response

    @app.get("/wrong/<int:status>")
    def wrong(status: int) -> str:
        abort(status)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a name and an address")

    @app.get("/session")
    def seen() -> str:
        return ",".join(session)

    return app


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class TestHeaders:
    def test_policy_allows_nothing_inline_and_no_other_origin(self, client: FlaskClient) -> None:
        policy = client.get("/page").headers["Content-Security-Policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules == {
            "default-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'self' https://sign-in.example",
            "frame-ancestors": "'none'",
            "object-src": "'none'",
        }

    @pytest.mark.parametrize("path", ["/page", "/nowhere", "/broken", "/styleguide/"])
    def test_every_answer_has_them(self, client: FlaskClient, path: str) -> None:
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "unsafe" not in headers["Content-Security-Policy"]

    def test_https_only_where_it_is_https(self, client: FlaskClient) -> None:
        assert "Strict-Transport-Security" not in client.get("/page").headers
        secure = client.get("/page", base_url="https://localhost")
        assert secure.headers["Strict-Transport-Security"].startswith("max-age=63072000")

    def test_pages_have_nothing_inline(self, client: FlaskClient) -> None:
        for path in ("/page", "/styleguide/", "/styleguide/record", "/styleguide/form", "/nowhere"):
            html = client.get(path).get_data(as_text=True)
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html), path
            assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", html)), path

    def test_request_id_is_the_callers_if_well_formed(self, client: FlaskClient) -> None:
        assert client.get("/page", headers={"X-Request-ID": "abcd-1234"}).headers["X-Request-ID"] == "abcd-1234"
        for bad in ("short", "a" * 65, "<script>alert(1)</script>", "with space here"):
            assert client.get("/page", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad


class TestAssets:
    def test_address_changes_with_the_content(self, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_text("a{}", encoding="utf-8")
        first = Assets([tmp_path], bundles={}, prefix="/assets").url("a.css")
        again = Assets([tmp_path], bundles={}, prefix="/assets").url("a.css")
        (tmp_path / "a.css").write_text("b{}", encoding="utf-8")
        changed = Assets([tmp_path], bundles={}, prefix="/assets").url("a.css")
        assert first == again != changed

    def test_kept_for_a_year_by_the_present_address_only(self, client: FlaskClient) -> None:
        html = client.get("/page").get_data(as_text=True)
        address = next(iter(re.findall(r'href="(/assets/[0-9a-f]{16}/kit\.css)"', html)))
        assert client.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
        older = re.sub(r"[0-9a-f]{16}", "0" * 16, address)
        assert client.get(older).headers["Cache-Control"] == "public, max-age=60"

    def test_text_is_compressed_for_those_who_can(self, client: FlaskClient) -> None:
        plain = client.get("/assets/x/kit.css")
        packed = client.get("/assets/x/kit.css", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert plain.headers["Vary"] == "Accept-Encoding"

    def test_unchanged_is_not_sent_again(self, client: FlaskClient) -> None:
        etag = client.get("/assets/x/app.js").headers["ETag"]
        assert client.get("/assets/x/app.js", headers={"If-None-Match": etag}).status_code == 304

    @pytest.mark.parametrize("name", ["../__init__.py", "%2e%2e/__init__.py", "nothing.css", "../../etc/passwd"])
    def test_only_what_is_an_asset(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"/assets/x/{name}").status_code == 404

    def test_fonts_named_by_the_stylesheet_exist(self, client: FlaskClient) -> None:
        css = client.get("/assets/x/kit.css").get_data(as_text=True)
        fonts = re.findall(r'url\("(fonts/[^"]+)"\)', css)
        assert len(fonts) == 3
        for font in fonts:
            assert client.get(f"/assets/x/{font}").headers["Content-Type"] == "font/woff2"

    def test_stylesheets_fetch_from_nowhere_else(self, client: FlaskClient) -> None:
        css = client.get("/assets/x/kit.css").get_data(as_text=True)
        assert not re.search(r"url\(['\"]?(https?:|//|data:)|@import", css)

    def test_unknown_name_is_a_fault_of_the_template(self, tmp_path: Path) -> None:
        with pytest.raises(LookupError):
            Assets([tmp_path], bundles={}, prefix="/assets").url("nothing.css")

    def test_two_files_of_one_name_are_refused(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "a.css").write_text("", encoding="utf-8")
        with pytest.raises(ValueError, match=r"a\.css"):
            Assets([tmp_path / "one", tmp_path / "two"], bundles={}, prefix="/assets")


class TestLanguage:
    @pytest.mark.parametrize(
        ("accepts", "cookie", "lang"),
        [
            ("", "", "en-NZ"),
            ("mi", "", "mi"),
            ("mi-NZ,en;q=0.5", "", "mi"),
            ("de,fr", "", "en-NZ"),
            ("en-GB,mi;q=0.5", "", "en-NZ"),
            ("mi", "en", "en-NZ"),
            ("en", "mi", "mi"),
            ("mi", "xx", "mi"),
        ],
    )
    def test_cookie_then_browser_then_english(self, client: FlaskClient, accepts: str, cookie: str, lang: str) -> None:
        client.set_cookie("language", cookie)
        html = client.get("/page", headers={"Accept-Language": accepts}).get_data(as_text=True)
        assert f'<html lang="{lang}">' in html

    def test_the_switch_is_a_form_that_comes_back(self, client: FlaskClient) -> None:
        answer = client.post("/language", data={"language": "mi", "next": "/page?state=new&q=M%C4%81ori"})
        assert (answer.status_code, answer.location) == (303, "/page?state=new&q=M%C4%81ori")
        cookie = answer.headers["Set-Cookie"]
        assert "language=mi" in cookie
        assert "SameSite=Lax" in cookie
        assert "HttpOnly" in cookie
        page = client.get("/page").get_data(as_text=True)
        assert "Peke ki te ihirangi matua" in page
        assert '<button class="language__button" lang="en"' in page

    def test_the_page_names_itself_for_coming_back(self, client: FlaskClient) -> None:
        html = client.get("/page?q=%22%3E").get_data(as_text=True)
        assert 'name="next" value="/page?q=%22%3E"' in html

    @pytest.mark.parametrize("target", FOREIGN)
    def test_never_leads_to_another_site(self, client: FlaskClient, target: str) -> None:
        answer = client.post("/language", data={"language": "mi", "next": target})
        assert (answer.status_code, answer.location) == (303, "/")

    def test_another_site_cannot_switch(self, client: FlaskClient) -> None:
        data = {"language": "mi", "next": "/"}
        assert client.post("/language", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post("/language", data=data, headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.post("/language", data=data, headers={"Origin": "http://localhost"}).status_code == 303

    def test_an_unknown_language_is_refused(self, client: FlaskClient) -> None:
        assert client.post("/language", data={"language": "xx"}).status_code == 400


class TestForgery:
    def test_a_form_without_its_token_gets_a_page_in_words(self, client: FlaskClient) -> None:
        answer = client.post("/page")
        assert answer.status_code == 400
        html = answer.get_data(as_text=True)
        assert "Nothing was saved" in html
        assert '<a class="button button--primary" href="/page"' in html

    def test_a_form_with_its_token_passes(self, client: FlaskClient) -> None:
        html = client.get("/page").get_data(as_text=True)
        token = next(iter(re.findall(r'name="csrf_token" value="([^"]+)"', html)))
        assert client.post("/page", data={"csrf_token": token}).status_code == 200


class TestProblems:
    @pytest.mark.parametrize("language", ["en", "mi"])
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 412, 413, 418, 429, 500, 503])
    def test_each_says_what_and_what_next(self, client: FlaskClient, status: int, language: str) -> None:
        client.set_cookie("language", language)
        answer = client.get(f"/wrong/{status}")
        html = answer.get_data(as_text=True)
        assert answer.status_code == status
        assert len(re.findall(r"<h1", html)) == 1
        assert "0800 422 599" in html
        assert answer.headers["X-Request-ID"] in html

    def test_missing_and_forbidden_say_nothing_of_what_is_there(self, client: FlaskClient) -> None:
        assert "/wrong/404" not in client.get("/wrong/404").get_data(as_text=True).split("<main")[1].split("</main")[0]

    def test_a_fault_shows_nothing_of_itself(self, client: FlaskClient) -> None:
        answer = client.get("/broken")
        assert answer.status_code == 500
        assert "a name and an address" not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("status", [429, 503])
    def test_says_when_to_come_back(self, client: FlaskClient, status: int) -> None:
        assert client.get(f"/wrong/{status}").headers["Retry-After"] == "30"

    def test_an_api_keeps_its_own_errors(self) -> None:
        app = Flask("machines", static_folder=None)
        app.config.update(SECRET_KEY="only for tests")
        init_web(app, WebSettings(product="P"), clock=FixedClock(datetime(2025, 3, 3, tzinfo=UTC)), new_id=uuid7)
        register_problem_pages(app, is_for_machines=lambda: True)
        assert "<main" not in app.test_client().get("/nowhere").get_data(as_text=True)


class TestFrame:
    def test_texts_are_escaped(self, client: FlaskClient) -> None:
        html = client.get("/page").get_data(as_text=True)
        assert "Hēmi &lt;b&gt;Walker&lt;/b&gt;" in html
        assert "Ngāmotu &amp; Co" in html
        assert "&lt;Other&gt;" in html
        assert "<h1>Words &amp; more</h1>" in html

    def test_what_was_done_is_said_once(self, client: FlaskClient) -> None:
        first = client.get("/said", follow_redirects=True).get_data(as_text=True)
        assert "&lt;i&gt;Saved&lt;/i&gt;" in first
        assert "Saved" not in client.get("/page").get_data(as_text=True)

    def test_counts_are_grouped(self, client: FlaskClient) -> None:
        assert "1,284" in client.get("/page").get_data(as_text=True)

    def test_the_style_guide_exists_only_when_registered(self) -> None:
        app = Flask("production", static_folder=None)
        app.config.update(SECRET_KEY="only for tests")
        init_web(app, WebSettings(product="P"), clock=FixedClock(datetime(2025, 3, 3, tzinfo=UTC)), new_id=uuid7)
        assert app.test_client().get("/styleguide/").status_code == 404

    @pytest.mark.parametrize("language", ["en", "mi"])
    @pytest.mark.parametrize("page", ["", "components", "record", "list", "form", "confirm", "home"])
    def test_the_style_guide_shows_each_page(self, client: FlaskClient, page: str, language: str) -> None:
        client.set_cookie("language", language)
        html = client.get(f"/styleguide/{page}").get_data(as_text=True)
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        assert len(re.findall(r"<h1", html)) == 1


class TestUrls:
    @pytest.mark.parametrize("target", ["/", "/page", "/page?next=//x", "/a/b#c", "/m%C4%81ori"])
    def test_own_paths_stay(self, target: str) -> None:
        assert safe_local_path(target) == target

    @pytest.mark.parametrize("target", [*FOREIGN, None])
    def test_all_else_falls_back(self, target: str | None) -> None:
        assert safe_local_path(target, fallback="/home") == "/home"

    def test_a_filter_changes_its_part_of_the_address(self) -> None:
        assert with_query("/list?state=new&q=M%C4%81ori", state="active") == "/list?q=M%C4%81ori&state=active"
        assert with_query("/list?state=new&q=", state=None) == "/list?q="
        assert with_query("/list?a=1", kind=["x", "y"]) == "/list?a=1&kind=x&kind=y"
        assert with_query("https://evil.example/list?a=1", a=2) == "/list?a=2"


def test_kit_python_knows_no_word_of_the_domain() -> None:
    words = re.compile(r"\b(case|cases|student|students|whānau|school|provider|NSN|attendance)\b", re.IGNORECASE)
    found = {
        path.name: words.findall(path.read_text(encoding="utf-8"))
        for path in Path(kit.web.__file__).parent.glob("*.py")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}
