"""One play: what its tensor says, and why a play has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.segments import Segment
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import SLOTS, SPECIFICATION
from featurizer.passing.features import depth_of
from featurizer.passing.play import MAX_FRAMES, PassPlay
from featurizer.passing.task import PASSING as TASK
from playscore.errors import PlayscoreError, Reason
from playscore.game import AttackingDirection, Frames, HomeSide, PlayContext, Sport, TrackingEvent
from playscore.passing import PASSER as PASSER_ROLE
from playscore.passing import PassDepth, PlayKind
from playscore.subjects import Subject
from tests.unit.featurizer.film import (
    CENTER,
    CONTEXT,
    EVENTS,
    HEADER,
    LENGTH,
    LINE,
    PASSER,
    RELEASE,
    ROSTER,
    SNAP,
    TARGET,
    attributes,
    film,
    pick,
    play,
    rejection,
    situation,
    tensor,
    without,
)

NAMES = [column.name for column in SPECIFICATION.frame_columns]
STATICS = [column.name for column in SPECIFICATION.static_columns]


def column(made: Tensor, name: str) -> np.ndarray:
    return made.frames[:, NAMES.index(name)]


def static(made: Tensor, name: str) -> float:
    return float(made.statics[STATICS.index(name)])


class TestTensor:
    def test_rows_run_from_the_snap_to_the_release(self) -> None:
        made = tensor(film().frames())
        assert made.frames.shape == (RELEASE - SNAP + 1, len(SPECIFICATION.frame_columns))
        assert made.frames.dtype == np.float32
        assert np.allclose(column(made, "time_since_snap"), np.arange(RELEASE - SNAP + 1) / 10.0)

    def test_positions_count_from_the_line_of_scrimmage(self) -> None:
        filmed = film()
        made = tensor(filmed.frames())
        passer = filmed.player_ids.index(PASSER)
        assert np.allclose(column(made, "passer.x"), filmed.x[SNAP : RELEASE + 1, passer] - LINE, atol=1e-4)
        assert np.allclose(column(made, "passer.y"), filmed.y[SNAP : RELEASE + 1, passer], atol=1e-4)

    @pytest.mark.parametrize("angles", [True, False])
    def test_velocity_and_acceleration_follow_from_what_the_source_has(self, angles: bool) -> None:
        filmed = film()
        made = tensor(filmed.frames(angles=angles))
        target = filmed.player_ids.index(TARGET)
        speed = np.gradient(filmed.x[:, target], 0.1)
        inside = slice(2, -2)
        rows = slice(SNAP, RELEASE + 1)
        assert np.allclose(column(made, "target.speed_x")[inside], speed[rows][inside], atol=2e-3)
        assert np.allclose(
            column(made, "target.acceleration_x")[inside], np.gradient(speed, 0.1)[rows][inside], atol=4e-2
        )

    def test_angles_are_counterclockwise_from_downfield(self) -> None:
        made = tensor(film().frames())
        expected = np.arctan2(column(made, "target.speed_y"), column(made, "target.speed_x"))
        assert np.allclose(column(made, "target.direction"), expected, atol=1e-5)
        turned = column(made, "target.direction") - column(made, "target.orientation")
        assert np.allclose(np.cos(turned), np.cos(np.radians(30.0)), atol=1e-3)

    def test_orientation_is_masked_where_the_source_has_none(self) -> None:
        made = tensor(film().frames(angles=False))
        assert not column(made, "passer.orientation").any()
        assert not column(made, "passer.orientation_known").any()
        assert column(tensor(film().frames()), "passer.orientation_known").all()

    def test_separation_is_the_distance_to_the_nearest_defender(self) -> None:
        filmed = film()
        made = tensor(filmed.frames())
        ids = list(filmed.player_ids)
        defenders = [e for e, i in enumerate(ids) if i.startswith("d")]
        for slot, player in (("target", TARGET), ("passer", PASSER)):
            e = ids.index(player)
            distances = np.sort(
                np.hypot(filmed.x[:, defenders] - filmed.x[:, [e]], filmed.y[:, defenders] - filmed.y[:, [e]]), axis=1
            )[SNAP : RELEASE + 1]
            assert np.allclose(column(made, f"{slot}.separation"), distances[:, 0], atol=1e-4)
            assert np.allclose(column(made, f"{slot}.second_separation"), distances[:, 1], atol=1e-4)
        target = ids.index(TARGET)
        near = (
            np.hypot(filmed.x[:, defenders] - filmed.x[:, [target]], filmed.y[:, defenders] - filmed.y[:, [target]])
            <= 2.0
        )
        assert np.array_equal(column(made, "target.defenders_within_2_yards"), near.sum(axis=1)[SNAP : RELEASE + 1])

    def test_closing_speed_is_how_fast_the_separation_shrinks(self) -> None:
        filmed = film()
        late = filmed.player_ids.index("d8")
        filmed.x[:, late] = filmed.x[:, filmed.player_ids.index(TARGET)] + np.linspace(6.0, 1.3, LENGTH)
        filmed.y[:, late] = filmed.y[:, filmed.player_ids.index(TARGET)]
        made = tensor(filmed.frames(angles=False))
        assert np.allclose(column(made, "target.closing_speed")[1:], 4.7 / (LENGTH - 1) * 10.0, atol=1e-2)

    def test_slots_hold_receivers_first_and_the_center_last(self) -> None:
        filmed = film()
        made = tensor(filmed.frames())
        center = filmed.player_ids.index(CENTER)
        assert np.allclose(column(made, "offense_10.x")[0], filmed.x[SNAP, center] - LINE, atol=1e-3)
        wide = filmed.player_ids.index("o8")
        assert np.allclose(column(made, "offense_2.y")[0], filmed.y[SNAP, wide], atol=1e-3)
        nearest = filmed.player_ids.index("d8")
        assert np.allclose(column(made, "defense_0.y")[0], filmed.y[SNAP, nearest], atol=1e-3)

    def test_without_a_target_their_slot_is_empty_and_the_center_has_none(self) -> None:
        made = tensor(film().frames(), context=situation(target_id=""))
        assert static(made, "target_known") == 0.0
        for name in NAMES:
            if name.startswith(("target.", "pass.")):
                assert not column(made, name).any(), name
        filmed = film()
        guard = filmed.player_ids.index("o4")
        assert np.isclose(column(made, "offense_10.y")[0], filmed.y[SNAP, guard], atol=1e-3) or np.isclose(
            column(made, "offense_10.y")[0], filmed.y[SNAP, filmed.player_ids.index("o3")], atol=1e-3
        )
        assert attributes(made).target_separation_yards is None

    def test_what_is_not_known_of_the_situation_is_masked(self) -> None:
        made = tensor(film().frames(), context=situation(down=None, home_score=None, yards_to_end_zone=None))
        for name in ("down", "score_difference", "yards_to_end_zone"):
            assert static(made, name) == static(made, f"{name}.known") == 0.0
        assert static(made, "yards_to_go") == 7.0
        assert static(made, "yards_to_go.known") == 1.0
        assert static(made, "games_remaining") == 16.0

    def test_the_score_difference_is_the_offenses(self) -> None:
        assert static(tensor(film().frames()), "score_difference") == -3.0
        away = {i: replace(p, team_id="AWY" if p.team_id == "HOM" else "HOM") for i, p in ROSTER.items()}
        made = featurize((TASK,), HEADER, away, replace(CONTEXT, attacking_team_id="AWY"), [film().frames()])
        assert isinstance(made, Tensor)
        assert static(made, "score_difference") == 3.0
        assert static(made, "home") == 0.0
        assert static(made, "games_remaining") == 15.0

    @pytest.mark.parametrize("side", [HomeSide.UNKNOWN, HomeSide.NEUTRAL])
    def test_who_plays_at_home_is_masked_unless_it_is_stated(self, side: HomeSide) -> None:
        made = tensor(film().frames(), header=replace(HEADER, home_side=side))
        for name in ("home", "score_difference", "games_remaining"):
            assert static(made, name) == static(made, f"{name}.known") == 0.0
        assert attributes(made).home is None
        assert static(tensor(film().frames()), "home.known") == 1.0

    def test_without_a_stated_line_it_is_halfway_between_the_fronts(self) -> None:
        known = tensor(film().frames())
        derived = tensor(film().frames(), context=situation(yards_to_end_zone=None))
        shift = column(derived, "passer.x") - column(known, "passer.x")
        assert np.allclose(shift, shift[0], atol=1e-4)
        assert abs(shift[0]) < 1.0
        assert np.allclose(
            column(derived, "target.end_zone_distance"), column(known, "target.end_zone_distance"), atol=1e-4
        )

    def test_charted_air_yards_are_for_splits_alone(self) -> None:
        plain, charted = tensor(film().frames()), tensor(film().frames(), context=situation(charted_air_yards=31.0))
        assert np.array_equal(plain.frames, charted.frames)
        assert np.array_equal(plain.statics, charted.statics)
        assert attributes(charted).depth is PassDepth.DEEP
        assert attributes(charted).air_yards == 31.0


class TestAttributes:
    def test_they_describe_the_release(self) -> None:
        made = tensor(film().frames())
        known = attributes(made)
        assert known.time_to_throw_seconds == pytest.approx((RELEASE - SNAP) / 10.0)
        assert known.target_separation_yards == pytest.approx(column(made, "target.separation")[-1], abs=1e-4)
        assert known.passer_depth_yards == pytest.approx(-column(made, "passer.x")[-1], abs=1e-4)
        assert known.depth is depth_of(float(column(made, "target.x")[-1]))
        assert (known.team_id, known.opponent_id, known.home) == ("HOM", "AWY", True)
        assert (known.season, known.week, known.down) == (2021, 1, 3)
        assert made.subjects == (Subject(PASSER_ROLE, PASSER, "Player o1", "HOM"),)

    @pytest.mark.parametrize(
        ("distance", "closing", "pressed"), [(1.9, 0.0, True), (2.1, 0.0, False), (3.0, 6.0, True), (3.0, 4.0, False)]
    )
    def test_pressure_is_a_defender_near_or_about_to_be(self, distance: float, closing: float, pressed: bool) -> None:
        filmed = film()
        passer = filmed.player_ids.index(PASSER)
        filmed.x[:] = filmed.x[SNAP]
        filmed.y[:] = filmed.y[SNAP]
        for i in range(1, 12):
            e = filmed.player_ids.index(f"d{i}")
            filmed.x[:, e] += 12.0
        rusher = filmed.player_ids.index("d1")
        before_release = (RELEASE - np.arange(LENGTH)) / 10.0
        filmed.x[:, rusher] = filmed.x[:, passer] + distance + closing * np.maximum(before_release, -1.0)
        filmed.y[:, rusher] = filmed.y[:, passer]
        made = tensor(filmed.frames(angles=False), context=situation(yards_to_end_zone=None))
        assert attributes(made).under_pressure is pressed

    @pytest.mark.parametrize(
        ("air_yards", "depth"),
        [(-0.1, "BEHIND_LINE"), (0.0, "SHORT"), (9.9, "SHORT"), (10.0, "INTERMEDIATE"), (20.0, "DEEP")],
    )
    def test_depth_classes(self, air_yards: float, depth: str) -> None:
        assert depth_of(air_yards).name == depth


class TestDefects:
    def test_a_short_gap_is_interpolated_and_marked(self) -> None:
        whole = film().frames()
        made = tensor(without(whole, TARGET, 20, 24))
        assert made.interpolated_frames == tuple(range(20 - SNAP, 25 - SNAP))
        assert np.flatnonzero(column(made, "interpolated")).tolist() == list(made.interpolated_frames)
        assert np.allclose(column(made, "target.x"), column(tensor(whole), "target.x"), atol=0.1)
        assert column(made, "target.present").all()

    def test_lost_frames_are_interpolated_too(self) -> None:
        rows = [row for row in range(LENGTH) if row not in (SNAP, 20, 21, 22)]
        made = tensor(pick(film().frames(), rows))
        assert made.interpolated_frames == (0, 12, 13, 14)

    def test_another_players_long_gap_is_masked(self) -> None:
        made = tensor(without(film().frames(), "d11", 20, 26))
        seen = [column(made, f"{slot}.present") for slot in SLOTS]
        assert sum(int((present == 0.0).sum()) for present in seen) == 7
        assert made.interpolated_frames == ()

    def test_a_masked_player_is_zero_throughout(self) -> None:
        frames = without(film().frames(), "d11", 0, LENGTH)
        made = tensor(frames)
        absent = [slot for slot in SLOTS if not column(made, f"{slot}.present").any()]
        assert absent == ["defense_10"]
        assert not any(column(made, name).any() for name in NAMES if name.startswith("defense_10."))

    def test_21_players_are_enough(self) -> None:
        frames = film().frames()
        keep = [e for e, i in enumerate(frames.player_ids) if i != "o9"]
        made = tensor(
            Frames(
                frames.frame_numbers,
                tuple(frames.player_ids[e] for e in keep),
                frames.x[:, keep],
                frames.y[:, keep],
                events=frames.events,
            )
        )
        assert not column(made, "offense_10.present").any()

    def test_of_two_samples_the_first_counts(self) -> None:
        frames = film().frames()
        again = replace(frames, x=frames.x + np.float32(0.2), events=())
        made = tensor(frames, again)
        assert np.array_equal(made.frames, tensor(frames).frames)
        assert made.duplicate_samples == 22 * (RELEASE - SNAP + 6)

    def test_a_second_row_fills_in_players_that_the_first_one_lacks(self) -> None:
        frames = film().frames()
        made = tensor(without(frames, TARGET, 15, 30), pick(frames, list(range(15, 31))))
        assert np.array_equal(made.frames, tensor(frames).frames)

    def test_frames_of_the_ball_alone_are_no_frames_of_the_play(self) -> None:
        nobody = np.full((4, 0), np.nan, np.float32)
        ball = Frames(np.arange(4, dtype=np.int32), (), nobody, nobody)
        frames = film().frames()
        assert np.array_equal(tensor(ball, frames).frames, tensor(frames).frames)

    def test_where_the_release_frame_is_lost_the_last_frame_before_it_counts(self) -> None:
        rows = [row for row in range(LENGTH) if row not in (RELEASE - 1, RELEASE)]
        made = tensor(pick(film().frames(), rows))
        assert len(made.frames) == RELEASE - SNAP - 1
        assert attributes(made).time_to_throw_seconds == pytest.approx((RELEASE - SNAP) / 10.0)

    def test_a_release_that_the_context_states_overrules_the_tags(self) -> None:
        frames = film().frames()
        stated = replace(CONTEXT, release_frame=RELEASE - 5)
        made = tensor(frames, context=stated)
        assert len(made.frames) == RELEASE - SNAP - 4
        without_tag = replace(frames, events=(TrackingEvent(SNAP, "ball_snap"),))
        assert np.array_equal(tensor(without_tag, context=stated).frames, made.frames)
        assert rejection(frames, context=replace(CONTEXT, release_frame=SNAP)).reason is Reason.NO_SNAP

    def test_players_of_the_next_play_do_not_matter(self) -> None:
        frames = film().frames()
        later = Frames(
            np.arange(300, 320, dtype=np.int32),
            ("stranger",),
            np.zeros((20, 1), np.float32),
            np.zeros((20, 1), np.float32),
        )
        assert np.array_equal(tensor(frames, later).frames, tensor(frames).frames)


def _tracks(players: int) -> Frames:
    frames = film().frames()
    ids = tuple(f"{'o' if e % 2 else 'd'}{e}" for e in range(players))
    return Frames(
        frames.frame_numbers,
        ids,
        np.tile(frames.x[:, :1], players),
        np.tile(frames.y[:, :1], players),
        events=frames.events,
    )


class TestRejections:
    def test_no_frames(self) -> None:
        assert rejection().reason is Reason.NO_FRAMES

    def test_a_sack_has_no_release(self) -> None:
        frames = replace(film().frames(), events=(TrackingEvent(SNAP, "ball_snap"), TrackingEvent(30, "qb_sack")))
        assert rejection(frames).reason is Reason.NO_RELEASE

    def test_a_recording_that_begins_after_the_snap(self) -> None:
        frames = replace(film().frames(), events=(TrackingEvent(RELEASE, "pass_forward"),))
        assert rejection(frames).reason is Reason.NO_SNAP

    @pytest.mark.parametrize("kind", [PlayKind.RUN, PlayKind.OTHER])
    def test_a_run_is_no_pass_unless_one_was_thrown(self, kind: PlayKind) -> None:
        run = replace(film().frames(), events=(TrackingEvent(SNAP, "ball_snap"),))
        assert rejection(run, context=situation(kind=kind)).reason is Reason.NOT_A_PASS
        assert isinstance(play(film().frames(), context=situation(kind=kind)), Tensor)

    @pytest.mark.parametrize("kind", [PlayKind.RUN, PlayKind.OTHER])
    def test_a_release_that_nobody_is_named_for_makes_no_pass_of_a_run(self, kind: PlayKind) -> None:
        refused = rejection(film().frames(), context=situation(kind=kind, passer_id=""))
        assert (refused.reason, "names no passer" in refused.detail) == (Reason.NOT_A_PASS, True)

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (PlayKind.SPIKE, Reason.SPIKE),
            (PlayKind.KNEEL, Reason.KNEEL),
            (PlayKind.CONVERSION_TRY, Reason.CONVERSION_TRY),
            (PlayKind.SPECIAL_TEAMS, Reason.SPECIAL_TEAMS),
        ],
    )
    def test_what_the_books_count_as_no_attempt_is_none_whatever_the_film_shows(
        self, kind: PlayKind, reason: Reason
    ) -> None:
        assert rejection(film().frames(), context=situation(kind=kind)).reason is reason

    def test_a_play_of_one_frame(self) -> None:
        frames = replace(
            pick(film().frames(), [SNAP]), events=(TrackingEvent(SNAP, "snap"), TrackingEvent(SNAP + 1, "pass_forward"))
        )
        assert rejection(frames).reason is Reason.TOO_SHORT

    def test_a_pass_that_takes_too_long(self) -> None:
        frames = replace(film().frames(), events=(TrackingEvent(0, "snap"), TrackingEvent(MAX_FRAMES, "pass_forward")))
        assert rejection(frames).reason is Reason.TOO_LONG

    def test_ten_minutes_without_a_release(self) -> None:
        frames = replace(film().frames(), events=())
        batches = [
            replace(frames, frame_numbers=frames.frame_numbers + second * LENGTH) for second in range(6000 // LENGTH)
        ]
        assert rejection(*batches).reason is Reason.TOO_LONG

    def test_the_passer_lost_for_longer_than_half_a_second(self) -> None:
        told = rejection(without(film().frames(), PASSER, 20, 25))
        assert told.reason is Reason.GAP_TOO_LONG
        assert "from frame 20 to 25" in told.detail
        assert isinstance(play(without(film().frames(), PASSER, 20, 24)), Tensor)

    def test_the_film_torn_for_longer_than_half_a_second(self) -> None:
        rows = [row for row in range(LENGTH) if not 18 <= row <= 26]
        assert rejection(pick(film().frames(), rows)).reason is Reason.GAP_TOO_LONG

    def test_the_passer_lost_before_the_release(self) -> None:
        assert rejection(without(film().frames(), PASSER, RELEASE - 6, LENGTH)).reason is Reason.PASSER_NOT_TRACKED
        assert rejection(without(film().frames(), PASSER, 0, LENGTH)).reason is Reason.PASSER_NOT_TRACKED

    def test_five_players(self) -> None:
        frames = film().frames()
        for player in frames.player_ids:
            if player not in (PASSER, TARGET, "d1", "d2", "d3"):
                frames = without(frames, player, 0, LENGTH)
        assert rejection(frames).reason is Reason.TOO_FEW_PLAYERS

    def test_forty_players(self) -> None:
        roster = ROSTER | {f"o{e}": replace(ROSTER[PASSER], player_id=f"o{e}") for e in range(12, 31)}
        frames = film().frames()
        ids = (*frames.player_ids, *(f"o{e}" for e in range(12, 31)))
        wide = Frames(
            frames.frame_numbers,
            ids,
            np.hstack([frames.x, np.tile(frames.x[:, :1], 19)]),
            np.hstack([frames.y, np.tile(frames.y[:, :1], 19)]),
            events=frames.events,
        )
        outcome = featurize((TASK,), HEADER, roster, CONTEXT, [wide])
        assert isinstance(outcome, Rejection)
        assert outcome.reason is Reason.TOO_MANY_PLAYERS

    def test_more_players_than_a_batch_may_have(self) -> None:
        assert rejection(_tracks(65)).reason is Reason.FIELD_INVALID

    def test_the_passer_is_not_named_or_not_known(self) -> None:
        assert rejection(film().frames(), context=situation(passer_id="")).reason is Reason.PASSER_UNKNOWN
        assert rejection(film().frames(), context=situation(passer_id="x")).reason is Reason.PASSER_NOT_IN_ROSTER
        assert rejection(film().frames(), context=situation(passer_id="d1")).reason is Reason.OFFENSE_UNKNOWN

    def test_a_player_whom_no_roster_names(self) -> None:
        frames = film().frames()
        stranger = replace(frames, player_ids=(*frames.player_ids[:-1], "stranger"))
        assert rejection(stranger).reason is Reason.PLAYER_NOT_IN_ROSTER

    def test_an_offense_that_does_not_play(self) -> None:
        assert (
            rejection(film().frames(), context=replace(CONTEXT, attacking_team_id="KC")).reason
            is Reason.OFFENSE_UNKNOWN
        )

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_sample_that_is_no_number(self, value: float) -> None:
        frames = film().frames()
        frames.x[20, 3] = value
        told = rejection(frames)
        assert told.reason is Reason.SAMPLE_NOT_FINITE
        assert "player o4 in frame 20" in told.detail

    @pytest.mark.parametrize("speed", [3e38, 5000.0, -400.0])
    def test_a_speed_that_nobody_runs(self, speed: float) -> None:
        frames = film().frames()
        assert frames.speed is not None
        frames.speed[20, 3] = speed
        told = rejection(frames)
        assert told.reason is Reason.FIELD_INVALID
        assert "speeds up to 100 a second" in told.detail

    def test_tags_without_end(self) -> None:
        frames = film().frames()
        tags = tuple(TrackingEvent(number, "ball_snap") for number in range(1000, 1200))
        assert rejection(replace(frames, events=tags)).reason is Reason.FIELD_INVALID

    def test_batches_without_frames_are_no_film(self) -> None:
        nothing = film().frames().rows(0, 0)
        assert rejection(*[nothing] * 3000).reason is Reason.NO_FRAMES

    @pytest.mark.parametrize(("x", "y"), [(500.0, 20.0), (60.0, -13.0), (-13.0, 20.0)])
    def test_a_player_farther_off_the_field_than_can_be(self, x: float, y: float) -> None:
        frames = film().frames()
        frames.x[20:25, 3], frames.y[20:25, 3] = x, y
        assert rejection(frames).reason is Reason.POSITION_OFF_FIELD

    def test_off_the_field_after_the_release_does_not_matter(self) -> None:
        frames = film().frames()
        frames.x[RELEASE + 3 :, 3] = 139.5
        assert isinstance(play(frames), Tensor)

    def test_both_sides_on_one_spot_tell_no_direction(self) -> None:
        frames = film().frames(angles=False)
        frames.x[:] = frames.x.mean()
        told = rejection(frames, context=replace(situation(yards_to_end_zone=None), attacking_direction=None))
        assert told.reason is Reason.DIRECTION_UNKNOWN

    def test_a_stated_direction_against_the_line_up(self) -> None:
        wrong = replace(CONTEXT, attacking_direction=AttackingDirection.NEGATIVE_X)
        assert rejection(film().frames(), context=wrong).reason is Reason.SITUATION_CONTRADICTED

    def test_a_stated_line_where_nobody_lined_up(self) -> None:
        told = rejection(film().frames(), context=situation(yards_to_end_zone=40.0))
        assert told.reason is Reason.SITUATION_CONTRADICTED
        assert "yards_to_end_zone is 40" in told.detail

    def test_angles_without_a_convention(self) -> None:
        assert HEADER.coordinates is not None
        header = replace(HEADER, coordinates=replace(HEADER.coordinates, angle_convention=None))
        assert rejection(film().frames(), header=header).reason is Reason.COORDINATES_UNDECLARED
        assert isinstance(play(film().frames(angles=False), header=header), Tensor)

    def test_columns_that_do_not_fit_together(self) -> None:
        frames = film().frames()
        assert rejection(replace(frames, y=frames.y[:, :-1])).reason is Reason.COLUMNS_INCONSISTENT
        twice = replace(frames, player_ids=(PASSER, *frames.player_ids[:-1]))
        assert rejection(twice).reason is Reason.COLUMNS_INCONSISTENT

    def test_another_frame_rate_or_sport_is_refused(self) -> None:
        for rate in (25.0, 0.0, float("nan"), None):
            stated = "not stated" if rate is None else f"{rate:g}"
            with pytest.raises(PlayscoreError, match=f"is {stated}") as refused:
                play(film().frames(), header=replace(HEADER, frame_rate_hertz=rate))
            assert refused.value.reason is Reason.FRAME_RATE_UNSUPPORTED
        with pytest.raises(PlayscoreError) as refused:
            play(film().frames(), header=replace(HEADER, sport=Sport.ICE_HOCKEY))
        assert refused.value.reason is Reason.SPORT_UNSUPPORTED
        with pytest.raises(PlayscoreError) as refused:
            play(film().frames(), header=replace(HEADER, coordinates=None))
        assert refused.value.reason is Reason.COORDINATES_UNDECLARED

    def test_a_rejection_says_whose_play_it_was(self) -> None:
        told = rejection()
        assert (told.play_id, told.revision) == ("54", 1)
        assert told.subjects == (Subject(PASSER_ROLE, PASSER, "Player o1", "HOM"),)


class TestOpenPlay:
    def test_a_stated_release_is_not_waited_on(self) -> None:
        program = (TrackingEvent(SNAP, "ball_snap"), TrackingEvent(RELEASE, "autoevent_passforward"))
        assert _complete_after(list(range(LENGTH)), events=program) == RELEASE + 5
        stated = replace(CONTEXT, release_frame=RELEASE)
        assert _complete_after(list(range(LENGTH)), events=program, context=stated) == RELEASE

    def test_it_is_complete_when_the_release_frame_has_come(self) -> None:
        assert _complete_after(list(range(LENGTH))) == RELEASE

    def test_missing_frames_are_waited_for_half_a_second_at_most(self) -> None:
        lost = [row for row in range(LENGTH) if row != 20]
        assert _complete_after(lost) == RELEASE + 5

    def test_it_is_complete_when_the_missing_frame_has_come(self) -> None:
        late = [row for row in range(LENGTH) if row != 20]
        late.insert(late.index(RELEASE) + 2, 20)
        assert _complete_after(late) == 20


def _complete_after(
    rows: list[int], *, events: tuple[TrackingEvent, ...] = EVENTS, context: PlayContext = CONTEXT
) -> int:
    """The row after which the play is complete, rows coming one by one."""
    frames = replace(film().frames(), events=events)
    segment = Segment()
    opened = PassPlay(HEADER, ROSTER, context, segment.footage())
    for row in rows:
        segment.add(frames.rows(row, row + 1))
        if opened.is_complete():
            return row
    raise AssertionError("it never was")
