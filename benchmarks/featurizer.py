"""How much CPU a play costs the featurizer: `python -m benchmarks.featurizer`.

CPU seconds of this process (`time.process_time`), one thread, the median over plays, each play the best of `ROUNDS`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from featurizer.core.play import OpenPlay, Tensor, featurize
from featurizer.messages import tensor_to_message
from playscore.game import Game, Play
from playscore.game_messages import frames_from_message, frames_to_message
from playscore.tracking.v1.tracking_pb2 import FrameBatch
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
    players = {player.player_id: player for player in game.roster}
    frames = [play.frames.rows(row, row + 1) for row in range(len(play.frames))]

    def run() -> object:
        opened = OpenPlay(game.header, players, play.context)
        for frame in frames:
            if opened.add(frame):
                break
        return opened.close()

    return run


def main() -> None:
    whole, closing, decoding, encoding, lengths = [], [], [], [], []
    for simulated in simulate(seed=1, games=2):
        game = simulated.game
        players = {player.player_id: player for player in game.roster}
        for play in game.plays:
            made = featurize(game.header, players, play.context, [play.frames])
            if not isinstance(made, Tensor):
                continue
            message = frames_to_message(game.header.game_id, play.context.play_id, play.frames).SerializeToString()
            lengths.append(len(made.frames))
            whole.append(milliseconds(lambda: featurize(game.header, players, play.context, [play.frames])))  # noqa: B023
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
