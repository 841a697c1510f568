"""The three services as processes, on ports that they choose, and recorded plays to ask them for."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from playscore.aggregator.v1 import aggregator_pb2
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.featurizer.v1 import featurizer_pb2
from playscore.game import Game
from playscore.passing import outcome_of
from playscore.scorer.v1 import scorer_pb2
from playscore.wire.feed import context_to_message
from playscore.wire.passing import outcome_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message
from tests.hockey import release_shots
from tests.releases import RELEASES

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Services:
    """Where they listen."""

    featurizer: str
    scorer: str
    aggregator: str


@contextmanager
def running(room: str, *flags: str) -> Iterator[str]:
    """`python -m room`, serving; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", room, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stderr is not None
        lines = deque[str](maxlen=20)
        address = ""
        for line in process.stderr:
            lines.append(line)
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("event") == "listening":
                address = said["address"]
            if said.get("event") == "serving":
                break
        else:
            raise RuntimeError(f"{room} did not start:\n{''.join(lines)}")
        Thread(target=lines.extend, args=(process.stderr,), daemon=True).start()  # so that it never waits to be read
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def all_services(folder: Path) -> Iterator[Services]:
    """Featurizer, scorer over onnxruntime, and aggregator over SQLite in a folder."""
    releases = ("--releases", str(_with_shots(folder / "releases")))
    with ExitStack() as stack:
        yield Services(
            stack.enter_context(running("featurizer")),
            stack.enter_context(running("scorer", "--inference", "onnxruntime", *releases)),
            stack.enter_context(running("aggregator", "--store", f"sqlite:///{folder / 'scores.sqlite'}", *releases)),
        )


def _with_shots(folder: Path) -> Path:
    """The released models, and one of shots made for tests where none is released."""
    shutil.copytree(RELEASES, folder)
    if not (folder / "shots").exists():
        release_shots(folder, spread=0.002)
    return folder


async def record(services: Services, game: Game) -> int:
    """Featurizes, scores and records a game; returns how many plays were inserted."""
    async with (
        FeaturizerClient(services.featurizer) as featurizer,
        ScorerClient(services.scorer) as scorer,
        AggregatorClient(services.aggregator) as aggregator,
    ):
        plays = [
            featurizer_pb2.WholePlay(
                context=context_to_message(play.context),
                frames=[frames_to_message(play.context.segment, play.frames)],
                tracks=[track_to_message(play.context.segment, track) for track in play.tracks],
            )
            for play in game.plays
        ]
        featurized = await featurizer.featurize_plays(
            header_to_message(game.header), roster_to_message(game.roster), plays
        )
        outcomes = {play.context.play_id: outcome_of(play) for play in game.plays}
        passes = [
            scorer_pb2.PassToScore(tensor=tensor, outcome=outcome_to_message(outcome))
            for tensor in featurized.tensors
            if (outcome := outcomes[tensor.key.play_id]) is not None
        ]
        scored = await scorer.score_passes(passes)
        tensors = {tensor.key.play_id: tensor for tensor in featurized.tensors}
        records = [
            aggregator_pb2.PlayRecord(score=_record(tensors[score.key.play_id], score)) for score in scored.scores
        ]
        records += [
            aggregator_pb2.PlayRecord(unscored=rejection) for rejection in (*featurized.rejections, *scored.rejections)
        ]
        recorded = await aggregator.record_scores(records, scored.supports)
        assert not recorded.rejections
        return recorded.inserted


def _record(tensor: featurizer_pb2.PlayTensor, score: scorer_pb2.PassScore) -> aggregator_pb2.ScoreRecord:
    return aggregator_pb2.ScoreRecord(
        key=score.key,
        subject=tensor.subjects[0],
        model=score.model,
        revision=score.revision,
        outcome_revision=score.grade.outcome_revision,
        pass_measure=aggregator_pb2.PassMeasure(
            play_score=score.grade.play_score,
            yards_gained=score.grade.yards_gained,
            expected_yards=score.expected_yards,
        ),
        pass_attributes=tensor.pass_attributes,
        distribution=score.distribution,
    )
