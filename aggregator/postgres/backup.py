"""A shared store backed up by PostgreSQL's own programs, restored, and checked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from aggregator.postgres.checking import problems
from aggregator.postgres.database import APPLICATION, Database
from aggregator.postgres.schema import MIGRATING, SCHEMA, SCHEMA_VERSION

_LOCK_TIMEOUT: Final = "60s"


def _refuse(when: str, because: str) -> str:
    """A statement that fails under a condition. `because` is a constant of this module."""
    return f"DO $$ BEGIN IF {when} THEN RAISE EXCEPTION '{because}'; END IF; END $$;\n"


# The lock keeps an aggregator from opening the store until the transaction ends.
_BEGIN: Final = f"""
BEGIN;
SET LOCAL client_min_messages = 'warning';
SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}';
SELECT pg_advisory_xact_lock({MIGRATING});
""" + _refuse(
    f"EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{APPLICATION}')",
    "an aggregator has it open; stop it first",
)
_ONLY_IF_NONE: Final = _refuse(
    f"to_regnamespace('{SCHEMA}') IS NOT NULL", "a store already exists there; pass --replace to overwrite it"
)
_DROP: Final = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;\n"
# Without a cluster the store is given a new identity when it is next opened, as one that was moved is.
_COMMIT: Final = (
    _refuse(
        f"(SELECT max(serves_from) FROM {SCHEMA}.migrations) > {SCHEMA_VERSION}",
        "a newer release wrote the backup; restore it with that release",
    )
    + f"UPDATE {SCHEMA}.store SET cluster = '';\nCOMMIT;\n"
)


class PostgresBackups:
    """See `aggregator.backup.Backups`.

    A backup is a dump, in pg_dump's custom format, of the schema that all tables are in. The programs must be on the
    PATH, of the server's version or a later one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = Database(url, 1)

    def back_up(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """See Backups. All of the file is read before it is put in place."""
        part = file.with_name(f"{file.name}.part")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(self._recognized())
            self._run("pg_dump", "--format=custom", f"--schema={SCHEMA}", "--no-owner", f"--file={part}", self._target)
            progress(1, 2)
            self._check(part)
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            part.replace(file)
            progress(2, 2)
        finally:
            part.unlink(missing_ok=True)

    def restore(self, file: Path, *, replace: bool, progress: Callable[[int, int], None]) -> None:
        """See Backups. Until it is committed as a whole, the database is as it was, even if this process is killed."""
        self._check(file)
        progress(1, 3)
        self._load(file, first=_DROP if replace else _ONLY_IF_NONE)
        progress(2, 3)
        asyncio.run(self._prepared())
        progress(3, 3)

    def check(self) -> Sequence[str]:
        """See Backups."""
        return asyncio.run(self._problems())

    @property
    def _target(self) -> str:
        """The database without its password, for an argument that every user of the machine can read."""
        scheme, netloc, *rest = urlsplit(self._url)
        login, at, host = netloc.rpartition("@")
        return urlunsplit((scheme, f"{login.partition(':')[0]}{at}{host}", *rest))

    @property
    def _environment(self) -> dict[str, str]:
        password = unquote(urlsplit(self._url).password or "")
        return {**os.environ, **({"PGPASSWORD": password} if password else {})}

    def _program(self, name: str) -> str:
        found = shutil.which(name)
        if found is None:
            raise self._database.unavailable(f"{name} is not on the PATH; install PostgreSQL's client programs")
        return found

    def _run(self, program: str, *arguments: str) -> str:
        """What a program prints."""
        ran = subprocess.run(
            [self._program(program), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise self._database.unavailable(f"{program}: {ran.stderr.strip()}")
        return ran.stdout

    def _check(self, file: Path) -> None:
        """Read all of a backup. Raises STORE_UNAVAILABLE if it cannot be read, or holds something else."""
        self._run("pg_restore", f"--file={os.devnull}", str(file))
        if f"TABLE DATA {SCHEMA} scores" not in self._run("pg_restore", "--list", str(file)):
            raise self._database.unavailable(f"{file} is not a backup of a store")

    def _load(self, file: Path, *, first: str) -> None:
        """Restore a backup in one transaction, after other statements.

        psql commits only on the last line that it is sent. If anything fails, or this process ends, its input ends
        without that line, and the server rolls back.
        """
        script = [self._program("pg_restore"), "--file=-", "--no-owner", str(file)]
        with subprocess.Popen(
            [
                *(self._program("psql"), "--no-psqlrc", "--quiet", "--dbname", self._target),
                *("--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=terse"),
            ],
            env=self._environment,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as psql:
            assert psql.stdin is not None
            whole, failure = False, b""
            with contextlib.suppress(BrokenPipeError):  # psql has failed and says why
                psql.stdin.write((_BEGIN + first).encode())
                read = subprocess.run(script, stdout=psql.stdin, stderr=subprocess.PIPE, check=False)
                whole, failure = read.returncode == 0, read.stderr
                psql.stdin.write(_COMMIT.encode() if whole else b"")
            _, refusal = psql.communicate()
        if psql.returncode or not whole:
            reason = (refusal or failure).decode(errors="replace").strip().removeprefix("ERROR:  ")
            raise self._database.unavailable(f"not restored: {reason or 'pg_restore was ended'}")

    async def _recognized(self) -> None:
        """Raise STORE_UNAVAILABLE if the database is not a store of this release."""
        reading = Database(self._url, 1, read_only=True)
        await reading.open()
        await reading.close()

    async def _problems(self) -> list[str]:
        reading = Database(self._url, 1, read_only=True)
        await reading.open()
        try:
            async with reading.shared() as connection:
                return await problems(connection)
        finally:
            await reading.close()

    async def _prepared(self) -> None:
        """Open the store once: it is migrated to this release and given an identity of its own."""
        await self._database.open()
        await self._database.close()
