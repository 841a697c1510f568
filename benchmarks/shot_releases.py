"""How the release of a shot is found, in recorded and in simulated games: docs/benchmarks.md has the figures.

    python -m benchmarks.shot_releases DATA

DATA is a file or folder with games in layouts that have film of hockey; folders in it are looked into. Of every shot
that such a source lists and films, the release that the featurizer finds is compared with the source's own event.

In simulated games the release is known. The event is moved by a known error, and the release that is found compared
with the truth, for pucks of several rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from featurizer.core.segments import Segment
from featurizer.shots.task import ShotsTask
from playscore.errors import PlayscoreError
from playscore.game import Game, Play, PlayContext, Track
from playscore.shots import ShotResult, ShotSituation, outcome_of
from playscore.sources import Source, layouts
from simulator.hockey import simulate_games

LAYOUTS = ("bdc2025", "bdc2026", "edge")
"""Those that film the puck."""
MOVED_SECONDS = (0.0, -0.5, 0.5, -1.0, 1.0, 2.0, 4.0)
"""How late a simulated event is; negative: early."""
PUCK_HERTZ = (60, 30, 10)
BEFORE_SECONDS, AFTER_SECONDS = 11.0, 6.0
"""Of film around a simulated shot."""
REPLAY_BEFORE_SECONDS, REPLAY_AFTER_SECONDS = 9.0, 2.0
"""The same where no event is told, as in replays of goals."""
NEAR_SECONDS = (0.1, 0.5, 1.0)


@dataclass(frozen=True)
class Release:
    """What became of one shot that was filmed."""

    seconds: float | None
    """Of the segment's clock; None: the shot was refused."""
    found: bool
    """By the puck's way; else it is the source's word."""


def release(game: Game, context: PlayContext, segment: Segment) -> Release | None:
    """The release that the featurizer takes; None where nobody is filmed."""
    roster = {player.player_id: player for player in game.roster}
    shot = ShotsTask().open(game.header, roster, context, segment.footage(context.opens_at_frame))
    try:
        filmed = shot.look()
    except PlayscoreError:
        return Release(None, found=False)
    return None if filmed is None else Release(filmed.released, filmed.found)


def segment_of(play: Play, rate_hertz: float, first: float = -np.inf, last: float = np.inf) -> Segment:
    """A play's film from one second of its clock to another."""

    def between(numbers: NDArray[np.int32], rate: float) -> tuple[int, int]:
        begin, end = np.searchsorted(numbers / rate, [first, last])
        return int(begin), int(end)

    segment = Segment()
    segment.add(play.frames.rows(*between(play.frames.frame_numbers, rate_hertz)))
    for track in play.tracks:
        segment.add_track(track.samples(*between(track.sample_numbers, track.rate_hertz)))
    return segment


def shots_of(game: Game) -> list[Play]:
    return [play for play in game.plays if isinstance(play.context.situation, ShotSituation)]


# --- Recorded games ---


def sources(data: Path) -> Iterator[tuple[str, Source]]:
    """What can be read there, or else in the folders below, with the names of the layouts."""
    known = layouts()
    for name in LAYOUTS:
        read: set[Path] = set()
        for place in (data, *sorted(each for each in data.rglob("*") if each.is_dir())):
            if read.isdisjoint(place.parents) and not known[name].recognize(place).missing:
                read.add(place)
                yield name, known[name].open(place)


def recorded(name: str, source: Source) -> str:
    """A row of what is found in a source's games."""
    listed = 0
    releases: list[Release] = []
    late: list[float] = []
    for game_id in source.game_ids:
        game = source.game(game_id)
        rate = game.header.frame_rate_hertz
        shots = shots_of(game)
        listed += len(shots)
        if rate is None:
            continue
        for play in shots:
            made = release(game, play.context, segment_of(play, rate))
            if made is None:
                continue
            releases.append(made)
            if made.found and made.seconds is not None and play.context.release_frame is not None:
                late.append(made.seconds - play.context.release_frame / rate)
    found, refused = sum(each.found for each in releases), sum(each.seconds is None for each in releases)
    counts = (listed, len(releases), found, len(releases) - found - refused, refused)
    return f"| {name} | {' | '.join(map(str, counts))} | {spread(np.array(late))} |"


def spread(late: NDArray[np.float64]) -> str:
    """Median, 5th and 95th percentile, and the shares that are near 0."""
    if not len(late):
        return " | " * 5
    percentiles = (f"{value:+.2f} s" for value in np.percentile(late, [50, 5, 95]))
    near = (f"{(np.abs(late) <= seconds + 1e-9).mean():.0%}" for seconds in NEAR_SECONDS)
    return " | ".join((*percentiles, *near))


# --- Simulated games ---


def simulated(seed: int, games: int, period_seconds: float) -> Iterator[tuple[Game, Play, float]]:
    """Unblocked attempts of simulated games, and their releases in seconds of the segment's clock."""
    for each in simulate_games(seed, games, period_seconds=period_seconds):
        rate = each.game.header.frame_rate_hertz
        assert rate is not None
        for play in shots_of(each.game):
            ended, frame = outcome_of(play), play.context.release_frame
            if ended is not None and ended.result is not ShotResult.BLOCKED and frame is not None:
                yield each.game, play, frame / rate


def thinned(track: Track, rate_hertz: int) -> Track:
    """With fewer samples a second."""
    step = round(track.rate_hertz / rate_hertz)
    kept = track.sample_numbers % step == 0
    return replace(
        track,
        rate_hertz=float(rate_hertz),
        sample_numbers=track.sample_numbers[kept] // step,
        x=track.x[kept],
        y=track.y[kept],
        z=None if track.z is None else track.z[kept],
    )


def errors(shots: Sequence[tuple[Game, Play, float]], moved: float | None) -> list[tuple[Release, float]]:
    """What is found of shots whose events are moved, or not told where that is None, and how far from the truth."""
    made = []
    for game, play, truth in shots:
        rate = game.header.frame_rate_hertz or 1.0
        before, after = (
            (REPLAY_BEFORE_SECONDS, REPLAY_AFTER_SECONDS) if moved is None else (BEFORE_SECONDS, AFTER_SECONDS)
        )
        frame = None if moved is None else max(1, round((truth + moved) * rate))
        context = replace(play.context, release_frame=frame, opens_at_frame=None)
        found = release(game, context, segment_of(play, rate, truth - before, truth + after))
        assert found is not None
        made.append((found, np.nan if found.seconds is None else abs(found.seconds - truth)))
    return made


def simulated_row(hertz: int, moved: float | None, made: Sequence[tuple[Release, float]]) -> str:
    off = np.array([each for found, each in made if found.found])
    median, most = np.percentile(off, [50, 95])
    shares = (
        np.mean([found.found for found, _ in made]),
        np.mean([found.seconds is None for found, _ in made]),
        np.mean([found.found and each <= NEAR_SECONDS[0] + 1e-9 for found, each in made]),
    )
    told = "none" if moved is None else f"{moved:+g} s"
    return f"| {hertz} Hz | {told} | {' | '.join(f'{each:.1%}' for each in shares)} | {median:.3f} s | {most:.3f} s |"


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--games", type=click.IntRange(1), default=20, show_default=True, help="Simulated.")
@click.option("--period-seconds", default=300.0, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(data: Path, games: int, period_seconds: float, seed: int) -> None:
    """Print two tables: recorded games, release found less event; simulated games, release found less truth."""
    near = " | ".join(f"within {seconds:g} s" for seconds in NEAR_SECONDS)
    click.echo(
        f"| layout | shots listed | filmed | found | source's word | refused | median | 5% | 95% | {near} |\n"
        f"|{'---|' * 12}"
    )
    for name, source in sources(data):
        click.echo(recorded(name, source))
    shots = list(simulated(seed, games, period_seconds))
    click.echo(
        f"\n{len(shots)} simulated shots\n\n"
        f"| puck | event | found | refused | found within {NEAR_SECONDS[0]:g} s | median off | 95% off |\n|{'---|' * 7}"
    )
    for hertz in PUCK_HERTZ:
        filmed = [
            (game, replace(play, tracks=tuple(thinned(track, hertz) for track in play.tracks)), truth)
            for game, play, truth in shots
        ]
        for moved in (*MOVED_SECONDS, None):
            click.echo(simulated_row(hertz, moved, errors(filmed, moved)))


if __name__ == "__main__":
    main()
