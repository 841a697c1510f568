"""A task of another sport, of a few lines, through the core as it is: what a task must provide is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pytest

from featurizer.core.game_stream import Answers, GameStream
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.progress import Progress, game_of
from featurizer.core.segments import Footage
from featurizer.core.task import Task
from featurizer.core.whole_plays import featurize
from featurizer.passing.task import PASSING
from playscore.errors import PlayscoreError, Reason
from playscore.features import Column, FeatureSpecification
from playscore.game import Frames, GameHeader, PlayContext, Player, Sport, Track, TrackedObject
from playscore.subjects import Role, Subject
from servicekit.tokens import Keyring
from tests.unit.featurizer.film import HEADER, situation

SKATER = Role(90, "skater")
ROWS = 5


@dataclass(frozen=True)
class Dash:
    """Who skates, and to which frame."""

    skater_id: str = ""
    frame: int | None = None


@dataclass
class OpenDash:
    """The `ROWS` frames up to that of the dash: where the skater was."""

    roster: Mapping[str, Player]
    context: PlayContext
    film: Footage

    @property
    def dash(self) -> Dash:
        assert isinstance(self.context.situation, Dash)
        return self.context.situation

    def is_complete(self) -> bool:
        last = self.dash.frame
        return last is not None and self.film.frames_seen(last - ROWS + 1, last) == ROWS

    def tensor(self) -> Tensor:
        if self.dash.frame is None or not self.is_complete():
            raise PlayscoreError(Reason.GAP_TOO_LONG, "frames of the dash are missing")
        window = self.film.window(self.dash.frame - ROWS + 1, self.dash.frame)
        skater = window.player_ids.index(self.dash.skater_id)
        puck = sum(map(len, self.film.tracks(TrackedObject.PUCK)))
        return Tensor(
            play_id=self.context.play_id,
            revision=self.context.revision,
            specification_id=DASHES.specification.id,
            frames=window.samples[:2, :, skater].T.astype(np.float32),
            statics=np.array([puck], np.float32),
            subjects=DASHES.subjects(self.roster, self.context),
            attributes=None,
        )


class DashTask:
    """Dashes of skaters: two columns."""

    name: Final = "dashes"
    number: Final = 90
    specification: Final = FeatureSpecification(
        Sport.ICE_HOCKEY,
        10.0,
        (Column("x", "ft", "along the ice"), Column("y", "ft", "across the ice")),
        (Column("puck", "1", "samples of the puck"),),
    )

    def check_header(self, header: GameHeader) -> None:
        """Any header will do."""

    def reads(self, context: PlayContext) -> bool:
        return isinstance(context.situation, Dash)

    def first_frame(self, header: GameHeader, context: PlayContext) -> int:
        return context.opens_at_frame or 0

    def subjects(self, roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        match context.situation:
            case Dash(skater_id=skater_id) if skater_id in roster:
                return (Subject(SKATER, skater_id, roster[skater_id].display_name, roster[skater_id].team_id),)
        return ()

    def open(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> OpenDash:
        return OpenDash(roster, context, film)


DASHES: Final[Task] = DashTask()
ICE = replace(HEADER, sport=Sport.ICE_HOCKEY, frame_rate_hertz=25.0)
SKATERS = (Player("9", "HOM", "Skater Nine"), Player("19", "AWY"))


def skated(*numbers: int) -> Frames:
    x = np.array([[number, -number] for number in numbers], np.float32)
    return Frames(np.array(numbers, np.int32), ("9", "19"), x, np.divide(x, 2, dtype=np.float32))


def dash(play_id: str, skater_id: str, frame: int) -> PlayContext:
    return PlayContext(play_id, "HOM", Dash(skater_id, frame), segment_id="P1")


def opened() -> GameStream:
    stream = GameStream(ICE, (PASSING, DASHES))
    stream.add_players(SKATERS)
    return stream


def test_two_dashes_of_a_period_share_their_frames() -> None:
    stream = opened()
    answers: Answers = stream.add_context(dash("1", "9", 7))
    answers += stream.add_frames("P1", skated(*range(10)))
    answers += stream.add_context(dash("2", "19", 9))
    first, second = (answer for answer in answers if isinstance(answer, Tensor))
    assert first.frames.tolist() == [[n, n / 2] for n in (3, 4, 5, 6, 7)]
    assert second.frames.tolist() == [[-n, -n / 2] for n in (5, 6, 7, 8, 9)]
    assert first.subjects == (Subject(SKATER, "9", "Skater Nine", "HOM"),)
    assert {first.specification_id, second.specification_id} == {DASHES.specification.id}


def test_a_correction_by_a_field_of_the_tasks_own_situation() -> None:
    stream = opened()
    stream.add_frames("P1", skated(*range(10)))
    stream.add_context(dash("1", "9", 7))
    (made, _) = stream.add_context(PlayContext("1", "", Dash("19"), revision=2))
    assert isinstance(made, Tensor)
    assert made.frames[:, 0].tolist() == [-3, -4, -5, -6, -7]


def test_the_puck_comes_in_at_its_own_rate() -> None:
    stream = opened()
    stream.add_context(dash("1", "9", 7))
    stream.add_track(
        "P1", Track(TrackedObject.PUCK, 60.0, np.arange(40, dtype=np.int32), *np.zeros((2, 40), np.float32))
    )
    (made, _) = stream.add_frames("P1", skated(*range(10)))
    assert isinstance(made, Tensor)
    assert made.statics.tolist() == [40]


def test_each_play_goes_to_the_task_that_reads_it() -> None:
    stream = opened()
    stream.add_context(dash("1", "9", 7))
    (rejected, _) = stream.add_context(replace(situation(), play_id="2"))
    assert isinstance(rejected, Rejection)
    assert rejected.reason is Reason.TASK_UNSUPPORTED
    football = GameStream(HEADER, (PASSING, DASHES))
    (rejected, _) = football.add_context(dash("1", "9", 7))
    assert isinstance(rejected, Rejection)
    assert rejected.reason is Reason.TASK_UNSUPPORTED


def test_a_token_is_of_the_tasks_that_read_the_game() -> None:
    stream = opened()
    stream.add_context(dash("1", "9", 7))
    stream.add_frames("P1", skated(*range(10)))
    keyring = Keyring.random()
    token = stream.checkpoint.token(game_of(ICE, [DASHES.specification]), keyring)
    same = Progress.from_token(token, game_of(ICE, [DASHES.specification]), keyring)
    assert GameStream(ICE, (DASHES,), same).checkpoint.plays_finished == 1
    other = DashTask()
    other.specification = replace(DASHES.specification, frame_rate_hertz=5.0)  # type: ignore[misc]
    with pytest.raises(PlayscoreError, match="is of another game, or of other features"):
        Progress.from_token(token, game_of(ICE, [other.specification]), keyring)


def test_a_whole_play() -> None:
    roster = {player.player_id: player for player in SKATERS}
    made = featurize((PASSING, DASHES), ICE, roster, dash("1", "9", 7), [skated(*range(10))])
    assert isinstance(made, Tensor)
    assert made.frames.shape == (ROWS, 2)
    lost = featurize((DASHES,), ICE, roster, dash("1", "9", 7), [skated(1, 2, 4, 6, 7)])
    assert isinstance(lost, Rejection)
    assert lost.reason is Reason.GAP_TOO_LONG
