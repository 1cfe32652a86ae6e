"""What stood in the database before a migration still works after it."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from kit.migrations import bootstrap, upgrade, with_parts
from services.documents.store import EXTRA_ROLES
from tests.support.postgres import admin_url

OWNER, SOMEONE = UUID(int=6), UUID(int=7)
UPLOADED, SHARED, LETTER, OUT = (UUID(int=number) for number in (11, 12, 13, 14))


@pytest.fixture
def before(worker: str) -> Iterator[str]:
    """The name of a database as it was before schools read files, with files and a letter."""
    name = f"test_documents_{worker}_0004"
    bootstrap(admin_url(), service="documents", database=name, extra_roles=EXTRA_ROLES)
    try:
        owner = with_parts(admin_url(), user="documents_owner", database=name)
        upgrade(owner, service="documents", revision="0004_guides")
        with psycopg.connect(with_parts(admin_url(), database=name), autocommit=True) as admin:
            for document_id in (UPLOADED, SHARED, LETTER, OUT):
                admin.execute(
                    "INSERT INTO document (tenant_id, id, case_id, name, content_type, size, sha256, scan_state, "
                    "uploaded_by, uploaded_at) VALUES (%s, %s, %s, 'a.pdf', 'text/plain', 1, '', 'clean', %s, now())",
                    [OWNER, document_id, SOMEONE, SOMEONE],
                )
            for document_id in (UPLOADED, SHARED):
                admin.execute(
                    "INSERT INTO audit "
                    "SELECT %s, gen_random_uuid(), 'upload-document', %s, 'person', %s, %s, '', '', now()",
                    [OWNER, document_id, SOMEONE, OWNER],
                )
            admin.execute("UPDATE document SET visibility = 'school' WHERE id = %s", [SHARED])
            admin.execute(
                "UPDATE document SET removed_at = now(), removed_by = id, removed_reason = 'x' WHERE id = %s", [OUT]
            )
        yield name
    finally:
        with psycopg.connect(admin_url(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_letters_become_records_and_nothing_is_shared_that_nobody_could_read(before: str) -> None:
    upgrade(with_parts(admin_url(), user="documents_owner", database=before), service="documents")
    with psycopg.connect(with_parts(admin_url(), database=before)) as admin:
        found = admin.execute("SELECT id, is_record, visibility, version FROM document ORDER BY id").fetchall()
    assert found == [
        (UPLOADED, False, "provider", 1),
        (SHARED, False, "provider", 2),
        (LETTER, True, "provider", 1),
        (OUT, False, "provider", 1),
    ]
