"""How fast film of hockey is taken in: `python -m benchmarks.hockey_ingest`.

A night is 16 games at once, each with 14 players at 15 Hz and a puck at 60 Hz: 4,320 records a second. One simulated
game is told as it is filmed, a frame and its four samples of the puck a message each, every shot 0.4 s after its
release. Its film's seconds by the seconds that one core takes for it, by 16, is how many nights one core takes in.

"core" is the featurizer's own code on decoded messages, "messages" adds decoding and encoding, "gRPC" is a stream to a
featurizer of its own process, whose CPU seconds count.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.stack import Inference, LocalStack
from featurizer.core.game_stream import GameStream
from featurizer.core.outcomes import Tensor
from featurizer.streams import MessageStream
from featurizer.tasks import TASKS
from playscore.client import FeaturizerClient
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.game import Frames, Game, PlayContext, Track
from playscore.shots import ShotSituation
from playscore.steps import at_once
from playscore.wire.feed import context_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message
from servicekit.tokens import Keyring
from simulator.hockey import simulate_game

GAMES = 16
TOLD_FRAMES = 6
"""After its release, a shot is told."""
Told = tuple[str, Frames | Track | PlayContext]


def told(game: Game) -> Iterator[Told]:
    """Everything that is said of the game's shots, in the order of time, with its segment."""
    periods = dict.fromkeys(play.context.segment for play in game.plays if len(play.frames))
    for segment in periods:
        shots = [
            play
            for play in game.plays
            if play.context.segment == segment and isinstance(play.context.situation, ShotSituation)
        ]
        frames, (track,) = shots[0].frames, shots[0].tracks
        waiting = sorted(shots, key=lambda play: play.context.release_frame or 0)
        samples = round(track.rate_hertz / (game.header.frame_rate_hertz or 1.0))
        for row in range(len(frames)):
            yield segment, track.samples(row * samples, (row + 1) * samples)
            yield segment, frames.rows(row, row + 1)
            while waiting and (waiting[0].context.release_frame or 0) + TOLD_FRAMES <= int(frames.frame_numbers[row]):
                yield segment, waiting.pop(0).context


def core_seconds(game: Game, everything: list[Told]) -> tuple[float, int]:
    """CPU seconds of the core, and how many shots became tensors."""
    stream = GameStream(game.header, TASKS)
    stream.add_players(game.roster)
    tensors = 0
    begun = time.process_time()
    for segment, one in everything:
        match one:
            case Track():
                answers = stream.add_track(segment, one)
            case Frames():
                answers = stream.add_frames(segment, one)
            case PlayContext():
                answers = stream.add_context(one)
        tensors += sum(isinstance(answer, Tensor) for answer in answers)
    return time.process_time() - begun, tensors


def requests(everything: list[Told]) -> list[featurizer.StreamPlaysRequest]:
    """The same as messages."""

    def request(segment: str, one: Frames | Track | PlayContext) -> featurizer.StreamPlaysRequest:
        match one:
            case Track():
                return featurizer.StreamPlaysRequest(track=track_to_message(segment, one))
            case Frames():
                return featurizer.StreamPlaysRequest(frames=frames_to_message(segment, one))
            case PlayContext():
                return featurizer.StreamPlaysRequest(context=context_to_message(one))

    return [request(*one) for one in everything]


def message_seconds(game: Game, encoded: list[bytes]) -> float:
    """CPU seconds with decoding and encoding."""
    opening = featurizer.StreamPlaysRequest(open=featurizer.OpenGame(header=header_to_message(game.header)))
    stream, _ = MessageStream.open(opening, TASKS, Keyring.random())
    at_once(stream.receive(featurizer.StreamPlaysRequest(roster=roster_to_message(game.roster))))
    begun = time.process_time()
    for one in encoded:
        for answer in at_once(stream.receive(featurizer.StreamPlaysRequest.FromString(one))):
            answer.SerializeToString()
    return time.process_time() - begun


async def grpc_seconds(game: Game, messages: list[featurizer.StreamPlaysRequest]) -> float:
    """CPU seconds of a featurizer of its own process that is streamed to."""
    async with (
        LocalStack(inference=Inference.ONNXRUNTIME) as stack,
        FeaturizerClient(stack.featurizer) as client,
        client.stream_plays(header_to_message(game.header)) as stream,
    ):
        process = stack.servers["featurizer"]
        await stream.send(featurizer.StreamPlaysRequest(roster=roster_to_message(game.roster)))
        begun = _cpu_seconds(process.pid)

        async def listen() -> None:
            async for _ in stream:
                pass

        listening = asyncio.create_task(listen())
        for message in messages:
            await stream.send(message)
        await stream.finish()
        await listening
        return _cpu_seconds(process.pid) - begun


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--period-seconds", type=float, default=300.0)
    arguments = parser.parse_args()
    for seed in range(1, arguments.seeds + 1):
        game = simulate_game(seed, 0, period_seconds=arguments.period_seconds).game
        everything = list(told(game))
        film = sum(isinstance(one, Frames) for _, one in everything) / (game.header.frame_rate_hertz or 1.0)
        messages = requests(everything)
        encoded = [message.SerializeToString() for message in messages]
        seconds, tensors = core_seconds(game, everything)
        rows = {
            "core": seconds,
            "messages": message_seconds(game, encoded),
            "gRPC": asyncio.run(grpc_seconds(game, messages)),
        }
        print(f"seed {seed}: {film:.0f} s of film, {tensors} shots")
        for name, cost in rows.items():
            print(f"  {name:9} {cost:6.2f} s   {film / cost:6.0f} times one game   {film / cost / GAMES:6.1f} nights")
    print(f"  memory of this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
