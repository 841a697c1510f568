"""`playscore simulate`."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from playscore.errors import PlayscoreError
from simulator.bdb2019 import Format, write
from simulator.defects import Defects
from simulator.games import simulate as simulated_games
from simulator.hockey import layouts as hockey

FOOTBALL_LAYOUTS = ("bdb2019",)
FOOTBALL_ONLY = ("plays", "skill_spread", "file_format", "defects")


@click.command(short_help="Write games that never happened as files.")
@click.option("--sport", default="football", show_default=True, type=click.Choice(["football", "hockey"]))
@click.option("--games", default=1, show_default=True, type=click.IntRange(min=1), help="How many games.")
@click.option("--plays", default=70, show_default=True, type=click.IntRange(1, 1000), help="Plays per game.")
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(min=0), help="A seed always gives the same games."
)
@click.option("--season", default=2030, show_default=True, type=click.IntRange(1920, 2999), help="The season's year.")
@click.option(
    "--skill-spread",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 0.5),
    help="Standard deviation of the passers' skills; 0 makes everyone league average.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option(
    "--layout",
    type=click.Choice([*FOOTBALL_LAYOUTS, *hockey.NAMES]),
    help=f"Football: {FOOTBALL_LAYOUTS[0]}. Hockey: {', '.join(hockey.NAMES)}. If left out: the first.",
)
@click.option(
    "--period-minutes",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0.5, 20),
    help="Length of a hockey game's periods.",
)
@click.option("--format", "file_format", default="csv", show_default=True, type=click.Choice(["csv", "parquet"]))
@click.option("--defects", is_flag=True, help="Add the defects of real feeds: gaps, repeated frames, lost players.")
@click.pass_context
def simulate(
    context: click.Context,
    *,
    sport: str,
    games: int,
    plays: int,
    seed: int,
    season: int,
    skill_spread: float,
    out: Path,
    layout: str | None,
    period_minutes: float,
    file_format: Format,
    defects: bool,
) -> None:
    """Write games that never happened, in a layout that `playscore replay` reads."""
    if out.is_dir() and any(out.iterdir()):
        raise click.ClickException(f"{out} is not empty: games are written to a folder of their own, so name another")
    offered = FOOTBALL_LAYOUTS if sport == "football" else hockey.NAMES
    layout = layout or offered[0]
    if layout not in offered:
        raise click.ClickException(f"{layout} is no layout of {sport}: choose {', '.join(offered)}")
    try:
        if sport == "hockey":
            _refuse_football_options(context)
            hockey.write(layout, out, games=games, seed=seed, season=season, period_seconds=60 * period_minutes)
            click.echo(f"{games} games of hockey in {layout} layout in {out}")
            return
        drawn = simulated_games(
            seed,
            games,
            plays,
            season=season,
            skill_spread=skill_spread,
            defects=Defects() if defects else None,
        )
        with click.progressbar(drawn, length=games, label="Playing", show_pos=True) as played:
            write(played, out, file_format)
    except PlayscoreError as error:
        raise click.ClickException(error.detail) from error
    click.echo(f"{games} games of {plays} plays in {layout} layout in {out}")


def _refuse_football_options(context: click.Context) -> None:
    given = [name for name in FOOTBALL_ONLY if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if given:
        words = ", ".join("--" + {"file_format": "format"}.get(name, name).replace("_", "-") for name in given)
        raise click.ClickException(f"{words}: for football only; leave it out with --sport hockey")
