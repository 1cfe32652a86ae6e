"""Every operation of the OpenAPI document, as people of each role, with what the document allows and what it does not.

No server error, and no answer that the document does not describe: status, content type, headers, body. The short form
tries each operation as its owner and as one other; `make fuzz` tries each as everyone, with many more examples.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, openapi
from schemathesis.checks import (
    CheckFunction,
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.schemas import BaseSchema

from tests.support.system import System
from tests.support.world import TIMEOUT_SECONDS, World, world_of

LONG_FORM = int(os.environ.get("ASCMS_FUZZ_EXAMPLES", "0"))
EXAMPLES = LONG_FORM or 3
# One of each role.
PEOPLE = ("mahina", "hemi", "tane", "wiremu", "mere", "huria", "rupene", "ihaka", "tui", "oriwa")
# Who gives access and organisations might rightly take them from those whom other tests need.
WITHOUT_REAL_IDS = {"tane", "tui"}
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def world(system: System) -> Iterator[World]:
    with world_of(system) as made:
        yield made


@pytest.fixture(scope="module")
def schema(world: World) -> BaseSchema:
    document = world.session.get(f"{world.cast.base_url}/api/openapi.json", timeout=TIMEOUT_SECONDS).json()
    return openapi.from_dict(document)


def chosen(schema: BaseSchema, world: World, name: str) -> Iterator[Any]:
    """The operations that are tried as someone: in the short form their own, and a tenth of the others."""
    permissions = set(world.get(world.person(name), "/v1/me")["permissions"])
    for place, found in enumerate(schema.get_all_operations()):
        operation = found.ok()  # type: ignore[union-attr]  # a document that is none fails here
        own = operation.definition.raw["x-permission"] in permissions
        if LONG_FORM or own or place % len(PEOPLE) == PEOPLE.index(name):
            yield operation


def cases_of(operation: Any, ids: dict[str, str]) -> st.SearchStrategy[Any]:
    """What the document allows, with real ids and without, and what it does not allow."""
    known = {one.name: ids[one.name] for one in operation.path_parameters if one.name in ids}
    ways = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    return st.one_of(operation.as_strategy(path_parameters=known), *ways) if known else st.one_of(ways)


@pytest.mark.timeout(3_600 if LONG_FORM else 180)
@pytest.mark.parametrize("name", PEOPLE)
def test_every_operation_answers_as_its_document_says(world: World, schema: BaseSchema, name: str) -> None:
    token = world.person(name).access_token
    headers = {"Authorization": f"Bearer {token}"}
    ids = {} if name in WITHOUT_REAL_IDS else world.ids
    faults = []
    for operation in chosen(schema, world, name):

        @settings(
            max_examples=EXAMPLES,
            derandomize=not LONG_FORM,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases_of(operation, ids))
        def answers(case: Any) -> None:
            case.call_and_validate(
                base_url=f"{world.cast.base_url}/api",
                session=world.session,
                headers=headers,
                checks=CHECKS,
                timeout=TIMEOUT_SECONDS,
            )

        try:
            answers()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - each operation is tried, then all are told
            parts = getattr(error, "exceptions", [error])
            faults += [f"{operation.label}: {part}"[:600] for part in parts]
    assert not faults, "\n".join(faults)
