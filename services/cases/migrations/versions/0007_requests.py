"""Requests of every kind: returned, declined, drafts of them, criteria of triage, and words to find students by."""

from alembic import op

from kit.migrations import open_reference, protect_shared, protect_tenant

revision = "0007_requests"
down_revision = "0006_case_pages"

# Words and numbers are ours, not the ministry's, until it says its own; nothing in the code depends on a label.
ITEMS = {
    "step_tried": (
        ("calls_home", "Calls or messages home"),
        ("letter_home", "A letter or email home"),
        ("meeting_whanau", "A meeting or hui with whānau"),
        ("home_visit", "A home visit by the school"),
        ("pastoral_care", "Pastoral care, a dean or a counsellor"),
        ("timetable_change", "A change to the timetable or class"),
        ("learning_support", "Learning support"),
        ("transport_help", "Help with transport, uniform or food"),
        ("attendance_plan", "An attendance plan"),
        ("other_agency", "Another agency was brought in"),
    ),
    "barrier": (
        ("health", "Physical health"),
        ("anxiety", "Anxiety or mental wellbeing"),
        ("bullying", "Bullying, or not feeling safe at school"),
        ("learning_needs", "Learning needs that are not met"),
        ("disengaged", "Not interested in school"),
        ("whanau_circumstances", "What is happening at home"),
        ("caring_for_others", "Caring for someone in the whānau"),
        ("transport", "Getting to school"),
        ("cost", "Uniform, food or other costs"),
        ("housing", "Housing, or moving often"),
        ("work", "Paid work"),
        ("not_known", "Not known"),
    ),
    "ethnicity": (
        ("111", "New Zealand European"),
        ("211", "Māori"),
        ("311", "Samoan"),
        ("321", "Cook Islands Māori"),
        ("331", "Tongan"),
        ("341", "Niuean"),
        ("351", "Tokelauan"),
        ("361", "Fijian"),
        ("371", "Other Pacific peoples"),
        ("411", "Filipino"),
        ("412", "Cambodian"),
        ("413", "Vietnamese"),
        ("414", "Other Southeast Asian"),
        ("421", "Chinese"),
        ("431", "Indian"),
        ("441", "Sri Lankan"),
        ("442", "Japanese"),
        ("443", "Korean"),
        ("444", "Other Asian"),
        ("121", "British and Irish"),
        ("122", "Dutch"),
        ("127", "German"),
        ("128", "Australian"),
        ("129", "Other European"),
        ("511", "Middle Eastern"),
        ("521", "Latin American"),
        ("531", "African"),
        ("611", "Other ethnicity"),
    ),
    "decline_reason": (
        ("attendance_not_of_concern", "Attendance is not of concern"),
        ("try_more_first", "More can be tried at the school first"),
        ("not_eligible", "The student cannot use this service"),
        ("other_service", "Another service fits better"),
        ("moved", "The student has moved away"),
        ("duplicate", "There is a case already"),
        ("not_enough_known", "Too little is known, and the question was not answered"),
    ),
    "own_work_reason": (
        ("found_in_community", "Found in the community"),
        ("sibling_of_student", "A sibling of a student we work with"),
        ("whanau_asked", "The whānau asked for help"),
        ("other_agency_asked", "Another agency asked"),
        ("moved_here", "Moved here from another provider"),
    ),
}
STEPS = (("step_1", "Five days away", 5), ("step_2", "Ten days away", 10), ("step_3", "Fifteen days away", 15))
# code, tier, label, most percent, least days absent, least chronic terms, least kinds of steps
CRITERIA = (
    ("chronic_twice", "highly_recommended", "Chronic absence in two terms or more", "70", "NULL", "2", "NULL"),
    (
        "chronic_steps",
        "highly_recommended",
        "Chronic absence, three kinds of steps tried",
        "70",
        "NULL",
        "NULL",
        "3",
    ),
    ("chronic", "consider", "Chronic absence this term", "70", "NULL", "NULL", "NULL"),
    ("fifteen_days", "consider", "Fifteen days away this term", "90", "15", "NULL", "NULL"),
    ("some_absence", "delay", "Absence that the school can work on first", "90", "5", "NULL", "NULL"),
    (
        "regular",
        "do_not_refer",
        "Regular, or less than five days were missed",
        "NULL",
        "NULL",
        "NULL",
        "NULL",
    ),
)
WORDS = r"""
    SELECT DISTINCT tenant_id, {guest}, '{subject}', id, word
    FROM {table},
        LATERAL regexp_replace(
            normalize(concat_ws(' ', given_names, family_name, preferred_name), NFD), '[\u0300-\u036f’'']', '', 'g'
        ) AS plain,
        LATERAL regexp_split_to_table(lower(plain), '[^[:alnum:]]+') AS word
    WHERE word <> ''
    UNION ALL SELECT tenant_id, {guest}, '{subject}', id, '@' || nsn FROM {table} WHERE nsn <> ''"""


def upgrade() -> None:
    _grow_request()
    # An answer that came from no school has no attendance to tell of.
    op.execute("""
        ALTER TABLE case_record
            ALTER request_id DROP NOT NULL,
            DROP CONSTRAINT case_record_total_half_days_check,
            ADD kind text NOT NULL DEFAULT 'chronic_absence'
                CHECK (kind IN ('chronic_absence', 'non_enrolment', 'own_work')),
            ADD is_sensitive boolean NOT NULL DEFAULT false, ADD details jsonb NOT NULL DEFAULT '{}',
            ADD CONSTRAINT case_record_attended CHECK ((total_half_days > 0) = (term <> ''))""")
    op.execute("""
        CREATE TABLE request_draft (
            tenant_id uuid NOT NULL, id uuid NOT NULL, content bytea NOT NULL, student_name text NOT NULL,
            begun_by uuid NOT NULL, saved_at timestamptz NOT NULL, kept_until date NOT NULL, version bigint NOT NULL,
            PRIMARY KEY (tenant_id, id))""")
    op.execute("CREATE INDEX request_draft_saved ON request_draft (tenant_id, saved_at, id)")
    protect_tenant("cases", "request_draft", grants="SELECT, INSERT, UPDATE, DELETE")

    op.execute("""
        CREATE TABLE triage_criterion (
            code text NOT NULL, starts_on date NOT NULL, ends_on date, position smallint NOT NULL,
            tier text NOT NULL CHECK (tier IN ('highly_recommended', 'consider', 'delay', 'do_not_refer')),
            label text NOT NULL, most_percent smallint CHECK (most_percent BETWEEN 0 AND 100),
            least_days_absent smallint, least_chronic_terms smallint, least_steps smallint,
            PRIMARY KEY (code, starts_on), CHECK (ends_on >= starts_on))""")
    open_reference("cases", "triage_criterion", "tenant")
    for position, (code, tier, label, *bounds) in enumerate(CRITERIA):
        op.execute(f"""
            INSERT INTO triage_criterion
            VALUES ('{code}', '2026-01-01', NULL, {position}, '{tier}', '{label}', {", ".join(bounds)})""")
    for name, items in ITEMS.items():
        for position, (code, label) in enumerate(items):
            op.execute(f"""
                INSERT INTO reference_item (list, code, starts_on, position, label)
                VALUES ('{name}', '{code}', '2026-01-01', {position}, '{label}')""")
    for position, (code, label, days) in enumerate(STEPS):
        op.execute(f"""
            INSERT INTO reference_item (list, code, starts_on, position, label, days)
            VALUES ('stepped_response', '{code}', '2026-01-01', {position}, '{label}', {days})""")
    _create_tokens()


def _grow_request() -> None:
    op.execute("""
        ALTER TABLE request
            DROP CONSTRAINT request_state_check, DROP CONSTRAINT request_check1, DROP CONSTRAINT request_check2,
            DROP CONSTRAINT request_total_half_days_check,
            ADD kind text NOT NULL DEFAULT 'chronic_absence' CHECK (kind IN ('chronic_absence', 'non_enrolment')),
            ADD is_sensitive boolean NOT NULL DEFAULT false, ADD details jsonb NOT NULL DEFAULT '{}',
            ADD questions jsonb NOT NULL DEFAULT '[]', ADD days_left smallint, ADD reply_noted_at timestamptz,
            ADD declined_at timestamptz, ADD decline_reason text NOT NULL DEFAULT '',
            ADD decline_words text NOT NULL DEFAULT '',
            ADD CONSTRAINT request_state_check CHECK (state IN ('submitted', 'returned', 'accepted', 'declined')),
            ADD CONSTRAINT request_accepted CHECK ((state = 'accepted') = (accepted_at IS NOT NULL)),
            ADD CONSTRAINT request_case CHECK ((case_id IS NULL) = (accepted_at IS NULL)),
            ADD CONSTRAINT request_declined CHECK ((state = 'declined') = (declined_at IS NOT NULL)),
            ADD CONSTRAINT request_reason CHECK ((declined_at IS NULL) = (decline_reason = '')),
            ADD CONSTRAINT request_attended CHECK ((total_half_days > 0) = (term <> ''))""")
    columns = (
        "kind, is_sensitive, details, questions, days_left, reply_noted_at, declined_at, decline_reason, decline_words"
    )
    op.execute(f"GRANT SELECT ({columns}) ON request TO cases_guest")


def _create_tokens() -> None:
    # Range scans of text with the collation C are leakproof: they use their index below a policy.
    op.execute("""
        CREATE TABLE search_token (
            tenant_id uuid NOT NULL, guest_id uuid,
            subject text NOT NULL CHECK (subject IN ('case', 'request', 'draft')), subject_id uuid NOT NULL,
            token text NOT NULL, PRIMARY KEY (tenant_id, subject, subject_id, token))""")
    op.execute("CREATE INDEX search_token_found ON search_token (tenant_id, subject, token, subject_id)")
    op.execute("CREATE INDEX search_token_guest ON search_token (guest_id, subject, token, subject_id)")
    protect_shared(
        "cases",
        "search_token",
        guest_reads=("tenant_id", "guest_id", "subject", "subject_id", "token"),
        grants="SELECT, INSERT, UPDATE, DELETE",
    )
    # The owner is under the policies too and would see no rows.
    op.execute("SET LOCAL ROLE cases_maintenance")
    waits = "CASE WHEN case_id IS NULL THEN guest_id END"
    for table, subject, guest in (
        ("case_record", "case", "NULL::uuid"),
        ("request", "request", waits),
    ):
        op.execute(f"INSERT INTO search_token {WORDS.format(table=table, subject=subject, guest=guest)}")
    op.execute("""
        INSERT INTO search_token SELECT tenant_id, NULL, 'case', id, '#' || number FROM case_record""")
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise NotImplementedError("what people wrote would be lost; restore from a backup")
