"""`playscore store`: a store backed up while it runs, restored, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from aggregator.backup import Backups, Progress, backups_of
from aggregator.commands.source import store_url
from playscore.client.words import counted
from playscore.terminal_text import printable

_FILE = click.Path(path_type=Path, dir_okay=False)


class _StoreUrl(click.ParamType[Backups]):
    name = "PATH|URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Backups:
        return backups_of(store_url(value))


_store_option = partial(
    click.option,
    "--store",
    envvar="PLAYSCORE_AGGREGATOR_STORE",
    default="sqlite:///playscore.sqlite",
    show_default=True,
)
_store = _store_option(
    "backups",
    type=_StoreUrl(),
    help="The store, as in the aggregator's own setting, or the path of a SQLite file; that of playscore stack is "
    "out/stack/aggregator.db.",
)


@click.group()
def store() -> None:
    """Back up, restore and check the aggregator's store."""


@store.command()
@click.argument("file", type=_FILE)
@_store
@click.option("--replace", is_flag=True, help="Overwrite an existing FILE.")
def backup(file: Path, backups: Backups, replace: bool) -> None:
    """Write a consistent copy of the store to FILE, while the aggregator runs.

    FILE appears only once the copy is complete and has been checked. A backup of a SQLite store is itself a store: it
    can be checked and read.
    """
    if file.exists() and not replace:
        raise click.ClickException(f"{file} already exists; pass --replace to overwrite it")
    with _progress("copying") as progress:
        backups.back_up(file, progress)
    click.echo(f"{file}: complete, no problems found")


@store.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_store
@click.option("--replace", is_flag=True, help="Overwrite the existing store.")
def restore(file: Path, backups: Backups, replace: bool) -> None:
    """Check the backup FILE and make it the store. Stop the aggregator first.

    Earlier revision tokens are refused afterwards. Players erased since the backup are in it again: erase them again.
    """
    with _progress("copying") as progress:
        backups.restore(file, replace=replace, progress=progress)
    click.echo("restored; start the aggregator, and record again what came after the backup")


@store.command()
@_store_option(
    type=click.UNPROCESSED,
    callback=lambda _context, _option, value: store_url(value),
    help="The store, as in the aggregator's own setting.",
)
def migrate(store: str) -> None:
    """Bring the store to this release, or make it, before an aggregator of this release opens it.

    An aggregator does the same when it starts. Doing it first keeps a migration that fails, or that takes long, from
    being one replica's start. Aggregators of the release before go on serving a PostgreSQL store meanwhile.
    """
    from aggregator.migration import migrate as bring_up_to_date

    bring_up_to_date(store)
    click.echo("the store is of this release")


@store.command()
@_store
def check(backups: Backups) -> None:
    """Read the whole store and report every problem with its place. Exit code 1 if there is any."""
    found = backups.check()
    for problem in found:
        click.echo(printable(problem))
    if found:
        raise click.ClickException(f"{counted(len(found), 'problem')} found; restore a backup")
    click.echo("no problems found")


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """Shows progress as a bar, once there is some: a refusal comes before."""
    with ExitStack() as closing:
        bar: Any = None

        def show(done: int, of: int) -> None:
            nonlocal bar
            if bar is None:
                bar = closing.enter_context(click.progressbar(length=max(of, 1), label=label))
            bar.update(done - bar.pos)

        yield show
