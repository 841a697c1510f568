"""What the checks of film against itself cost a play, and how often they are wrong about film that is right.

python -m benchmarks.consistency [--plays 20000]

The cost is CPU time of `PassPlay.tensor` with the checks and without them, the two in turns, each play the best of
`ROUNDS`. The plays are simulated, with the simulator's measurement noise and no defects: whatever is rejected, mended
or masked of them is a false alarm.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from unittest.mock import patch

import numpy as np

from featurizer.core.outcomes import Tensor
from featurizer.core.segments import Segment
from featurizer.core.whole_plays import featurize
from featurizer.passing import consistency, orientation
from featurizer.passing.columns import DERIVED_AT, ORIENTED_AT
from featurizer.passing.play import PassPlay
from featurizer.passing.task import PASSING
from playscore.game import Game, Play
from simulator import simulate

ROUNDS = 15
TIMED_PLAYS = 100
BUDGET_MS = 0.1


def passes(seed: int) -> Iterator[tuple[Game, Play]]:
    """Simulated passes without end."""
    for index in itertools.count():
        for simulated in simulate(seed=seed + index, games=1):
            thrown = simulated.distributions.keys()
            yield from ((simulated.game, play) for play in simulated.game.plays if play.context.play_id in thrown)


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.process_time_ns()
    work()
    return (time.process_time_ns() - begin) / 1e6


def unchecked(work: Callable[[], object]) -> Callable[[], float]:
    """The same as if there were no checks."""

    def run() -> float:
        with (
            patch.object(consistency, "mend", lambda field, film, coordinates: film),
            patch.object(orientation, "is_believed", lambda *_: True),
        ):
            return milliseconds(work)

    return run


def cost(game: Game, play: Play) -> tuple[float, float, int]:
    """Milliseconds with and without the checks, and frames from snap to release."""
    segment = Segment()
    segment.add(play.frames)
    roster = {player.player_id: player for player in game.roster}
    made = PassPlay(game.header, roster, play.context, segment.footage())
    frames = len(made.tensor().frames)
    without = unchecked(made.tensor)
    pairs = [(milliseconds(made.tensor), without()) for _ in range(ROUNDS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs), frames


def alarm(game: Game, play: Play) -> str:
    """What the checks say of a pass that is right; empty: nothing."""
    roster = {player.player_id: player for player in game.roster}
    made = featurize((PASSING,), game.header, roster, play.context, [play.frames])
    if not isinstance(made, Tensor):
        return f"{made.reason.name}: {made.detail}"
    if made.interpolated_frames:
        return "mended"
    if not np.all(made.frames[:, ORIENTED_AT:DERIVED_AT]):
        return "orientation masked"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plays", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    timed = [cost(game, play) for game, play in itertools.islice(passes(arguments.seed), TIMED_PLAYS)]
    checked, plain, frames = (statistics.median(column) for column in zip(*timed, strict=True))
    added = statistics.median(one[0] - one[1] for one in timed)
    worst = max(one[0] - one[1] for one in timed)
    print(f"{len(timed)} passes of {frames:g} frames (median) from snap to release; CPU ms a play, medians")
    print(f"  tensor with checks {checked:.3f}, without {plain:.3f}, ratio {checked / plain:.2f}")
    print(f"  checks: {added:.3f}, worst {worst:.3f}; of the budget of {BUDGET_MS:g} ms {added / BUDGET_MS:.0%}")

    alarms = Counter(
        said for game, play in itertools.islice(passes(arguments.seed), arguments.plays) if (said := alarm(game, play))
    )
    print(f"{sum(alarms.values())} false alarms in {arguments.plays} simulated passes")
    for said, count in alarms.most_common(10):
        print(f"  {count} {said}")


if __name__ == "__main__":
    main()
