"""The tables of the PostgreSQL broker, in a schema `bus` of a database of its own."""

import hashlib

import psycopg

_SQL = """\
CREATE SCHEMA IF NOT EXISTS bus;

CREATE TABLE IF NOT EXISTS bus.topic (
    name text PRIMARY KEY,
    partitions integer NOT NULL CHECK (partitions > 0)
);

-- One row per partition hands out its offsets. A sender holds the row's lock from taking an offset until its commit,
-- so whoever can see offset n can see every offset below n. Identity columns do not give that: they are taken before
-- the commit, and a reader that asks for `id > last` steps over the slower of two senders.
CREATE TABLE IF NOT EXISTS bus.partition (
    topic text NOT NULL REFERENCES bus.topic,
    number integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, number)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS bus.record (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL,
    appended_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX IF NOT EXISTS record_appended_at ON bus.record USING brin (appended_at);

-- A member also holds a session advisory lock on its id, so that its death shows at once; `expires_at` is for one
-- that hangs without dying.
CREATE TABLE IF NOT EXISTS bus.member (
    group_name text NOT NULL,
    id bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (group_name, id)
);

CREATE TABLE IF NOT EXISTS bus.progress (
    group_name text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    owner bigint,
    PRIMARY KEY (group_name, topic, partition)
) WITH (fillfactor = 50);

-- One member's heartbeat: stay alive, clear away the dead, give up what is above our share, take what is free below
-- it. Answers every partition that is ours now and where the group is in it. `is_new` tells a member that it had
-- expired, so that what it remembers of its partitions is worth nothing.
CREATE OR REPLACE FUNCTION bus.keep_membership(my_group text, me bigint, my_topics text[], lease interval)
RETURNS TABLE (is_new boolean, topic text, partition integer, next_offset bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    fresh boolean;
    place integer;
    members integer;
    total integer;
    share integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('bus.group ' || my_group, 0));

    INSERT INTO bus.member AS m (group_name, id, expires_at) VALUES (my_group, me, clock_timestamp() + lease)
    ON CONFLICT (group_name, id) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING m.xmax = 0 INTO fresh;

    DELETE FROM bus.member m
    WHERE m.group_name = my_group AND m.id <> me
      AND (m.expires_at < clock_timestamp() OR pg_try_advisory_xact_lock(m.id));

    INSERT INTO bus.progress (group_name, topic, partition)
    SELECT my_group, p.topic, p.number FROM bus.partition p WHERE p.topic = ANY (my_topics)
    ON CONFLICT DO NOTHING;

    UPDATE bus.progress g SET owner = NULL
    WHERE g.group_name = my_group AND g.owner IS NOT NULL
      AND NOT EXISTS (SELECT FROM bus.member m WHERE m.group_name = my_group AND m.id = g.owner);

    SELECT count(*), count(*) FILTER (WHERE m.id < me) INTO members, place
    FROM bus.member m WHERE m.group_name = my_group;
    SELECT count(*) INTO total
    FROM bus.progress g WHERE g.group_name = my_group AND g.topic = ANY (my_topics);
    share := total / members + CASE WHEN place < total % members THEN 1 ELSE 0 END;

    UPDATE bus.progress g SET owner = NULL
    WHERE g.group_name = my_group AND (g.topic, g.partition) IN (
        SELECT mine.topic, mine.partition FROM bus.progress mine
        WHERE mine.group_name = my_group AND mine.owner = me
        ORDER BY mine.topic, mine.partition OFFSET share
    );
    UPDATE bus.progress g SET owner = me
    WHERE g.group_name = my_group AND (g.topic, g.partition) IN (
        SELECT free.topic, free.partition FROM bus.progress free
        WHERE free.group_name = my_group AND free.owner IS NULL AND free.topic = ANY (my_topics)
        ORDER BY free.topic, free.partition
        LIMIT greatest(share - (
            SELECT count(*) FROM bus.progress mine WHERE mine.group_name = my_group AND mine.owner = me
        ), 0)
    );

    RETURN QUERY SELECT fresh, g.topic, g.partition, g.next_offset
    FROM bus.progress g WHERE g.group_name = my_group AND g.owner = me ORDER BY g.topic, g.partition;
END
$$;
"""

_VERSION = "ascms bus " + hashlib.sha256(_SQL.encode()).hexdigest()[:12]


def ensure_schema(connection: psycopg.Connection) -> None:
    """Make the tables and functions, or bring the functions up to date. Cheap when they are there; idempotent.

    `connection` is in autocommit.
    """
    query = "SELECT obj_description(to_regnamespace('bus'), 'pg_namespace') = %s"
    if connection.execute(query, [_VERSION]).fetchone() == (True,):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('bus.schema', 0))")
        if connection.execute(query, [_VERSION]).fetchone() == (True,):
            return
        connection.execute(_SQL)
        connection.execute(f"COMMENT ON SCHEMA bus IS '{_VERSION}'")
