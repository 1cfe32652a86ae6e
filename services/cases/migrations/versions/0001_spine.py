"""Requests for support, cases, entries, and the plumbing."""

from alembic import op

from kit.migrations import create_plumbing, protect_shared, protect_tenant

revision = "0001_spine"
down_revision = None

SAID_BY_SCHOOL = """
    nsn text NOT NULL CHECK (nsn ~ '^([0-9]{9,10})?$'),
    given_names text NOT NULL CHECK (given_names <> ''), family_name text NOT NULL, preferred_name text NOT NULL,
    date_of_birth date NOT NULL, year_level smallint NOT NULL CHECK (year_level BETWEEN 0 AND 13),
    gender text NOT NULL CHECK (gender IN ('', 'female', 'male', 'another')),
    caregivers jsonb NOT NULL, term text NOT NULL,
    present_half_days smallint NOT NULL CHECK (present_half_days BETWEEN 0 AND total_half_days),
    total_half_days smallint NOT NULL CHECK (total_half_days > 0),
    concern text NOT NULL"""
SAID_NAMES = (
    *("nsn", "given_names", "family_name", "preferred_name", "date_of_birth", "year_level", "gender"),
    *("caregivers", "term", "present_half_days", "total_half_days", "concern"),
)


def upgrade() -> None:
    create_plumbing("cases")

    op.execute(f"""
        CREATE TABLE request (
            tenant_id uuid NOT NULL, guest_id uuid, id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('submitted', 'accepted')),
            {SAID_BY_SCHOOL},
            steps_tried text NOT NULL, student_key text NOT NULL,
            submitted_at timestamptz NOT NULL, submitted_by uuid NOT NULL, answer_due_on date NOT NULL,
            accepted_at timestamptz, case_id uuid, overdue_noted_at timestamptz, version bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CHECK ((state = 'accepted') = (accepted_at IS NOT NULL)),
            CHECK ((case_id IS NULL) = (accepted_at IS NULL)))""")
    op.execute("CREATE INDEX request_submitted ON request (tenant_id, submitted_at, id)")
    op.execute("CREATE INDEX request_submitted_state ON request (tenant_id, state, submitted_at, id)")
    op.execute("CREATE INDEX request_nsn ON request (tenant_id, nsn)")
    op.execute("CREATE INDEX request_student_key ON request (tenant_id, student_key)")
    op.execute("CREATE INDEX request_incoming ON request (guest_id, answer_due_on, id)")
    op.execute("CREATE INDEX request_incoming_state ON request (guest_id, state, answer_due_on, id)")
    op.execute("CREATE INDEX request_incoming_id ON request (guest_id, id)")
    protect_shared(
        "cases",
        "request",
        guest_reads=(
            *("tenant_id", "guest_id", "id", "state"),
            *SAID_NAMES,
            *("steps_tried", "submitted_at", "submitted_by", "answer_due_on", "accepted_at", "case_id"),
            *("overdue_noted_at", "version"),
        ),
    )

    op.execute("""
        CREATE TABLE request_count (
            tenant_id uuid NOT NULL, guest_id uuid NOT NULL, state text NOT NULL,
            items bigint NOT NULL CHECK (items >= 0), PRIMARY KEY (tenant_id, guest_id, state))""")
    op.execute("CREATE INDEX request_count_incoming ON request_count (guest_id, state)")
    protect_shared("cases", "request_count", guest_reads=("tenant_id", "guest_id", "state", "items"))

    # Recording an entry rewrites the case's row: room on the page keeps that away from the indexes.
    op.execute(f"""
        CREATE TABLE case_record (
            tenant_id uuid NOT NULL, guest_id uuid, id uuid NOT NULL, number text NOT NULL,
            state text NOT NULL CHECK (state IN ('new', 'assigned', 'active')), request_id uuid NOT NULL,
            case_manager_id uuid, opened_at timestamptz NOT NULL, opened_by uuid NOT NULL, assigned_at timestamptz,
            began_at timestamptz, last_contact_on date, minutes bigint NOT NULL CHECK (minutes >= 0),
            version bigint NOT NULL,
            {SAID_BY_SCHOOL},
            PRIMARY KEY (tenant_id, id),
            CHECK ((state = 'new') = (case_manager_id IS NULL)),
            CHECK ((assigned_at IS NULL) = (case_manager_id IS NULL))) WITH (fillfactor = 80)""")
    op.execute("CREATE UNIQUE INDEX case_record_number ON case_record (tenant_id, number)")
    op.execute("CREATE UNIQUE INDEX case_record_request ON case_record (tenant_id, request_id)")
    op.execute("CREATE INDEX case_record_opened ON case_record (tenant_id, opened_at, id)")
    op.execute("CREATE INDEX case_record_state ON case_record (tenant_id, state, opened_at, id)")
    op.execute("CREATE INDEX case_record_case_manager ON case_record (tenant_id, case_manager_id, opened_at, id)")
    op.execute("CREATE INDEX case_record_school ON case_record (guest_id, id)")
    protect_shared("cases", "case_record", guest_reads=("tenant_id", "guest_id", "id", "state", "number"))

    op.execute("""
        CREATE TABLE case_count (
            tenant_id uuid NOT NULL, case_manager_id uuid NOT NULL, state text NOT NULL,
            items bigint NOT NULL CHECK (items >= 0), PRIMARY KEY (tenant_id, case_manager_id, state))""")
    protect_tenant("cases", "case_count")
    op.execute("""
        CREATE TABLE case_number (
            tenant_id uuid NOT NULL, year integer NOT NULL, last bigint NOT NULL, PRIMARY KEY (tenant_id, year))""")
    protect_tenant("cases", "case_number")

    op.execute("""
        CREATE TABLE entry (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('home_visit', 'contact_attempt', 'hui', 'school_meeting', 'support',
                'action', 'referral', 'progress_review')),
            happened_on date NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('', 'reached', 'no_answer', 'wrong_target', 'refused')),
            minutes smallint NOT NULL CHECK (minutes BETWEEN 0 AND 1440), note text NOT NULL,
            visibility text NOT NULL CHECK (visibility IN ('provider', 'school')),
            recorded_by uuid NOT NULL, recorded_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, case_id) REFERENCES case_record (tenant_id, id))""")
    op.execute("CREATE INDEX entry_case ON entry (tenant_id, case_id, happened_on, recorded_at, id)")
    # What was recorded stays as it was: corrections stand beside it.
    protect_tenant("cases", "entry", grants="SELECT, INSERT")

    op.execute("""
        CREATE TABLE work_day (
            tenant_id uuid NOT NULL, person_id uuid NOT NULL, day date NOT NULL,
            minutes integer NOT NULL CHECK (minutes >= 0), PRIMARY KEY (tenant_id, person_id, day))""")
    protect_tenant("cases", "work_day")
    op.execute("""
        CREATE TABLE access_log (
            tenant_id uuid NOT NULL, id uuid NOT NULL, subject text NOT NULL CHECK (subject IN ('case', 'request')),
            subject_id uuid NOT NULL, actor_id uuid NOT NULL, request_id text NOT NULL,
            opened_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))""")
    op.execute("CREATE INDEX access_log_subject ON access_log (tenant_id, subject_id, opened_at)")
    protect_tenant("cases", "access_log", grants="SELECT, INSERT")


def downgrade() -> None:
    raise NotImplementedError("the first migration is undone by dropping the database")
