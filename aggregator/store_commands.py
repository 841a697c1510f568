"""`playscore store`: a store backed up while it runs, restored, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from aggregator.backup import Backups, Progress, backups_of

_FILE = click.Path(path_type=Path, dir_okay=False)


class _StoreUrl(click.ParamType[Backups]):
    name = "URL"

    def convert(self, value: str | Backups, param: click.Parameter | None, ctx: click.Context | None) -> Backups:
        if not isinstance(value, str):
            return value
        try:
            return backups_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_store = click.option(
    "--store",
    "backups",
    type=_StoreUrl(),
    envvar="PLAYSCORE_AGGREGATOR_STORE",
    default="sqlite:///playscore.sqlite",
    show_default=True,
    help="Which store, as the aggregator is told it.",
)


@click.group()
def store() -> None:
    """Back up, restore and check the aggregator's store."""


@store.command()
@click.argument("file", type=_FILE)
@_store
def backup(file: Path, backups: Backups) -> None:
    """Write all that the store has at one moment to FILE, while the aggregator runs.

    The copy is checked before FILE is there. That of a SQLite store is a store itself: it can be checked, and asked.
    """
    with _progress("copying") as told:
        backups.back_up(file, told)
    click.echo(f"{file}: whole and sound")


@store.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_store
@click.option("--replace", is_flag=True, help="Replace the store that is there.")
def restore(file: Path, backups: Backups, replace: bool) -> None:
    """Make the store what the backup FILE has, once that has been checked. Stop the aggregator first.

    Revision tokens from before are refused afterwards. Who was erased since the backup is in it: erase them again.
    """
    with _progress("copying") as told:
        backups.restore(file, replace=replace, progress=told)
    click.echo("restored; start the aggregator, and record again what came after the backup")


@store.command()
@_store
def check(backups: Backups) -> None:
    """Read all of the store and say what is wrong with it, and where; exit code 1 if anything is."""
    found = backups.check()
    for problem in found:
        click.echo(problem)
    if found:
        raise click.ClickException(f"{len(found)} problems; restore a backup")
    click.echo("sound")


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """Shows how far something has come."""
    with click.progressbar(length=1, label=label) as bar:

        def told(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield told
