"""PDF from a Typst template and data, in a process of its own. It knows no word of the domain.

    pdf = render_pdf(TEMPLATE.read_text(), data={"title": "…"}, created=moment)

The template reads `#let data = json(bytes(sys.inputs.data))`; a picture in the data is SVG text, shown with
`image(bytes(data.picture), format: "svg")`. Text in the data is text, whatever it contains: it never becomes markup.

The same template, data and moment give the same bytes, so that what was frozen or sent can be made again. The one face
is Source Sans 3 with all macrons, from the fonts that lie here; fonts of the machine are not looked at.

A child process, because a template may be edited by people: one that never ends, or eats the memory, is ended, and
what it took is given back. It reads no file but the template, and fetches no package.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from kit.errors import UnavailableError

_LONGEST_SECONDS = 30
_AT_ONCE = threading.BoundedSemaphore(2)
_MOST_SAID = 2000
_NO_NETWORK = {"https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}  # packages are asked for there
_CHILD = (sys.executable, "-I", str(Path(__file__).parent / "child.py"))


class TemplateError(Exception):
    """The template cannot be made into a document; says where and why. It never repeats the data."""


def render_pdf(template: str, *, data: Mapping[str, object], created: datetime) -> bytes:
    """The document as PDF/UA. `data` is what JSON can hold; the template sets `document(title: …)` and the language.

    Raises TemplateError when the template is wrong, UnavailableError when it takes too long or its turn does not come.
    """
    question = json.dumps({"template": template, "data": data, "created": int(created.timestamp())}).encode()
    if not _AT_ONCE.acquire(timeout=_LONGEST_SECONDS):
        raise UnavailableError("rendering-busy", "Other documents are being made. Try again in a moment.")
    try:
        done = subprocess.run(  # noqa: S603 - our own program, by path
            _CHILD, input=question, capture_output=True, timeout=_LONGEST_SECONDS, check=False, env=_NO_NETWORK
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError("rendering-slow", "The document took too long to make.") from error
    finally:
        _AT_ONCE.release()
    if done.returncode != 0:
        raise TemplateError(done.stderr.decode(errors="replace")[:_MOST_SAID])
    return done.stdout
