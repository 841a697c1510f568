"""What the k6 scripts of `deploy/k6` need: thresholds made from the budgets, and requests to send.

`python -m loadtest.k6 thresholds` writes deploy/k6/thresholds.json. `python -m loadtest.k6 requests --out FOLDER` asks
running services for what the requests are made of: a tensor of the featurizer's, a passer whom the aggregator knows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.wire.games import feed_of
from playscore.wire.tracking import header_to_message
from servicekit.budgets import Budgets, budgets
from simulator import simulate_game

THRESHOLDS: Final = Path(__file__).resolve().parents[1] / "deploy" / "k6" / "thresholds.json"
_CALLS: Final = "grpc_server_handling_seconds"
_ANSWERED: Final = "grpc_server_handled_total"
_UNARY: Final = "unary"


def thresholds(promised: Budgets) -> dict[str, list[str]]:
    """k6's thresholds of unary calls: how fast, how many answered, and none that k6 itself came too late for.

    k6 times a call from its begin to its answer, as the caller sees it, which is longer than what the server sees.
    """
    fast = [
        f"p({100 * budget.quantile:g})<={1e3 * budget.seconds:g}"
        for budget in promised.of(_CALLS)
        if budget.labels.get("grpc_type", _UNARY) == _UNARY
    ]
    answered = [
        f"rate>={promise.objective:g}"
        for promise in promised.availability
        if promise.metric == _ANSWERED and promise.labels.get("grpc_type", _UNARY) == _UNARY
    ]
    return {"checks": answered, "dropped_iterations": ["count==0"], "grpc_req_duration": fast}


def as_json(made: dict[str, list[str]]) -> str:
    """The text of thresholds.json."""
    return json.dumps(made, indent=2) + "\n"


async def requests(featurizer_address: str, aggregator_address: str, league: str, folder: Path) -> list[Path]:
    """Writes a request for each script, and returns the files.

    Raises:
        PlayscoreError: the aggregator knows no passer of the league (LEAGUE_NOT_FOUND).
        ConnectionError: a service stays away.
    """
    async with AggregatorClient(aggregator_address) as ratings:
        async for rating in ratings.list_ratings(league, role=common.ROLE_PASSER):
            subject = rating.subject.subject_id
            break
        else:
            raise PlayscoreError(Reason.LEAGUE_NOT_FOUND, f"no passer of league {league} is rated")
    split = aggregator.Split(league=league, role=common.ROLE_PASSER)
    to_score = scorer.PassToScore(tensor=await _tensor(featurizer_address))
    made: dict[str, Message] = {
        "score_passes": scorer.ScorePassesRequest(passes=[to_score]),
        "get_rating": aggregator.GetRatingRequest(split=split, subject_id=subject),
        "list_ratings": aggregator.ListRatingsRequest(split=split),
    }
    return await asyncio.to_thread(_write, made, folder)


def _write(made: Mapping[str, Message], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, request in made.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(MessageToDict(request)), encoding="utf-8")
    return paths


async def _tensor(address: str) -> featurizer.PlayTensor:
    """The tensor of a simulated pass."""
    game = simulate_game(1, 0, 8).game
    told = [message for message in feed_of(game) if not message.HasField("header")]
    kinds = ("roster", "context", "frames", "end_play")
    async with FeaturizerClient(address) as client, client.stream_plays(header_to_message(game.header)) as stream:
        for message in told:
            kind = str(message.WhichOneof("message"))
            if kind in kinds:
                await stream.send(featurizer.StreamPlaysRequest(**{kind: getattr(message, kind)}))
        await stream.finish()
        async for answer in stream:
            if answer.HasField("tensor"):
                return answer.tensor
    raise AssertionError("every simulated game has a pass that is featurized")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.k6", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("thresholds")
    asking = commands.add_parser("requests")
    asking.add_argument("--featurizer", default="127.0.0.1:50051")
    asking.add_argument("--aggregator", default="127.0.0.1:50053")
    asking.add_argument("--league", default="SIM")
    asking.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "thresholds":
        THRESHOLDS.write_text(as_json(thresholds(budgets())), encoding="utf-8")
        return
    for path in asyncio.run(requests(arguments.featurizer, arguments.aggregator, arguments.league, arguments.out)):
        print(path)


if __name__ == "__main__":
    main()
