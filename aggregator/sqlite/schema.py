"""The tables of the embedded store, and how a file of an older release becomes one of this.

Tables are only added to, so that the previous release can serve a file of this one, and a rollout can be rolled back.
That release knows the tables of version 2. Triggers maintain what was added since, whichever release writes.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any, Final

from aggregator.rows import SCORE_COLUMNS, UNSCORED_COLUMNS, to_json
from playscore.errors import PlayscoreError, Reason

APPLICATION_ID: Final = 0x706C6179
SERVED_VERSION: Final = 2
"""The file's user_version: the oldest schema whose binaries can serve it. What was applied is in `migrations`."""

_SCORES = """
CREATE TABLE scores (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    task INTEGER NOT NULL,     -- number of playscore.common.v1.Task
    role INTEGER NOT NULL,     -- number of playscore.common.v1.Role
    model TEXT NOT NULL,
    model_version INTEGER NOT NULL,
    subject_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    subject_name TEXT NOT NULL,
    team_id TEXT NOT NULL,
    measures TEXT,             -- JSON object, keys sorted; NULL: ungraded
    attributes TEXT NOT NULL,  -- JSON object, keys sorted, without what is not known
    outcome TEXT NOT NULL,     -- JSON object, keys sorted, without what is not known
    UNIQUE (league, game_id, play_id, role, model, model_version, subject_id)
) STRICT;
"""

_DISTRIBUTIONS = """
CREATE TABLE distributions (
    score INTEGER PRIMARY KEY, -- id in scores
    content BLOB NOT NULL,     -- playscore.distribution.v1.Distribution
    support_id TEXT NOT NULL   -- empty where it needs none
) STRICT;

CREATE TABLE supports (
    support_id TEXT PRIMARY KEY,
    content BLOB NOT NULL      -- playscore.distribution.v1.Support
) STRICT, WITHOUT ROWID;
"""

_UNSCORED = """
CREATE TABLE unscored (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    task INTEGER NOT NULL,     -- number of playscore.common.v1.Task; 0: not known, or more than one
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    reason INTEGER NOT NULL,   -- number of playscore.common.v1.Reason
    detail TEXT NOT NULL,
    subjects TEXT NOT NULL,    -- JSON list of [role, subject_id, name, team_id]
    UNIQUE (league, game_id, play_id, task)
) STRICT;
"""

_CHANGES = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('score', 'withdrawn', 'unscored')),
    item INTEGER NOT NULL      -- id in scores or in unscored
) STRICT;
"""

_REQUESTS = """
CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    inserted INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    stale TEXT NOT NULL,       -- JSON list of [index, revision, outcome_revision]
    rejected TEXT NOT NULL,    -- JSON list of [index, [league, game_id, play_id] or null, task, revision, name of the
                               --               reason, detail, list of [role, subject_id, name, team_id]]
    seq INTEGER NOT NULL,
    recorded_unix REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (recorded_unix);
"""

_NEW = (
    "CREATE TABLE store (id TEXT NOT NULL) STRICT;"
    f"{_SCORES}{_DISTRIBUTIONS}{_UNSCORED}{_CHANGES}{_REQUESTS}"
    "INSERT INTO store VALUES ('{store_id}');"
    f"PRAGMA application_id = {APPLICATION_ID};"
)

_PASSING = 1
"""The task of everything in version 1."""

# What version 1 kept as answers cannot be asked for again: no request of today's contract has its bytes.
_FROM_1 = f"""
ALTER TABLE scores RENAME TO scores_1;
{_SCORES}
INSERT INTO scores SELECT id, league, game_id, play_id, {_PASSING}, role, model, model_version, subject_id, revision,
    outcome_revision, subject_name, team_id, measures, attributes_from_1(attributes), '{{}}' FROM scores_1;
DELETE FROM sqlite_sequence WHERE name = 'scores';
INSERT INTO sqlite_sequence SELECT 'scores', seq FROM sqlite_sequence WHERE name = 'scores_1';
DROP TABLE scores_1;
ALTER TABLE unscored RENAME TO unscored_1;
{_UNSCORED}
INSERT INTO unscored SELECT id, league, game_id, play_id, {_PASSING}, revision, 0, reason, detail, subjects
    FROM unscored_1;
DROP TABLE unscored_1;
{_DISTRIBUTIONS}
DROP TABLE requests;
{_REQUESTS}
"""

HISTORY_VERSION: Final = 3

_CLOCK = "CAST((julianday('now') - 2440587.5) * 86400e6 AS INTEGER)"
TRIGGERS: Final = frozenset(
    {
        "changes_timed",
        *(f"superseded_{table}_{how}" for table in ("scores", "unscored") for how in ("updated", "deleted")),
    }
)
"""The triggers that keep history."""

_NEXT_SEQ = "(SELECT coalesce(max(seq), 0) + 1 FROM changes)"


def _superseded(table: str, kind: str, columns: tuple[str, ...], more: str, values: str) -> str:
    """The earlier states of a table's rows. Each is superseded by a change of its own, which is logged after it."""
    names = ", ".join(columns)
    old = ", ".join(f"OLD.{column}" for column in columns)
    keep = f"""
    INSERT INTO superseded_{table} (until, since, id, {names}{more})
    VALUES ({_NEXT_SEQ},
        (SELECT coalesce(max(seq), 0) FROM changes WHERE item = OLD.id AND kind = '{kind}'), OLD.id, {old}{values});
"""
    return f"""
CREATE INDEX superseded_{table}_by_id ON superseded_{table} (id, until);
CREATE TRIGGER superseded_{table}_updated BEFORE UPDATE ON {table} BEGIN {keep} END;
CREATE TRIGGER superseded_{table}_deleted BEFORE DELETE ON {table} BEGIN {keep} END;
"""


_SUPERSEDED_SCORES = """
CREATE TABLE superseded_scores (
    until INTEGER PRIMARY KEY, -- seq of the change that superseded it
    since INTEGER NOT NULL,    -- seq of the change that made it
    id INTEGER NOT NULL,       -- in scores, as is what follows
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    task INTEGER NOT NULL,
    role INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_version INTEGER NOT NULL,
    subject_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    subject_name TEXT NOT NULL,
    team_id TEXT NOT NULL,
    measures TEXT,
    attributes TEXT NOT NULL,
    outcome TEXT NOT NULL,
    content BLOB,              -- of its distribution; NULL: it had none
    support_id TEXT
) STRICT;
""" + _superseded(
    "scores",
    "score",
    SCORE_COLUMNS,
    ", content, support_id",
    ", (SELECT content FROM distributions WHERE score = OLD.id),"
    " (SELECT support_id FROM distributions WHERE score = OLD.id)",
)

_SUPERSEDED_UNSCORED = """
CREATE TABLE superseded_unscored (
    until INTEGER PRIMARY KEY, -- seq of the change that superseded it
    since INTEGER NOT NULL,    -- seq of the change that made it
    id INTEGER NOT NULL,       -- in unscored, as is what follows
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    task INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    detail TEXT NOT NULL,
    subjects TEXT NOT NULL
) STRICT;
""" + _superseded("unscored", "unscored", UNSCORED_COLUMNS, "", "")

# A change is timed when it is logged; this release then puts one row in place of all of a transaction's.
_COMMITS = f"""
CREATE TABLE commits (
    seq INTEGER PRIMARY KEY,   -- the last change that was committed by then
    time_us INTEGER NOT NULL   -- microseconds of Unix time; never less than that of a lower seq
) STRICT;
CREATE TRIGGER changes_timed AFTER INSERT ON changes BEGIN
    INSERT INTO commits
    VALUES (NEW.seq, max({_CLOCK}, coalesce((SELECT time_us FROM commits ORDER BY seq DESC LIMIT 1), 0)));
END;
"""

# The seq of what an operator did has a row in changes, too, that says nothing: the release before counts by them.
_OPERATIONS = """
CREATE TABLE operations (
    seq INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,      -- keyed, for it is made of what was asked
    time_us INTEGER NOT NULL,
    caller TEXT NOT NULL,
    league TEXT NOT NULL,
    deed TEXT NOT NULL         -- see aggregator.rows.effect_json
) STRICT;
CREATE TABLE switches (
    seq INTEGER PRIMARY KEY,
    league TEXT NOT NULL,
    task INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_version INTEGER NOT NULL
) STRICT;
CREATE INDEX switches_by_task ON switches (league, task, seq);
CREATE TABLE erased (
    digest BLOB PRIMARY KEY,   -- of the player, see aggregator.rows.tombstone
    seq INTEGER NOT NULL,
    mentions TEXT NOT NULL     -- JSON list of attributes that name players
) STRICT, WITHOUT ROWID;
CREATE TABLE erased_leagues (
    seq INTEGER PRIMARY KEY,
    league TEXT NOT NULL
) STRICT;
CREATE TABLE keys (erased BLOB NOT NULL) STRICT;
"""

# The snapshot that an aggregator starts from. It is whole where it has its row in kept_snapshot.
_KEPT = """
CREATE TABLE kept_snapshot (
    fingerprint BLOB NOT NULL, -- see aggregator.core.keeping
    seq INTEGER NOT NULL,      -- the last change that it has
    sizes TEXT NOT NULL        -- JSON list of the sizes of its parts, which are cut into pieces
) STRICT;
CREATE TABLE kept_pieces (
    number INTEGER PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;
"""

_HISTORY = f"""
CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    time_us INTEGER NOT NULL,
    seq INTEGER NOT NULL       -- the last change before it; history begins there with version {HISTORY_VERSION}
) STRICT;
CREATE INDEX changes_by_item ON changes (item, kind, seq);
{_SUPERSEDED_SCORES}{_SUPERSEDED_UNSCORED}{_COMMITS}{_OPERATIONS}{_KEPT}
INSERT INTO commits SELECT coalesce(max(seq), 0), {_CLOCK} FROM changes;
INSERT INTO migrations SELECT {HISTORY_VERSION}, {_CLOCK}, coalesce(max(seq), 0) FROM changes;
INSERT INTO keys VALUES (x'{{key}}');
"""

_ATTRIBUTES_OF_1: Mapping[str, str] = {
    "time_to_throw": "time_to_throw_seconds",
    "target_separation": "target_separation_yards",
    "passer_depth": "passer_depth_yards",
    "passer_lateral": "passer_lateral_yards",
    "passer_speed": "passer_speed_yards_per_second",
}
"""New names of attributes that version 1 named otherwise."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make an empty file a store, and a store of an older release one of this, in one transaction.

    Raises STORE_UNAVAILABLE if the file is another program's, or a newer release's.
    """
    changes = []
    match _version(connection):
        case 0:
            changes.append(_NEW.format(store_id=uuid.uuid4().hex))
        case 1:
            connection.create_function("attributes_from_1", 1, _attributes_from_1, deterministic=True)
            changes.append(_FROM_1)
    if not _has_history(connection):
        changes.append(_HISTORY.format(key=secrets.token_hex(32)))
    if changes:
        changes.append(f"PRAGMA user_version = {SERVED_VERSION};")
        connection.executescript(f"BEGIN IMMEDIATE; {' '.join(changes)} COMMIT;")


def check(connection: sqlite3.Connection) -> None:
    """Raise STORE_UNAVAILABLE where a file is not a store of this release's schema."""
    version = _version(connection)
    if version == 0:
        raise PlayscoreError(Reason.STORE_UNAVAILABLE, "it is empty: no aggregator has opened it yet")
    if version < SERVED_VERSION or not _has_history(connection):
        raise PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            "an older release wrote it: an aggregator of this release brings it up to date when it opens it",
        )


def _version(connection: sqlite3.Connection) -> int:
    """The version of a store; 0 for an empty file. Raises STORE_UNAVAILABLE for other files and newer releases."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise PlayscoreError(Reason.STORE_UNAVAILABLE, "it is a database of another program")
    if version > SERVED_VERSION:
        raise PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            f"a newer release wrote it: its schema is version {version}, this release knows {SERVED_VERSION}",
        )
    return int(version)


def _has_history(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'").fetchone()
    return bool(tables)


def _attributes_from_1(text: str) -> str:
    known: dict[str, Any] = json.loads(text)
    renamed = {_ATTRIBUTES_OF_1.get(name, name): value for name, value in known.items()}
    if "depth" in renamed:
        renamed["depth"] = f"PASS_DEPTH_{renamed['depth'].upper()}"
    return to_json(renamed)
