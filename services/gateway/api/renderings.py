"""Answers that can also be had as a file: `Accept: text/csv`, an Excel workbook or a PDF instead of JSON.

The files are those of the pages, made from the same answer: what is downloaded and what a program gets never differ.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Response, request

from services.gateway.reports.downloads import MAKERS, TYPES
from services.gateway.reports.tables import national_file
from services.gateway.returns.documents import return_file

RENDERINGS: Mapping[str, Callable[..., Response]] = MappingProxyType(
    {"GetReturn": return_file, "GetNationalFigures": national_file}
)
"""By name of the operation."""
MEDIA: Mapping[str, str] = MappingProxyType({TYPES[kind].partition(";")[0]: kind for kind in MAKERS})
"""The kind of file for a media type, without its parameters."""


def rendering_of(name: str, answer: Any) -> Response | None:
    """The answer of an operation as the file that the caller would rather have; None for JSON."""
    make = RENDERINGS.get(name)
    if make is None:
        return None
    wanted = request.accept_mimetypes.best_match(["application/json", *MEDIA], default="application/json")
    return make(answer, kind=MEDIA[wanted]) if wanted in MEDIA else None
