"""Tasks, corrections, pauses, closings, record health, primary contacts, and the lists that people choose from."""

from alembic import op

from kit.migrations import open_reference, protect_tenant

revision = "0002_case_work"
down_revision = "0001_spine"

# Words and days are ours, not the ministry's, until it says its own; nothing in the code depends on a label.
ITEMS = {
    "pause_reason": (
        ("whanau_request", "The whānau asked for it", None),
        ("student_unwell", "The student is unwell", None),
        ("bereavement", "Bereavement or tangihanga", None),
        ("away_from_area", "Away from the area for a time", None),
        ("other_service_leading", "Another service leads for now", None),
        ("school_holidays", "School holidays", None),
    ),
    "pause_limit": (("days", "A pause lasts at most this many days", 90),),
    "close_reason": (
        ("sustained_attendance", "Attendance is sustained", None),
        ("enrolled", "Enrolled at a school", None),
        ("exemption_granted", "An exemption was granted", None),
        ("alternative_education", "In alternative education", None),
        ("moved_catchment", "Moved to another catchment", None),
        ("overseas", "Moved overseas", None),
        ("over_16", "Over 16", None),
        ("not_located", "Not located", None),
        ("referred_on", "Referred to another service", None),
        ("duplicate", "A duplicate of another case", None),
        ("request_unsuitable", "The request was not suitable", None),
        ("deceased", "The student has died", None),
    ),
    "close_outcome": (
        ("attending_regularly", "Attending regularly", None),
        ("attendance_improved", "Attendance has improved", None),
        ("attendance_unchanged", "Attendance has not changed", None),
        ("back_in_education", "Back in education", None),
        ("not_in_education", "Not in education", None),
        ("not_known", "Not known", None),
        ("not_applicable", "Does not apply", None),
    ),
    "record_part": (
        ("support", "Support provided", 30),
        ("actions", "Actions taken", 14),
        ("referrals", "Referrals", 90),
        ("monitoring", "Monitoring of progress", 30),
        ("time", "Time spent", 14),
    ),
}


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reference_item (
            list text NOT NULL, code text NOT NULL, starts_on date NOT NULL, ends_on date,
            position smallint NOT NULL, label text NOT NULL, days smallint CHECK (days > 0),
            PRIMARY KEY (list, code, starts_on), CHECK (ends_on >= starts_on))""")
    open_reference("cases", "reference_item", "tenant")
    for name, items in ITEMS.items():
        for position, (code, label, days) in enumerate(items):
            op.execute(f"""
                INSERT INTO reference_item (list, code, starts_on, position, label, days)
                VALUES ('{name}', '{code}', '2026-01-01', {position}, '{label}', {days or "NULL"})""")

    _grow_case()
    _create_task()
    op.execute("ALTER TABLE entry DROP CONSTRAINT entry_kind_check")
    op.execute("""
        ALTER TABLE entry ADD CONSTRAINT entry_kind_check CHECK (kind IN ('home_visit', 'contact_attempt', 'hui',
            'school_meeting', 'support', 'action', 'referral', 'progress_review', 'note'))""")
    op.execute("""
        CREATE TABLE correction (
            tenant_id uuid NOT NULL, entry_id uuid NOT NULL, case_id uuid NOT NULL,
            number smallint NOT NULL CHECK (number > 0),
            reason text NOT NULL CHECK (reason <> ''), happened_on date NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('', 'reached', 'no_answer', 'wrong_target', 'refused')),
            minutes smallint NOT NULL CHECK (minutes BETWEEN 0 AND 1440), note text NOT NULL,
            visibility text NOT NULL CHECK (visibility IN ('provider', 'school')),
            corrected_by uuid NOT NULL, corrected_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, entry_id, number),
            FOREIGN KEY (tenant_id, entry_id) REFERENCES entry (tenant_id, id))""")
    op.execute("CREATE INDEX correction_case ON correction (tenant_id, case_id, entry_id, number)")
    protect_tenant("cases", "correction", grants="SELECT, INSERT")

    op.execute("""
        CREATE TABLE pause (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL, reason text NOT NULL,
            started_on date NOT NULL, wakes_on date NOT NULL CHECK (wakes_on > started_on), conditions text NOT NULL,
            agreed_by text NOT NULL, paused_by uuid NOT NULL, paused_at timestamptz NOT NULL,
            ended_on date CHECK (ended_on >= started_on), ended_by uuid, ended_at timestamptz,
            PRIMARY KEY (tenant_id, id), CHECK ((ended_on IS NULL) = (ended_at IS NULL)),
            FOREIGN KEY (tenant_id, case_id) REFERENCES case_record (tenant_id, id))""")
    op.execute("CREATE INDEX pause_case ON pause (tenant_id, case_id, started_on, id)")
    op.execute("CREATE UNIQUE INDEX pause_open ON pause (tenant_id, case_id) WHERE ended_on IS NULL")
    protect_tenant("cases", "pause")

    op.execute("""
        CREATE TABLE closing (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL, reason text NOT NULL,
            outcome text NOT NULL, summary text NOT NULL, closed_by uuid NOT NULL, closed_at timestamptz NOT NULL,
            reopened_reason text NOT NULL, reopened_by uuid, reopened_at timestamptz, PRIMARY KEY (tenant_id, id),
            CHECK ((reopened_at IS NULL) = (reopened_reason = '')),
            FOREIGN KEY (tenant_id, case_id) REFERENCES case_record (tenant_id, id))""")
    op.execute("CREATE INDEX closing_case ON closing (tenant_id, case_id, closed_at, id)")
    op.execute("CREATE UNIQUE INDEX closing_standing ON closing (tenant_id, case_id) WHERE reopened_at IS NULL")
    protect_tenant("cases", "closing")


def _grow_case() -> None:
    # With a default they are there at once, whatever the size of the table.
    op.execute("""
        ALTER TABLE case_record
            ADD open_tasks integer NOT NULL DEFAULT 0 CHECK (open_tasks >= 0),
            ADD pause_id uuid, ADD wakes_on date, ADD closed_at timestamptz, ADD primary_contact_id uuid,
            ADD support_on date, ADD action_on date, ADD referral_on date, ADD review_on date, ADD worked_on date,
            ADD health_due_on date,
            DROP CONSTRAINT case_record_state_check, DROP CONSTRAINT case_record_check1,
            ADD CONSTRAINT case_record_state_check
                CHECK (state IN ('new', 'assigned', 'active', 'paused', 'closed')),
            ADD CONSTRAINT case_record_owned CHECK (state = 'closed' OR (state = 'new') = (case_manager_id IS NULL)),
            ADD CONSTRAINT case_record_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
            ADD CONSTRAINT case_record_paused CHECK ((pause_id IS NULL) = (wakes_on IS NULL))""")
    # Worst records first, among open cases only.
    op.execute(
        "CREATE INDEX case_record_health ON case_record (tenant_id, health_due_on, id) WHERE health_due_on IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX case_record_health_manager ON case_record (tenant_id, case_manager_id, health_due_on, id) "
        "WHERE health_due_on IS NOT NULL"
    )
    op.execute("""
        CREATE TABLE health_count (
            tenant_id uuid NOT NULL, case_manager_id uuid NOT NULL, due_on date NOT NULL,
            items bigint NOT NULL CHECK (items >= 0), PRIMARY KEY (tenant_id, case_manager_id, due_on))""")
    protect_tenant("cases", "health_count", grants="SELECT, INSERT, UPDATE, DELETE")
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE cases_maintenance")
    op.execute("""
        UPDATE case_record SET support_on = said.support_on, action_on = said.action_on,
            referral_on = said.referral_on, review_on = said.review_on, worked_on = said.worked_on
        FROM (SELECT tenant_id, case_id,
                max(happened_on) FILTER (WHERE kind = 'support') AS support_on,
                max(happened_on) FILTER (WHERE kind IN
                    ('action', 'home_visit', 'contact_attempt', 'hui', 'school_meeting')) AS action_on,
                max(happened_on) FILTER (WHERE kind = 'referral') AS referral_on,
                max(happened_on) FILTER (WHERE kind = 'progress_review') AS review_on,
                max(happened_on) FILTER (WHERE minutes > 0) AS worked_on
            FROM entry GROUP BY tenant_id, case_id) AS said
        WHERE case_record.tenant_id = said.tenant_id AND case_record.id = said.case_id""")
    # A missing part is due since ever; else the first that gets too old decides.
    op.execute("""
        UPDATE case_record SET health_due_on =
            CASE WHEN support_on IS NULL OR action_on IS NULL OR referral_on IS NULL OR review_on IS NULL
                OR worked_on IS NULL THEN date '0001-01-01'
            ELSE least(support_on + 31, action_on + 15, referral_on + 91, review_on + 31, worked_on + 15) END""")
    op.execute("""
        INSERT INTO health_count
        SELECT tenant_id, coalesce(case_manager_id, '00000000-0000-0000-0000-000000000000'), health_due_on, count(*)
        FROM case_record GROUP BY 1, 2, 3""")
    op.execute("RESET ROLE")


def _create_task() -> None:
    op.execute("""
        CREATE TABLE task (
            tenant_id uuid NOT NULL, id uuid NOT NULL, case_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('open', 'completed', 'cancelled')),
            title text NOT NULL CHECK (title <> ''), instructions text NOT NULL, due_on date NOT NULL,
            priority text NOT NULL CHECK (priority IN ('low', 'normal', 'high')), owner_id uuid NOT NULL,
            added_by uuid NOT NULL, added_at timestamptz NOT NULL, ended_by uuid, ended_at timestamptz,
            end_note text NOT NULL, overdue_noted_at timestamptz, version bigint NOT NULL, PRIMARY KEY (tenant_id, id),
            CHECK ((state = 'open') = (ended_at IS NULL)),
            FOREIGN KEY (tenant_id, case_id) REFERENCES case_record (tenant_id, id))""")
    op.execute("CREATE INDEX task_case ON task (tenant_id, case_id, state, due_on, id)")
    op.execute("CREATE INDEX task_owner ON task (tenant_id, owner_id, state, due_on, id)")
    op.execute("CREATE INDEX task_state ON task (tenant_id, state, due_on, id)")
    protect_tenant("cases", "task")


def downgrade() -> None:
    raise NotImplementedError("what people wrote would be lost; restore from a backup")
