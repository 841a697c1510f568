"""A shared store backed up by PostgreSQL's own programs, restored, and checked."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from aggregator.postgres.checking import problems
from aggregator.postgres.database import APPLICATION, Database
from aggregator.postgres.schema import SCHEMA

_REPLACED: Final = f"{SCHEMA}_replaced"
"""Where the tables of a store are while those of a backup take their place."""


class PostgresBackups:
    """See `aggregator.backup.Backups`.

    A backup is a dump, in pg_dump's custom format, of the schema that all tables are in. The programs must be on the
    PATH, of the server's version or a later one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = Database(url, 1)

    def back_up(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """See Backups. It is checked that all of the file can be read."""
        part = file.with_name(f"{file.name}.part")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(self._recognized())
            self._run("pg_dump", "--format=custom", f"--schema={SCHEMA}", "--no-owner", f"--file={part}", *self._target)
            progress(1, 2)
            self._check(part)
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            part.replace(file)
            progress(2, 2)
        finally:
            part.unlink(missing_ok=True)

    def restore(self, file: Path, *, replace: bool, progress: Callable[[int, int], None]) -> None:
        """See Backups. What was there is there again if the backup cannot be restored."""
        self._check(file)
        progress(1, 3)
        was_there = asyncio.run(self._put_aside(replace=replace))
        try:
            self._run("pg_restore", "--single-transaction", "--no-owner", *self._into, str(file))
        except BaseException:
            asyncio.run(self._put_back(was_there=was_there))
            raise
        progress(2, 3)
        asyncio.run(self._become_another())
        progress(3, 3)

    def check(self) -> Sequence[str]:
        """See Backups."""
        return asyncio.run(self._problems())

    @property
    def _target(self) -> tuple[str]:
        """The database, as an argument that everybody on the machine may see."""
        scheme, netloc, *rest = urlsplit(self._url)
        login, at, host = netloc.rpartition("@")
        return (urlunsplit((scheme, f"{login.partition(':')[0]}{at}{host}", *rest)),)

    @property
    def _into(self) -> tuple[str, str]:
        return "--dbname", *self._target

    def _run(self, program: str, *arguments: str) -> None:
        found = shutil.which(program)
        if found is None:
            raise self._database.unavailable(f"{program} is not on the PATH; install PostgreSQL's client programs")
        password = unquote(urlsplit(self._url).password or "")
        environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        ran = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise self._database.unavailable(f"{program}: {ran.stderr.strip()}")

    def _check(self, file: Path) -> None:
        """Read all of a backup. Raises STORE_UNAVAILABLE where that cannot be done, or it is of something else."""
        self._run("pg_restore", f"--file={os.devnull}", str(file))
        listed = subprocess.run(
            [str(shutil.which("pg_restore")), "--list", str(file)], capture_output=True, text=True, check=False
        )
        if f"TABLE DATA {SCHEMA} scores" not in listed.stdout:
            raise self._database.unavailable(f"{file} is no backup of a store")

    async def _recognized(self) -> None:
        """Raise STORE_UNAVAILABLE where the database is no store of this release."""
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

    async def _put_aside(self, *, replace: bool) -> bool:
        """Put the tables that are there where those of the backup do not meet them. Returns whether there are any."""
        async with self._database.plain() as connection, connection.transaction():
            there = await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", SCHEMA)
            if not there:
                return False
            if not replace:
                raise self._database.unavailable("it is there already; replace it if that is what you want")
            using = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
                " AND pid <> pg_backend_pid()",
                APPLICATION,
            )
            if using:
                raise self._database.unavailable(f"an aggregator has it open, by {using} connections; stop it first")
            await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {_REPLACED}")
            return True

    async def _put_back(self, *, was_there: bool) -> None:
        async with self._database.plain() as connection, connection.transaction():
            await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            if was_there:
                await connection.execute(f"ALTER SCHEMA {_REPLACED} RENAME TO {SCHEMA}")

    async def _become_another(self) -> None:
        """Give it an identity of its own, as a database that was moved is given one."""
        async with self._database.plain() as connection, connection.transaction():
            await connection.execute(f"UPDATE {SCHEMA}.store SET cluster = ''")
            await connection.execute(f"DROP SCHEMA IF EXISTS {_REPLACED} CASCADE")
        await self._database.open()
        await self._database.close()
