"""How much CPU a play costs the featurizer: `python -m benchmarks.featurizer`.

CPU seconds of this process (`time.process_time`), one thread, the median over plays, each play the best of `ROUNDS`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from featurizer.core.game_stream import GameStream
from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.messages import tensor_to_message
from featurizer.passing.task import PASSING
from playscore.game import Game, Play
from playscore.tracking.v1.tracking_pb2 import FrameBatch
from playscore.wire.tracking import frames_from_message, frames_to_message
from simulator import simulate

ROUNDS = 5
BUDGET_MS = 1.0
PUBLISHED_CORE_SECONDS = 13.8
"""What the published system takes from frames to features, for one play."""


def milliseconds(work: Callable[[], object]) -> float:
    def once() -> float:
        begin = time.process_time()
        work()
        return (time.process_time() - begin) * 1e3

    return min(once() for _ in range(ROUNDS))


def live(game: Game, play: Play) -> Callable[[], object]:
    frames = [play.frames.rows(row, row + 1) for row in range(len(play.frames))]

    def run() -> object:
        stream = GameStream(game.header, (PASSING,))
        stream.add_players(game.roster)
        stream.add_context(play.context)
        for frame in frames:
            if answers := stream.add_frames(play.context.segment, frame):
                return answers
        return stream.half_close()

    return run


def main() -> None:
    whole, closing, decoding, encoding, lengths = [], [], [], [], []
    for simulated in simulate(seed=1, games=2):
        game = simulated.game
        players = {player.player_id: player for player in game.roster}
        for play in game.plays:

            def once(play: Play = play, game: Game = game, players: dict = players) -> object:  # type: ignore[type-arg]
                return featurize((PASSING,), game.header, players, play.context, [play.frames])

            made = once()
            if not isinstance(made, Tensor):
                continue
            message = frames_to_message(play.context.segment, play.frames).SerializeToString()
            lengths.append(len(made.frames))
            whole.append(milliseconds(once))
            closing.append(milliseconds(live(game, play)))
            decoding.append(milliseconds(lambda: frames_from_message(FrameBatch.FromString(message))))  # noqa: B023
            encoding.append(milliseconds(lambda: tensor_to_message(game.header, made).SerializeToString()))  # noqa: B023
    print(f"{len(whole)} plays of {statistics.median(lengths):g} frames (median) from snap to release; CPU ms a play")
    for name, values in (
        ("frames to tensor", whole),
        ("the same, frame by frame as in a game", closing),
        ("decoding the play's frames", decoding),
        ("encoding the tensor", encoding),
    ):
        print(f"  {name:40} median {statistics.median(values):6.3f}   worst {max(values):6.3f}")
    core = statistics.median(whole)
    print(f"  of the budget of {BUDGET_MS:g} ms it takes {core / BUDGET_MS:.0%}")
    print(f"  the published system takes {PUBLISHED_CORE_SECONDS * 1e3 / core:,.0f} times as long")


if __name__ == "__main__":
    main()
