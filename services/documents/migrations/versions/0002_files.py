"""What is said about files, their removal, the jobs that scan them, and the types that are kept."""

from alembic import op

from kit.jobs import create_jobs
from kit.migrations import open_reference

revision = "0002"
down_revision = "0001"

# What people attach to a case. Anything that a browser or computer would run is not among it.
TYPES = {
    "application/pdf": ("pdf",),
    "application/rtf": ("rtf",),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-outlook": ("msg",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "image/gif": ("gif",),
    "image/heic": ("heic", "heif"),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a",),
    "message/rfc822": ("eml",),
    "text/plain": ("txt", "csv", "md"),
}


def upgrade() -> None:
    op.execute("""
        ALTER TABLE document
            ADD COLUMN description text NOT NULL DEFAULT '',
            ADD COLUMN visibility text NOT NULL DEFAULT 'provider' CHECK (visibility IN ('provider', 'school')),
            ADD COLUMN version bigint NOT NULL DEFAULT 1,
            ADD COLUMN removed_at timestamptz,
            ADD COLUMN removed_by uuid,
            ADD COLUMN removed_reason text NOT NULL DEFAULT '',
            ADD COLUMN disposed_at timestamptz,
            ADD CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
            ADD CHECK ((removed_at IS NULL) = (removed_reason = '')),
            ADD CHECK (disposed_at IS NULL OR disposed_at >= removed_at),
            DROP CONSTRAINT document_scan_state_check,
            ADD CONSTRAINT document_scan_state_check
                CHECK (scan_state IN ('waiting', 'clean', 'infected', 'no-scanner', 'failed'))""")
    op.execute("""
        CREATE TABLE file_type (
            media_type text NOT NULL, extension text NOT NULL CHECK (extension ~ '^[a-z0-9]{1,8}$'),
            starts_on date NOT NULL, ends_on date, position smallint NOT NULL,
            PRIMARY KEY (media_type, extension, starts_on), CHECK (ends_on >= starts_on))""")
    open_reference("documents", "file_type", "tenant")
    for media_type, extensions in TYPES.items():
        for position, extension in enumerate(extensions):
            op.execute(f"""
                INSERT INTO file_type (media_type, extension, starts_on, position)
                VALUES ('{media_type}', '{extension}', '2026-01-01', {position})""")
    create_jobs("documents")
