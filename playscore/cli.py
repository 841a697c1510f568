"""The `playscore` command: each room's commands, found through their entry points and imported when they run.

A command may need packages that the base install leaves out. It is listed all the same, with what to install.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import sys
from importlib.metadata import EntryPoint, entry_points, requires

import click

from playscore.errors import PlayscoreError
from playscore.terminal_text import printable, printable_lines

COMMANDS = "playscore.commands"
"""The group of entry points. Each names the extra that its command needs: `pipeline.commands:replay [services]`."""

_REQUIREMENT = re.compile(
    r"""(?P<distribution>[\w.-]+)(?:\[(?P<through>[\w,-]+)\])?.*;.*\bextra\s*==\s*["'](?P<extra>[\w-]+)["']"""
)


class _Rooms(click.Group):
    """A group whose commands live in the rooms that do the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry.name for entry in entry_points(group=COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _entry(cmd_name)
        return _load(entry) if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"No such command {args[0]!r}; did you mean {close[0]}?", ctx) from unknown

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            entry = _entry(ctx.invoked_subcommand or "")
            if entry is None:
                raise
            raise click.ClickException(f"{entry.name} {_needs(entry, missing)}") from missing
        except click.ClickException as error:
            error.message = printable_lines(error.message)  # type: ignore[misc]
            raise


def _entry(command: str) -> EntryPoint | None:
    return next(iter(entry_points(group=COMMANDS, name=command)), None)


def _load(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except ModuleNotFoundError as missing:
        return _unavailable(entry, _needs(entry, missing))
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.value} is not a click command")
    return command


def _unavailable(entry: EntryPoint, needs: str) -> click.Command:
    """A command that only says what to install, whatever its arguments are."""

    @click.command(
        entry.name,
        short_help=f"({needs})",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def unavailable(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(f"{entry.name} {needs}")

    return unavailable


def _needs(entry: EntryPoint, missing: ModuleNotFoundError) -> str:
    """What to install for a command that lacks a package. Raises `missing` where no extra brings it."""
    package = (missing.name or "").partition(".")[0]
    offering = extras_with(package)
    if not offering and package and importlib.util.find_spec(package) is None:
        offering = tuple(entry.extras)
    if not offering:
        raise missing
    extra = next((own for own in entry.extras if own in offering), offering[0])
    return f"needs pip install 'playscore[{extra}]'"


def extras_with(package: str) -> tuple[str, ...]:
    """The extras of playscore that bring the distribution of an imported package, such as `xgboost` of xgboost-cpu.

    Those that name it come before those that bring it through another extra.
    """
    wanted = _normalized(package)
    found = [match for requirement in requires("playscore") or () if (match := _REQUIREMENT.match(requirement))]
    offering = {
        match["extra"]: None for match in found if f"{_normalized(match['distribution'])}-".startswith(f"{wanted}-")
    }
    known = 0
    while known < len(offering):
        known = len(offering)
        through = (match for match in found if offering.keys() & set((match["through"] or "").split(",")))
        offering |= {match["extra"]: None for match in through}
    return tuple(offering)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="playscore", message="%(prog)s %(version)s")
def cli() -> None:
    """Grade what players do from tracking data, live.

    Frames go in; out come scores of plays, and ratings of players in any split of them.
    """


def main() -> None:
    """Runs the command line; what the domain refuses is an error as of wrong usage, with exit code 1."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC core prints what its peers say, as they say it
    try:
        cli(prog_name="playscore")
    except PlayscoreError as error:
        click.echo(f"Error: {printable_lines(error.detail)}", err=True)
        for violation in error.fields:
            if violation.description not in error.detail:
                click.echo(printable(f"  {violation.field}: {violation.description}"), err=True)
        sys.exit(1)
