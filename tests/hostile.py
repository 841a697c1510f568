"""Requests that cost a service far more than they cost their caller, unless what a request may hold is bounded.

Each is within the largest message that a service takes. They are bytes: many of them no client would write.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.release import Support
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking

FEATURIZE: Final = "/playscore.featurizer.v1.FeaturizerService/FeaturizePlays"
STREAM_PLAYS: Final = "/playscore.featurizer.v1.FeaturizerService/StreamPlays"
STREAM_PLAY_BATCHES: Final = "/playscore.featurizer.v1.FeaturizerService/StreamPlayBatches"
GRADE: Final = "/playscore.scorer.v1.ScorerService/GradePasses"
SCORE: Final = "/playscore.scorer.v1.ScorerService/ScorePasses"
LIST_MODELS: Final = "/playscore.scorer.v1.ScorerService/ListModels"
RECORD: Final = "/playscore.aggregator.v1.AggregatorService/RecordScores"
RATINGS: Final = "/playscore.aggregator.v1.AggregatorService/ListRatings"
PLAYS: Final = "/playscore.aggregator.v1.AggregatorService/ListPlays"
WATCH: Final = "/playscore.aggregator.v1.AggregatorService/WatchRatings"
SUBJECTS: Final = "/playscore.aggregator.v1.AggregatorService/ListSubjects"
COVERAGE: Final = "/playscore.aggregator.v1.AggregatorService/GetCoverage"

LEAGUE: Final = "SIM"
MODEL: Final = common.ModelVersion(name="passing", version=3)
FILL_BYTES: Final = (16 << 20) - 4096
"""Just under the largest message of featurizer and aggregator."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Requests of one method, sent one after the other: as calls of their own, or as the messages of one stream."""

    name: str
    method: str
    messages: Callable[[], Sequence[bytes]]
    stream: bool = False

    @property
    def service(self) -> str:
        """The name of the service's package."""
        return self.method.split(".")[1]


def header(sport: common.Sport.ValueType = common.SPORT_AMERICAN_FOOTBALL) -> tracking.GameHeader:
    """A game whose film can be read."""
    return tracking.GameHeader(
        key=common.GameKey(league=LEAGUE, game_id="g1"),
        sport=sport,
        season=2021,
        week=1,
        home_team_id="KC",
        away_team_id="SF",
        coordinates=tracking.CoordinateSystem(
            length_unit=tracking.LENGTH_UNIT_YARD,
            origin=tracking.ORIGIN_CORNER,
            angle_convention=tracking.ANGLE_CONVENTION_DEGREES_CLOCKWISE_FROM_Y,
        ),
        frame_rate_hertz=10.0,
    )


def context(play_id: str = "1", **known: object) -> feed.PlayContext:
    """A pass play that was told of."""
    return feed.PlayContext(
        play_id=play_id,
        revision=1,
        segment_id="s",
        attacking_team_id="KC",
        football=football.FootballSituation(down=1, passer_id="p0"),
        **known,  # type: ignore[arg-type]
    )


def one_frame(frame: int, players: Sequence[str], *snaps: int) -> tracking.FrameBatch:
    """A frame of players who stand still."""
    return tracking.FrameBatch(
        segment_id="s",
        frame_numbers=[frame],
        player_ids=players,
        x=np.full(len(players), 20.0, "<f4").tobytes(),
        y=np.full(len(players), 20.0, "<f4").tobytes(),
        events=[tracking.TrackingEvent(frame_number=at, kind=tracking.TRACKING_EVENT_KIND_SNAP) for at in snaps],
    )


def play_of_one_frame_batches(count: int, *, frames: int = 1, snaps: int = 100) -> list[bytes]:
    """One play of so many batches of a frame and a player each, many snaps and a release that never comes."""
    batches = [
        one_frame(place % frames, [f"p{place}"], *(range(1, snaps) if not place else ())) for place in range(count)
    ]
    request = featurizer.FeaturizePlaysRequest(
        header=header(), plays=[featurizer.WholePlay(context=context(release_frame=150), frames=batches)]
    )
    return [request.SerializeToString()]


def many_plays(count: int) -> list[bytes]:
    """So many plays in one call."""
    request = featurizer.FeaturizePlaysRequest(
        header=header(),
        plays=[featurizer.WholePlay(context=feed.PlayContext(play_id=str(place))) for place in range(count)],
    )
    return [request.SerializeToString()]


def frame_numbers(size: int, plays: int = 1) -> list[bytes]:
    """Batches of frame numbers a byte each, and nothing else."""
    batch = _field(1, b"s") + _field(2, bytes(size // plays))
    play = featurizer.WholePlay(context=context()).SerializeToString() + _field(2, batch)
    head = featurizer.FeaturizePlaysRequest(header=header()).SerializeToString()
    return [head + plays * _field(3, play)]


def unpacked_frame_numbers(size: int) -> list[bytes]:
    """The same, each number a field of its own."""
    play = featurizer.WholePlay(context=context()).SerializeToString() + _field(2, b"\x10\x00" * (size // 2))
    return [featurizer.FeaturizePlaysRequest(header=header()).SerializeToString() + _field(3, play)]


def frame_numbers_of_a_stream(size: int) -> list[bytes]:
    """A message of frame numbers on a game's stream."""
    return [_field(4, _field(2, bytes(size)))]


def player_names(size: int) -> list[bytes]:
    """A batch of nothing but empty names of players."""
    play = featurizer.WholePlay(context=context()).SerializeToString() + _field(
        2, _field(1, b"s") + _field(4, b"") * (size // 2)
    )
    return [featurizer.FeaturizePlaysRequest(header=header()).SerializeToString() + _field(3, play)]


def empty_items(field: int, size: int) -> list[bytes]:
    """A request of nothing but empty messages in one of its lists."""
    return [_field(field, b"") * (size // 2)]


def game_of_plays(count: int) -> list[bytes]:
    """A stream in which so many plays are told of, all on one segment."""
    opening = featurizer.StreamPlaysRequest(open=featurizer.OpenGame(header=header()))
    told = [featurizer.StreamPlaysRequest(context=context(str(place))) for place in range(count)]
    film = [featurizer.StreamPlaysRequest(frames=one_frame(frame, ["p0"])) for frame in range(20)]
    return [each.SerializeToString() for each in (opening, *told, *film)]


def batch_of(messages: Iterable[bytes]) -> bytes:
    """The messages of a stream as one."""
    return b"".join(_field(1, message) for message in messages)


def stream_frame_by_frame(count: int) -> list[bytes]:
    """A stream of one play with many snaps, a release that never comes, and so many frames, each of another player."""
    opening = featurizer.StreamPlaysRequest(open=featurizer.OpenGame(header=header()))
    told = featurizer.StreamPlaysRequest(context=context(release_frame=150))
    film = [
        featurizer.StreamPlaysRequest(
            frames=one_frame(150 if place else 0, [f"p{place}"], *(range(1, 90) if not place else ()))
        )
        for place in range(count)
    ]
    return [each.SerializeToString() for each in (opening, told, *film)]


def support(edges: int) -> distribution.Support:
    """A support with so many edges."""
    numbers = tuple(np.linspace(-99.5, 99.5, edges).tolist())
    made = Support(edges_yards=numbers, lower_tail_probability=0.05, upper_tail_probability=0.05)
    return distribution.Support(
        support_id=made.id, edges_yards=numbers, lower_tail_probability=0.05, upper_tail_probability=0.05
    )


def grades(count: int, edges: int) -> list[bytes]:
    """So many passes to grade, each by a distribution over so many edges."""
    stated = support(edges)
    one = distribution.SplicedBinnedPareto(
        support_id=stated.support_id,
        probabilities=np.full(edges - 1, 1.0 / (edges - 1)),
        lower_shape=0.1,
        lower_scale_yards=2.0,
        upper_shape=0.1,
        upper_scale_yards=2.0,
    )
    passes = [
        scorer.PassToGrade(
            key=common.PlayKey(league=LEAGUE, game_id="g1", play_id=str(place)),
            revision=1,
            distribution=distribution.Distribution(spliced_binned_pareto=one),
            outcome=football.PassOutcome(result=football.PASS_RESULT_COMPLETE, yards_gained=7.0),
        )
        for place in range(count)
    ]
    return [scorer.GradePassesRequest(passes=passes, supports=[stated]).SerializeToString()]


def tensors(count: int, frames: int) -> list[bytes]:
    """So many passes to score that have the right size and no model."""
    one = scorer.PassToScore(
        tensor=featurizer.PlayTensor(
            key=common.PlayKey(league=LEAGUE, game_id="g1", play_id="1"),
            revision=1,
            shape=[frames, 1],
            frames=bytes(4 * frames),
        )
    )
    return [scorer.ScorePassesRequest(passes=[one] * count).SerializeToString()]


def unscored(count: int, *, leagues: int = 1, request: str = "unscored") -> list[bytes]:
    """So many plays that were not scored, in so many leagues."""
    records = [
        aggregator.PlayRecord(
            unscored=common.Rejection(
                key=common.PlayKey(league=f"{LEAGUE}{place % leagues or ''}", game_id="g1", play_id=str(place)),
                revision=1,
                reason=reason_pb2.REASON_NO_RELEASE,
            )
        )
        for place in range(count)
    ]
    return [aggregator.RecordScoresRequest(request_id=request, records=records).SerializeToString()]


def scores(
    count: int, *, leagues: int = 1, games: int = 16, request: str = "scores", league: str = LEAGUE, prefix: str = ""
) -> list[bytes]:
    """So many scored passes, in so many leagues and games."""
    records = [
        aggregator.PlayRecord(
            score=aggregator.ScoreRecord(
                key=common.PlayKey(
                    league=f"{league}{place % leagues or ''}",
                    game_id=f"game-{prefix}{place % games}",
                    play_id=f"{prefix}{place}",
                ),
                subject=common.Subject(role=common.ROLE_PASSER, subject_id=f"p{place % 40}", team_id="KC"),
                model=MODEL,
                revision=1,
                outcome_revision=1,
                pass_measure=aggregator.PassMeasure(
                    play_score=(place % 997) / 997,
                    yards_gained=7.0,
                    expected_yards=6.0,
                    result=football.PASS_RESULT_COMPLETE,
                ),
                pass_attributes=football.PassAttributes(season=2021, week=1, down=1, quarter=1, team_id="KC"),
            )
        )
        for place in range(count)
    ]
    return [aggregator.RecordScoresRequest(request_id=request, records=records).SerializeToString()]


def split(text: str = "", league: str = LEAGUE) -> aggregator.Split:
    """A split of passes."""
    return aggregator.Split(league=league, role=common.ROLE_PASSER, filter=text)


def ratings(text: str, **more: object) -> list[bytes]:
    """Ratings of a split."""
    return [aggregator.ListRatingsRequest(split=split(text), **more).SerializeToString()]  # type: ignore[arg-type]


def plays(text: str, **more: object) -> list[bytes]:
    """Plays of a split."""
    return [aggregator.ListPlaysRequest(split=split(text), **more).SerializeToString()]  # type: ignore[arg-type]


def page_token(place: object, arguments: object = None) -> str:
    """A token that says where a page goes on, unsigned."""
    content = json.dumps(["0" * 16 if arguments is None else arguments, place]).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


FILTERS: Final[Mapping[str, str]] = {
    "60 wildcards": " OR ".join(f'play_id = "*{place}*1*2*"' for place in range(60)),
    "a filter of 2,000 stars": f'play_id = "{"*a" * 1000}"',
    "a filter nested 680 deep": "(" * 680 + "down = 1" + ")" * 680,
    "a filter of 680 negations": "NOT (" * 340 + "down = 1" + ")" * 340,
    "64 alternatives": " OR ".join(f'game_id = "game-{place}"' for place in range(64)),
    "a filter of 1,000 words": "a " * 1000,
    "a literal of 2,000 characters": f'play_id = "{"9" * 2000}"',
    "a misspelled field of 2,000 characters": "d" * 2000 + " = 1",
    "a misspelled value of 2,000 characters": f'depth = "{"PASS_DEPTH_" * 180}"',
    "ANDs of ORs": " ".join(f"(down = {n % 4} OR quarter = {n % 5})" for n in range(32)),
}


PAGE_TOKENS: Final[Mapping[str, str]] = {
    "a page token of 27 KB": page_token([1, "9" * 20_000, "1", "p1"]),
    "a page token of nested lists": base64.urlsafe_b64encode(b"[" * 3_000).decode().rstrip("="),
    "a page token with a long number": page_token([1, "9" * 3_900, "1", "p1"])[:4096],
}


def _field(number: int, content: bytes) -> bytes:
    """A field of a message that has a length."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
