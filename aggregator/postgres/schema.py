"""The tables of the shared store, and how a database of an older release becomes one of this.

Migrations first expand, then contract: one that only adds is served by the binaries before it, so that a rollout goes
replica by replica and can be rolled back. The first to start applies what is missing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import asyncpg

from aggregator.rows import SCORE_COLUMNS, UNSCORED_COLUMNS
from playscore.errors import PlayscoreError, Reason

Connection: TypeAlias = asyncpg.Connection

SCHEMA: Final = "playscore"
"""The schema that holds all tables."""
MIGRATING: Final = 0x706C6179
"""The advisory lock that a migration or a restore holds."""
ERASING: Final = 0x65726173
"""The advisory lock that writers share, and that an erasure holds alone."""
_MIGRATION_LOCK_TIMEOUT: Final = "60s"


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from one version of the tables to the next."""

    version: int
    serves_from: int
    """The oldest version whose binaries can serve the tables after it."""
    statements: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of the store that a database holds."""

    store_id: str
    cluster: str
    """The server and its timeline, which number transactions."""
    base: int
    """Added to the server's transaction numbers, so that the store's start at 1 and continue on another server."""


_TABLES: Final = """
CREATE TABLE store (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id text NOT NULL,
    cluster text NOT NULL,
    base bigint NOT NULL
);

CREATE FUNCTION transaction_number() RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT pg_current_xact_id()::text::bigint + base FROM store;
END;

-- Writers lock the rows of their plays, in order, so that two who write one play take turns.
CREATE TABLE play_locks (play bigint PRIMARY KEY);  -- a hash of the play's key

CREATE TABLE scores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    league text NOT NULL,
    game_id text NOT NULL,
    play_id text NOT NULL,
    task integer NOT NULL,       -- number of playscore.common.v1.Task
    role integer NOT NULL,       -- number of playscore.common.v1.Role
    model text NOT NULL,
    model_version bigint NOT NULL,
    subject_id text NOT NULL,
    revision bigint NOT NULL,
    outcome_revision bigint NOT NULL,
    subject_name text NOT NULL,
    team_id text NOT NULL,
    measures text,               -- JSON object, keys sorted; NULL: ungraded
    attributes text NOT NULL,    -- JSON object, keys sorted, without what is not known
    outcome text NOT NULL,       -- JSON object, keys sorted, without what is not known
    since bigint NOT NULL,       -- number of the transaction that made it so
    UNIQUE (league, game_id, play_id, role, model, model_version, subject_id)
);
CREATE INDEX scores_by_since ON scores (since);

CREATE TABLE distributions (
    score bigint PRIMARY KEY,    -- id in scores
    content bytea NOT NULL,      -- playscore.distribution.v1.Distribution
    support_id text NOT NULL     -- empty where it needs none
);

CREATE TABLE supports (
    support_id text PRIMARY KEY,
    content bytea NOT NULL       -- playscore.distribution.v1.Support
);

CREATE TABLE unscored (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    league text NOT NULL,
    game_id text NOT NULL,
    play_id text NOT NULL,
    task integer NOT NULL,       -- number of playscore.common.v1.Task; 0: not known, or more than one
    revision bigint NOT NULL,
    outcome_revision bigint NOT NULL,
    reason integer NOT NULL,     -- number of playscore.common.v1.Reason
    detail text NOT NULL,
    subjects text NOT NULL,      -- JSON list of [role, subject_id, name, team_id]
    since bigint NOT NULL,
    UNIQUE (league, game_id, play_id, task)
);
CREATE INDEX unscored_by_since ON unscored (since);

CREATE TABLE withdrawn (
    since bigint NOT NULL,
    score bigint NOT NULL,       -- id that was in scores; it is not given again
    PRIMARY KEY (since, score)
);

CREATE TABLE requests (
    request_id text PRIMARY KEY,
    digest bytea NOT NULL,
    inserted integer NOT NULL,
    replaced integer NOT NULL,
    unchanged integer NOT NULL,
    withdrawn integer NOT NULL,
    stale text NOT NULL,         -- JSON list of [index, revision, outcome_revision]
    rejected text NOT NULL,      -- JSON list of [index, [league, game_id, play_id] or null, task, revision, name of the
                                 --               reason, detail, list of [role, subject_id, name, team_id]]
    revision_end bigint NOT NULL,
    revision_missing bigint[] NOT NULL,
    recorded timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX requests_by_age ON requests (recorded);
"""


def _superseded(table: str, columns: tuple[str, ...], kept: str, more: str = "", source: str = "") -> str:
    """A table of earlier rows, kept by triggers. Rows that a transaction itself made never stood, and are not kept."""
    names = ", ".join(columns)
    keep = f"""
        INSERT INTO {SCHEMA}.superseded_{table} (id, {names}{more}, since, until)
        SELECT was.id, {", ".join(f"was.{column}" for column in columns)}{more}, was.since, present
        FROM was{source} WHERE was.since <> present;
"""
    triggers = "".join(
        f"""
CREATE TRIGGER {table}_{event.lower()}d AFTER {event} ON {table} REFERENCING OLD TABLE AS was
FOR EACH STATEMENT EXECUTE FUNCTION keep_superseded_{table}();
"""
        for event in ("UPDATE", "DELETE")
    )
    return f"""
CREATE TABLE superseded_{table} (
    id bigint NOT NULL,          -- in {table}, as is what follows
    {kept}
    since bigint NOT NULL,       -- number of the transaction that made it so
    until bigint NOT NULL,       -- number of the transaction that superseded it
    PRIMARY KEY (id, since)
);
CREATE INDEX superseded_{table}_by_until ON superseded_{table} (until);
CREATE FUNCTION keep_superseded_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE present bigint := {SCHEMA}.transaction_number();
    BEGIN{keep}        RETURN NULL;
    END
$$;{triggers}"""


_HISTORY: Final = (
    "LOCK TABLE scores, distributions, unscored, withdrawn, requests IN SHARE ROW EXCLUSIVE MODE;"
    + _superseded(
        "scores",
        SCORE_COLUMNS,
        """league text NOT NULL,
    game_id text NOT NULL,
    play_id text NOT NULL,
    task integer NOT NULL,
    role integer NOT NULL,
    model text NOT NULL,
    model_version bigint NOT NULL,
    subject_id text NOT NULL,
    revision bigint NOT NULL,
    outcome_revision bigint NOT NULL,
    subject_name text NOT NULL,
    team_id text NOT NULL,
    measures text,
    attributes text NOT NULL,
    outcome text NOT NULL,
    content bytea,               -- of its distribution; NULL: it had none
    support_id text,""",
        ", content, support_id",
        f" LEFT JOIN {SCHEMA}.distributions ON score = was.id",
    )
    + _superseded(
        "unscored",
        UNSCORED_COLUMNS,
        """league text NOT NULL,
    game_id text NOT NULL,
    play_id text NOT NULL,
    task integer NOT NULL,
    revision bigint NOT NULL,
    outcome_revision bigint NOT NULL,
    reason integer NOT NULL,
    detail text NOT NULL,
    subjects text NOT NULL,""",
    )
    + f"""
-- States from this one on are kept: that of `revision_end` and `revision_missing`, at its time.
CREATE TABLE history (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision_end bigint NOT NULL,
    revision_missing bigint[] NOT NULL,
    time timestamptz NOT NULL
);
INSERT INTO history (revision_end, revision_missing, time)
SELECT
    coalesce(pg_snapshot_xmax(snapshot)::text::bigint + base, 1),
    ARRAY (SELECT xid::text::bigint + base FROM pg_snapshot_xip(snapshot) AS xid WHERE xid::text::bigint + base > 0),
    clock_timestamp()
FROM pg_current_snapshot() AS snapshot LEFT JOIN store ON true;

-- When transactions were committed, or a little before: drawn as their last act, and later than any committed by then.
CREATE TABLE transactions (
    number bigint PRIMARY KEY,
    oldest bigint NOT NULL,      -- number of the oldest transaction that had not ended by then
    time timestamptz NOT NULL
);
CREATE INDEX transactions_by_time ON transactions (time, number);
CREATE FUNCTION time_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO {SCHEMA}.transactions (number, oldest, time)
        SELECT
            {SCHEMA}.transaction_number(),
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint + base,
            greatest(clock_timestamp(), (SELECT max(time) FROM {SCHEMA}.transactions) + interval '1 microsecond')
        FROM {SCHEMA}.store
        ON CONFLICT (number) DO NOTHING;
        RETURN NULL;
    END
$$;
CREATE CONSTRAINT TRIGGER requests_timed AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION time_transaction();

CREATE TABLE operations (
    number bigint PRIMARY KEY,   -- of its transaction
    request_id text NOT NULL UNIQUE,
    digest bytea NOT NULL,       -- keyed, for it is made of what was asked
    caller text NOT NULL,
    league text NOT NULL,
    deed text NOT NULL,          -- see aggregator.rows.effect_json
    revision_end bigint NOT NULL,
    revision_missing bigint[] NOT NULL
);
CREATE CONSTRAINT TRIGGER operations_timed AFTER INSERT ON operations DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION time_transaction();
CREATE TABLE switches (
    number bigint NOT NULL,
    league text NOT NULL,
    task integer NOT NULL,
    model text NOT NULL,
    model_version bigint NOT NULL,
    PRIMARY KEY (league, task, number)
);
CREATE TABLE erased (
    digest bytea PRIMARY KEY,    -- of the player, see aggregator.rows.tombstone
    number bigint NOT NULL,
    mentions text NOT NULL       -- JSON list of attributes that name players
);
CREATE TABLE erased_leagues (
    number bigint PRIMARY KEY,
    league text NOT NULL
);
CREATE TABLE keys (erased bytea NOT NULL);
INSERT INTO keys (erased) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- What aggregators of a release start from, see aggregator.postgres.keeping.
CREATE TABLE kept_snapshots (
    fingerprint bytea PRIMARY KEY,
    revision_end bigint NOT NULL,
    revision_missing bigint[] NOT NULL,
    sizes text NOT NULL,         -- JSON list of the sizes of its parts, which are cut into pieces
    kept timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE kept_pieces (
    fingerprint bytea NOT NULL REFERENCES kept_snapshots ON DELETE CASCADE,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (fingerprint, number)
);
"""
)

OPERATIONS_VERSION: Final = 2
"""Earlier binaries know no erasures: after the first one they cannot serve the store."""
MIGRATIONS: Final = (Migration(1, 1, _TABLES), Migration(OPERATIONS_VERSION, 1, _HISTORY))
SCHEMA_VERSION: Final = MIGRATIONS[-1].version

_CLUSTER: Final = (
    "(SELECT system_identifier::text FROM pg_control_system())"
    " || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
)
IDENTITY: Final = f"SELECT id, cluster, base, {_CLUSTER} AS present FROM {SCHEMA}.store"
"""The identity when it was last opened, and the cluster that it is on now."""
_LAST_NUMBER: Final = "SELECT greatest({})".format(
    ", ".join(
        f"(SELECT coalesce(max({number}), 0) FROM {table})"
        for table, number in (
            ("scores", "since"),
            ("unscored", "since"),
            ("withdrawn", "since"),
            ("transactions", "number"),
            ("requests", "revision_end"),
            ("operations", "revision_end"),
            ("switches", "number"),
            ("erased", "number"),
            ("erased_leagues", "number"),
        )
    )
)


async def prepare(connection: Connection) -> Identity:
    """Make a database a store of this release, from an older one or none, in one transaction.

    Raises STORE_UNAVAILABLE if a newer release wrote it that this one cannot serve.
    """
    async with connection.transaction():
        await connection.execute(
            f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{_MIGRATION_LOCK_TIMEOUT}'"
        )
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATING)
        if not await _is_store(connection):
            await connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};"
                "CREATE TABLE migrations (version integer PRIMARY KEY, serves_from integer NOT NULL,"
                " applied timestamptz NOT NULL DEFAULT now())"
            )
        for migration in MIGRATIONS[await _version(connection) :]:
            await connection.execute(migration.statements)
            await connection.execute(
                "INSERT INTO migrations (version, serves_from) VALUES ($1, $2)",
                migration.version,
                migration.serves_from,
            )
        return await _identified(connection)


async def recognize(connection: Connection) -> Identity:
    """The identity of a store that is only read. Raises STORE_UNAVAILABLE if it is not of this release."""
    version = await _version(connection) if await _is_store(connection) else 0
    known = await connection.fetchrow(IDENTITY) if version >= SCHEMA_VERSION else None
    if known is None or known["cluster"] != known["present"]:
        raise PlayscoreError(
            Reason.STORE_UNAVAILABLE, "no aggregator of this release has opened it here yet; start one first"
        )
    return Identity(known["id"], known["cluster"], known["base"])


async def _is_store(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{SCHEMA}.migrations"))


async def _version(connection: Connection) -> int:
    """The version of the tables. Raises STORE_UNAVAILABLE if this release cannot serve them."""
    version, serves_from = await connection.fetchrow(
        "SELECT coalesce(max(version), 0), coalesce(max(serves_from), 0) FROM migrations"
    )
    if serves_from > SCHEMA_VERSION:
        raise PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            f"a newer release wrote it: it takes schema {serves_from} to serve it, this release knows {SCHEMA_VERSION}",
        )
    return int(version)


async def _identified(connection: Connection) -> Identity:
    """The identity of the store: a new one if the database was restored or moved."""
    known = await connection.fetchrow(IDENTITY)
    if known is None:
        made = Identity(
            uuid.uuid4().hex,
            await connection.fetchval(f"SELECT {_CLUSTER}"),
            -await connection.fetchval("SELECT pg_current_xact_id()::text::bigint"),
        )
        await connection.execute(
            "INSERT INTO store (id, cluster, base) VALUES ($1, $2, $3)", made.store_id, made.cluster, made.base
        )
        return made
    store_id, cluster, base, present = known
    if cluster == present:
        return Identity(store_id, cluster, base)
    last: int = await connection.fetchval(_LAST_NUMBER)
    # Transactions still running there must come after all that the store holds.
    oldest: int = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    moved = Identity(uuid.uuid4().hex, present, base + max(0, last + 1 - (oldest + base)))
    await connection.execute(
        "UPDATE store SET id = $1, cluster = $2, base = $3", moved.store_id, moved.cluster, moved.base
    )
    # They name states by numbers that the server they were made on had given to other databases, too.
    await connection.execute("DELETE FROM kept_snapshots")
    return moved


def is_present(row: Any, identity: Identity) -> bool:
    """Whether IDENTITY still selects the store that was opened."""
    return bool(
        (row["id"], row["cluster"]) == (identity.store_id, identity.cluster) and row["present"] == row["cluster"]
    )
