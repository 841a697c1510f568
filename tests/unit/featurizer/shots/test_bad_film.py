"""Shots whose film or situation is wrong: the right answer, or a clear rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from featurizer.core.game_stream import GameStream
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.segments import Segment
from featurizer.core.whole_plays import featurize
from featurizer.shots.factors import FACTORS, NAMES, PLACE
from featurizer.shots.task import SHOTS
from featurizer.tasks import TASKS
from playscore.errors import PlayscoreError, Reason
from playscore.game import (
    AttackingDirection,
    CoordinateSystem,
    Frames,
    GameHeader,
    LengthUnit,
    Play,
    Player,
    Track,
)
from playscore.shots import (
    GOALIE,
    HockeyEventKind,
    NetState,
    PrecedingEvent,
    ShotAttributes,
    ShotKind,
    ShotResult,
    ShotSituation,
    outcome_of,
    situation_of,
)
from simulator.hockey import SimulatedHockeyGame, simulate_game


@dataclass(frozen=True)
class Filmed:
    """A shot with the film of its period."""

    header: GameHeader
    roster: dict[str, Player]
    play: Play

    def but(self, **situation: Any) -> Filmed:
        """The same shot in another situation."""
        context = self.play.context
        changed = replace(context, situation=replace(situation_of(context), **situation))
        return replace(self, play=replace(self.play, context=changed))

    def told(self, **context: Any) -> Filmed:
        """The same shot with another context."""
        return replace(self, play=replace(self.play, context=replace(self.play.context, **context)))

    def with_puck(self, change: Callable[[Track], Track]) -> Filmed:
        return replace(self, play=replace(self.play, tracks=tuple(map(change, self.play.tracks))))

    def with_frames(self, change: Callable[[Frames], Frames]) -> Filmed:
        return replace(self, play=replace(self.play, frames=change(self.play.frames)))

    @property
    def released(self) -> int:
        assert self.play.context.release_frame is not None
        return self.play.context.release_frame

    def made(self) -> Tensor:
        made = featurize(TASKS, self.header, self.roster, self.play.context, [self.play.frames], self.play.tracks)
        assert isinstance(made, Tensor), made
        return made

    def refused(self) -> Rejection:
        made = featurize(TASKS, self.header, self.roster, self.play.context, [self.play.frames], self.play.tracks)
        assert isinstance(made, Rejection)
        return made


@pytest.fixture(scope="module")
def game() -> SimulatedHockeyGame:
    return simulate_game(7, 0, period_seconds=90)


@pytest.fixture(scope="module")
def shot(game: SimulatedHockeyGame) -> Filmed:
    """A shot on goal from in front, long after its period began, at even strength."""
    return next(shots_of(game))


def shots_of(game: SimulatedHockeyGame) -> Iterator[Filmed]:
    roster = {player.player_id: player for player in game.game.roster}
    for play in game.game.plays:
        ended = outcome_of(play)
        if ended is None or ended.result is ShotResult.BLOCKED or (play.context.release_frame or 0) < 300:
            continue
        filmed = Filmed(game.game.header, roster, play)
        situation = situation_of(play.context)
        if situation.net_state is not NetState.EMPTY and value(filmed.made(), "puck_distance_feet") < 60:
            yield filmed


def value(tensor: Tensor, factor: str) -> float:
    return float(tensor.statics[PLACE[factor]])


def known(tensor: Tensor) -> set[str]:
    return {name for name in NAMES if tensor.statics[len(FACTORS) + PLACE[name]]}


def without_puck(filmed: Filmed, first: float, last: float) -> Filmed:
    """The puck is not seen between two seconds around the release."""
    rate = filmed.header.frame_rate_hertz or 0.0

    def lose(track: Track) -> Track:
        seconds = track.sample_numbers / track.rate_hertz - filmed.released / rate
        lost = (seconds >= first) & (seconds <= last)
        return replace(track, x=np.where(lost, np.nan, track.x), y=np.where(lost, np.nan, track.y))

    return filmed.with_puck(lose)


def without(filmed: Filmed, player_id: str) -> Filmed:
    def lose(frames: Frames) -> Frames:
        gone = np.array([each == player_id for each in frames.player_ids])
        return replace(frames, x=np.where(gone, np.nan, frames.x), y=np.where(gone, np.nan, frames.y))

    return filmed.with_frames(lose)


def goalie_of(filmed: Filmed) -> str:
    return next(subject.subject_id for subject in filmed.made().subjects if subject.role is GOALIE)


def test_a_puck_that_nobody_sees_for_a_second_leaves_the_place_to_the_shooter(shot: Filmed) -> None:
    seen, unseen = shot.made(), without_puck(shot, -0.5, 0.5).made()
    assert not known(unseen) & {"puck_speed_feet_per_second", "puck_height_feet"}
    assert value(unseen, "puck_distance_feet") == pytest.approx(value(seen, "shooter_distance_feet"), abs=1.0)
    assert {"goalie_depth_feet", "nearest_defender_feet"} <= known(unseen)


def test_two_pucks_are_refused(shot: Filmed) -> None:
    (track,) = shot.play.tracks
    other = replace(track, x=track.x + 20)
    twice = replace(shot, play=replace(shot.play, tracks=(track, other)))
    refused = twice.refused()
    assert refused.reason is Reason.SAMPLES_CONTRADICTED
    assert "puck" in refused.detail


def test_a_puck_that_is_told_twice_alike_is_one_puck(shot: Filmed) -> None:
    twice = replace(shot, play=replace(shot.play, tracks=shot.play.tracks * 2))
    assert np.array_equal(twice.made().statics, shot.made().statics)


def test_what_a_goalie_does_is_unknown_where_they_are_not_seen(shot: Filmed) -> None:
    lost = without(shot, goalie_of(shot)).but(goalie_id="", net_state=None).made()
    goalie = {name for name in NAMES if name.startswith("goalie_") and name != "goalie_glove_side"}
    assert not known(lost) & (goalie | {"empty_net"})
    assert {"puck_distance_feet", "screens"} <= known(lost)


def test_a_sixth_skater_says_that_the_goalie_was_pulled(shot: Filmed) -> None:
    goalie_id = goalie_of(shot)
    roster = {**shot.roster, goalie_id: replace(shot.roster[goalie_id], position="C")}
    pulled = replace(shot, roster=roster).but(goalie_id="", net_state=None)

    def into_the_slot(frames: Frames) -> Frames:
        column = frames.player_ids.index(goalie_id)
        x = frames.x.copy()
        x[:, column] *= 0.5
        return replace(frames, x=x)

    made = pulled.with_frames(into_the_slot).made()
    assert value(made, "empty_net") == 1.0
    assert not any(subject.role is GOALIE for subject in made.subjects)


@pytest.mark.parametrize("unit", [LengthUnit.METER, LengthUnit.YARD])
def test_meters_or_yards_that_are_declared_as_feet_are_refused(shot: Filmed, unit: LengthUnit) -> None:
    feet = {LengthUnit.METER: 0.3048, LengthUnit.YARD: 1.0 / 3.0}[unit]
    told = shot.with_frames(lambda frames: replace(frames, x=frames.x * feet, y=frames.y * feet)).with_puck(
        lambda track: replace(track, x=track.x * feet, y=track.y * feet)
    )
    refused = told.refused()
    assert refused.reason is Reason.SITUATION_CONTRADICTED
    assert "look like meters or yards" in refused.detail
    coordinates = replace(shot.header.coordinates, length_unit=unit)  # type: ignore[type-var]
    right = replace(told, header=replace(shot.header, coordinates=coordinates)).made()
    assert value(right, "puck_distance_feet") == pytest.approx(value(shot.made(), "puck_distance_feet"), rel=1e-3)


def test_feet_that_are_declared_as_meters_are_off_the_ice(shot: Filmed) -> None:
    coordinates = CoordinateSystem(LengthUnit.METER, shot.header.coordinates.origin, None)  # type: ignore[union-attr]
    refused = replace(shot, header=replace(shot.header, coordinates=coordinates)).refused()
    assert refused.reason is Reason.POSITION_OFF_FIELD
    assert "unit of length" in refused.detail


def test_faceoffs_on_no_spot_tell_that_the_unit_is_another(shot: Filmed) -> None:
    drawn = [
        PrecedingEvent(HockeyEventKind.FACEOFF, seconds, shot.header.home_team_id, x=69.0 * 0.3048, y=y * 0.3048)
        for seconds, y in ((20.0, -22.0), (50.0, 22.0))
    ]
    header = replace(shot.header, frame_rate_hertz=None)
    refused = replace(shot, header=header).but(x=12.0, y=2.0, preceding_events=tuple(drawn)).refused()
    assert refused.reason is Reason.SITUATION_CONTRADICTED
    assert "on spots in meters" in refused.detail


def test_a_direction_that_is_not_stated_is_that_of_the_goalie(shot: Filmed) -> None:
    assert np.array_equal(shot.told(attacking_direction=None).made().statics, shot.made().statics)


def test_a_late_event_needs_no_direction(shot: Filmed) -> None:
    late = shot.told(release_frame=shot.released + 30)
    assert np.array_equal(late.told(attacking_direction=None).made().statics, late.made().statics)


def test_a_shot_long_after_the_last_frame_is_not_filmed(shot: Filmed) -> None:
    beyond = shot.told(release_frame=int(shot.play.frames.frame_numbers[-1]) + 1_000)
    assert beyond.refused().reason is Reason.LOCATION_UNKNOWN
    placed = beyond.but(x=60.0, y=5.0).made()
    assert isinstance(placed.attributes, ShotAttributes)
    assert placed.attributes.tracked is False


def test_a_direction_of_the_period_before_is_refused(shot: Filmed) -> None:
    stated = shot.play.context.attacking_direction
    other = next(each for each in AttackingDirection if each is not stated)
    refused = shot.told(attacking_direction=other).refused()
    assert refused.reason is Reason.SITUATION_CONTRADICTED
    assert "attacking_direction" in refused.detail


def test_without_direction_and_film_a_shot_from_an_end_zone_goes_to_that_end(shot: Filmed) -> None:
    untracked = replace(shot, header=replace(shot.header, frame_rate_hertz=None)).told(attacking_direction=None)
    for x in (60.0, -60.0):
        assert value(untracked.but(x=x, y=5.0).made(), "puck_distance_feet") == pytest.approx(29.43, abs=0.01)
    assert untracked.but(x=10.0, y=5.0).refused().reason is Reason.DIRECTION_UNKNOWN


def test_a_shot_after_the_whistle_is_none(shot: Filmed) -> None:
    whistle = PrecedingEvent(HockeyEventKind.STOPPAGE, 8.0)
    before = situation_of(shot.play.context).preceding_events
    assert shot.but(preceding_events=(whistle, *before)[:16]).refused().reason is Reason.AFTER_WHISTLE
    at_once = replace(whistle, seconds_before=0.0)
    shot.but(preceding_events=(at_once, *before)[:16]).made()


@pytest.mark.parametrize(
    ("kind", "reason"), [(ShotKind.SHOOTOUT, Reason.SHOOTOUT), (ShotKind.PENALTY_SHOT, Reason.PENALTY_SHOT)]
)
def test_one_on_one_with_the_goalie_is_another_game(shot: Filmed, kind: ShotKind, reason: Reason) -> None:
    assert shot.but(kind=kind).refused().reason is reason


def test_no_skaters_against_none_is_an_unknown_strength(shot: Filmed) -> None:
    made = shot.but(shooting_skaters=0, defending_skaters=0).made()
    assert not known(made) & {"skater_advantage", "skaters"}
    assert getattr(made.attributes, "strength") is None  # noqa: B009


def test_thirteen_skaters_are_too_many(shot: Filmed) -> None:
    shooting = shot.play.context.attacking_team_id
    roster = {**shot.roster}
    extra = [f"extra-{number}" for number in range(8)]
    roster |= {player_id: Player(player_id, shooting) for player_id in extra}

    def crowd(frames: Frames) -> Frames:
        more = np.tile(np.arange(8, dtype=np.float32), (len(frames), 1))
        return replace(
            frames,
            player_ids=(*frames.player_ids, *extra),
            x=np.concatenate([frames.x, more], axis=1),
            y=np.concatenate([frames.y, more], axis=1),
        )

    refused = replace(shot, roster=roster).with_frames(crowd).refused()
    assert refused.reason is Reason.TOO_MANY_PLAYERS
    assert "at most 6" in refused.detail


def test_those_who_change_at_the_bench_do_not_count(shot: Filmed) -> None:
    shooting = shot.play.context.attacking_team_id
    roster = {**shot.roster, "changing": Player("changing", shooting), "waiting": Player("waiting", shooting)}

    def change(frames: Frames) -> Frames:
        x = np.tile(np.array([-5.0, 5.0], np.float32), (len(frames), 1))
        return replace(
            frames,
            player_ids=(*frames.player_ids, "changing", "waiting"),
            x=np.concatenate([frames.x, x], axis=1),
            y=np.concatenate([frames.y, np.full_like(x, 41.0)], axis=1),
        )

    made = replace(shot, roster=roster).with_frames(change).made()
    assert np.array_equal(made.statics, shot.made().statics)


@pytest.mark.parametrize("seconds", [4.0, 1.0, 0.3, -0.3, -0.8])
def test_an_event_that_is_late_or_early_is_corrected_by_the_puck(game: SimulatedHockeyGame, seconds: float) -> None:
    alone = [
        filmed
        for filmed in shots_of(game)
        if not any(
            0 < abs((other.play.context.release_frame or 0) - filmed.released) < 120
            and other.play.context.segment_id == filmed.play.context.segment_id
            for other in shots_of(game)
        )
    ]
    right = 0
    for filmed in alone:
        late = filmed.told(release_frame=filmed.released + round(seconds * 15))
        made = featurize(TASKS, late.header, late.roster, late.play.context, [late.play.frames], late.play.tracks)
        right += (
            isinstance(made, Tensor)
            and abs(value(made, "puck_distance_feet") - value(filmed.made(), "puck_distance_feet")) < 2.0
        )
    assert len(alone) >= 3
    assert right >= 0.75 * len(alone)


def test_the_end_of_the_pucks_track_may_come_after_the_last_frame(shot: Filmed) -> None:
    early = shot.told(release_frame=shot.released - 8)
    (track,), frames = early.play.tracks, early.play.frames
    assert track.rate_hertz is not None
    last = int(np.searchsorted(frames.frame_numbers, shot.released + 6, side="right"))
    seconds = track.sample_numbers / track.rate_hertz
    middle, end = np.searchsorted(seconds, [(shot.released - 2) / 15, (shot.released + 6) / 15]).tolist()

    def told(*parts: Track) -> Tensor:
        segment = Segment()
        segment.add(frames.rows(0, last))
        play = SHOTS.open(early.header, early.roster, early.play.context, segment.footage())
        for part in parts:
            segment.add_track(part)
            play.is_complete()
        return play.tensor()

    whole, in_parts = told(track.samples(0, end)), told(track.samples(0, middle), track.samples(middle, end))
    assert known(whole) == known(in_parts)
    np.testing.assert_array_equal(whole.statics, in_parts.statics)


def test_a_period_whose_frame_numbers_start_again_contradicts_itself(shot: Filmed) -> None:
    moved = replace(shot.play.frames, x=-shot.play.frames.x, y=-shot.play.frames.y)
    made = featurize(TASKS, shot.header, shot.roster, shot.play.context, [shot.play.frames, moved], shot.play.tracks)
    assert isinstance(made, Rejection)
    assert made.reason is Reason.SAMPLES_CONTRADICTED


def test_a_shot_without_any_place_is_refused(shot: Filmed) -> None:
    untracked = replace(shot, header=replace(shot.header, frame_rate_hertz=None))
    assert untracked.refused().reason is Reason.LOCATION_UNKNOWN


def test_places_without_coordinates_are_refused(shot: Filmed) -> None:
    header = replace(shot.header, frame_rate_hertz=None, coordinates=None)
    assert replace(shot, header=header).but(x=60.0, y=1.0).refused().reason is Reason.COORDINATES_UNDECLARED


@pytest.mark.parametrize("rate", [0.5, 120.0])
def test_frame_rates_that_cannot_be_read_are_refused(shot: Filmed, rate: float) -> None:
    with pytest.raises(PlayscoreError) as caught:
        GameStream(replace(shot.header, frame_rate_hertz=rate), TASKS[1:2])
    assert caught.value.reason is Reason.FRAME_RATE_UNSUPPORTED


def test_a_live_game_closes_each_shot_a_moment_after_its_release(game: SimulatedHockeyGame) -> None:
    """Frame by frame, each shot told 0.4 s after its release: it is answered at once, and as if it came whole."""
    header = game.game.header
    roster = {player.player_id: player for player in game.game.roster}
    plays = [
        play
        for play in game.game.plays
        if isinstance(play.context.situation, ShotSituation) and play.context.segment_id == "period-1"
    ]
    stream = GameStream(header, TASKS)
    stream.add_players(game.game.roster)
    frames, (track,) = plays[0].frames, plays[0].tracks
    waiting = sorted(plays, key=lambda play: play.context.release_frame or 0)
    answered: dict[str, Tensor] = {}
    for row in range(len(frames)):
        at = int(frames.frame_numbers[row])
        answers = [*stream.add_track("period-1", track.samples(4 * row, 4 * row + 4))]
        answers += stream.add_frames("period-1", frames.rows(row, row + 1))
        while waiting and (waiting[0].context.release_frame or 0) + 6 <= at:
            answers += stream.add_context(waiting.pop(0).context)
        answered |= {each.play_id: each for each in answers if isinstance(each, Tensor)}
    last = int(frames.frame_numbers[-1]) - 20
    for play in plays:
        if (play.context.release_frame or 0) < last:
            whole = featurize(TASKS, header, roster, play.context, [frames], [track])
            assert isinstance(whole, Tensor)
            assert np.allclose(answered[play.context.play_id].statics, whole.statics, atol=1e-5)


def test_a_game_whose_film_cannot_be_read_is_not_opened(shot: Filmed) -> None:
    with pytest.raises(PlayscoreError) as caught:
        GameStream(replace(shot.header, coordinates=None), TASKS[1:2])
    assert caught.value.reason is Reason.COORDINATES_UNDECLARED
