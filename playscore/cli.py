"""The `playscore` command: each room's commands, found through their entry points and imported when they run."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points

import click

from playscore.errors import PlayscoreError

COMMANDS = "playscore.commands"


class _Rooms(click.Group):
    """A group whose commands live in the rooms that do the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group=COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = entry_points(group=COMMANDS, name=cmd_name)
        return _load(next(iter(found))) if found else None


def _load(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] in _OWN:
            raise
        needed = missing.name

        @click.command(
            entry.name,
            short_help=f"(needs the package {needed})",
            add_help_option=False,
            context_settings={"ignore_unknown_options": True},
        )
        @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
        def absent(arguments: tuple[str, ...]) -> None:
            raise click.ClickException(_lacking(needed))

        return absent
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.value} is no click command")
    return command


def _lacking(package: str) -> str:
    return f"this command needs the package {package}: pip install 'playscore[compare]', or make environments"


_OWN = {"playscore", "featurizer", "scorer", "aggregator", "pipeline", "servicekit", "models", "simulator", "deploy"}


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="playscore", message="%(prog)s %(version)s")
def cli() -> None:
    """Grade what players do from tracking data, live.

    Frames go in; out come scores of plays, and ratings of players in any split of them.
    """


def main() -> None:
    """Runs the command line; what the domain refuses is one line on standard error and exit code 1."""
    try:
        cli(prog_name="playscore")
    except PlayscoreError as error:
        click.echo(f"playscore: {error.detail}", err=True)
        for violation in error.fields:
            click.echo(f"  {violation.field}: {violation.description}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if not package or package in _OWN:
            raise
        click.echo(f"playscore: {_lacking(package)}", err=True)
        sys.exit(1)
