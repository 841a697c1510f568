"""The tables of the embedded store, and how a file of an older release becomes one of this."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from playscore.errors import PlayscoreError, Reason

APPLICATION_ID: Final = 0x706C6179
SCHEMA_VERSION: Final = 2

_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

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

    Raises STORE_UNAVAILABLE where the file is of something else, or of a newer release.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise PlayscoreError(Reason.STORE_UNAVAILABLE, "it is a database of something else")
    if version > SCHEMA_VERSION:
        raise PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            f"a newer release wrote it: its schema is version {version}, this release knows {SCHEMA_VERSION}",
        )
    match version:
        case 0:
            change = _NEW.format(store_id=uuid.uuid4().hex)
        case 1:
            connection.create_function("attributes_from_1", 1, _attributes_from_1, deterministic=True)
            change = _FROM_1
        case _:
            return
    connection.executescript(f"BEGIN IMMEDIATE; {change} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _attributes_from_1(text: str) -> str:
    known: dict[str, Any] = json.loads(text)
    renamed = {_ATTRIBUTES_OF_1.get(name, name): value for name, value in known.items()}
    if "depth" in renamed:
        renamed["depth"] = f"PASS_DEPTH_{renamed['depth'].upper()}"
    return to_json(renamed)


def to_json(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """As everything that is JSON is written, so that equal content is equal text."""
    if not content:
        return "{}" if isinstance(content, Mapping) else "[]"
    return _encode(content)
