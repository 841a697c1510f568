"""The stream of a game: plays open, close and open again over the segments that are filmed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from featurizer.core.game_stream import MAX_PLAYS, MAX_REVISIONS, Answers, GameStream
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.progress import Progress
from featurizer.core.segments import MAX_FRAMES, MAX_SEGMENTS
from featurizer.passing.task import PASSING
from playscore.errors import PlayscoreError, Reason
from playscore.game import Frames, GameHeader, PlayContext, PlayStatus, Sport, Track, TrackedObject, TrackingEvent
from playscore.passing import FootballSituation, PlayKind, situation_of
from playscore.subjects import Subject
from tests.unit.featurizer.film import (
    CONTEXT,
    HEADER,
    LENGTH,
    PASSER,
    RELEASE,
    ROSTER,
    SNAP,
    film,
    later,
    pick,
    situation,
    tensor,
)

FRAMES = film().frames()
SACK = replace(FRAMES, events=(TrackingEvent(SNAP, "ball_snap"), TrackingEvent(30, "qb_sack")))


def opened(header: GameHeader = HEADER, resumed: Progress | None = None) -> GameStream:
    stream = GameStream(header, (PASSING,), resumed)
    stream.add_players(ROSTER.values())
    return stream


def outcomes(answers: Answers) -> list[Tensor | Rejection]:
    """Without the checkpoints, of which one follows each."""
    assert [isinstance(answer, Progress) for answer in answers] == [False, True] * (len(answers) // 2)
    return [answer for answer in answers if not isinstance(answer, Progress)]


def only(answers: Answers) -> Tensor | Rejection:
    (outcome,) = outcomes(answers)
    return outcome


def closed(answers: Answers) -> list[tuple[str, int]]:
    return [(outcome.play_id, outcome.revision) for outcome in outcomes(answers)]


def reasons(answers: Answers) -> list[Reason | None]:
    return [outcome.reason if isinstance(outcome, Rejection) else None for outcome in outcomes(answers)]


def one_by_one(stream: GameStream, frames: Frames, segment_id: str = "54") -> Answers:
    answers: Answers = []
    for row in range(len(frames)):
        answers += stream.add_frames(segment_id, frames.rows(row, row + 1))
    return answers


def named(play_id: str, **changes: object) -> PlayContext:
    return replace(CONTEXT, play_id=play_id, **changes)  # type: ignore[arg-type]


class TestFilmBeforeAndAfter:
    def test_the_tensor_leaves_with_the_release_frame(self) -> None:
        stream = opened()
        assert stream.add_context(CONTEXT) == []
        for row in range(RELEASE):
            assert stream.add_frames("54", FRAMES.rows(row, row + 1)) == []
        made = only(stream.add_frames("54", FRAMES.rows(RELEASE, RELEASE + 1)))
        assert isinstance(made, Tensor)
        assert np.array_equal(made.frames, tensor(FRAMES).frames)

    def test_a_context_may_follow_its_film(self) -> None:
        stream = opened()
        assert one_by_one(stream, FRAMES) == []
        made = only(stream.add_context(CONTEXT))
        assert isinstance(made, Tensor)
        assert np.array_equal(made.frames, tensor(FRAMES).frames)

    def test_a_context_may_come_amid_its_film(self) -> None:
        stream = opened()
        assert one_by_one(stream, FRAMES.rows(0, 20)) == []
        assert stream.add_context(CONTEXT) == []
        assert isinstance(only(one_by_one(stream, FRAMES.rows(20, LENGTH))), Tensor)

    def test_the_segment_is_the_one_that_the_context_names(self) -> None:
        stream = opened()
        stream.add_context(named("54", segment_id="Q1"))
        assert stream.add_frames("54", FRAMES) == []
        assert isinstance(only(stream.add_frames("Q1", FRAMES)), Tensor)

    def test_players_may_be_named_after_their_film(self) -> None:
        stream = GameStream(HEADER, (PASSING,))
        stream.add_frames("54", FRAMES)
        stream.add_players(ROSTER.values())
        assert isinstance(only(stream.add_context(CONTEXT)), Tensor)

    def test_the_passer_may_be_named_while_the_play_is_open(self) -> None:
        stream = opened()
        stream.add_context(situation(passer_id=""))
        one_by_one(stream, FRAMES.rows(0, 20))
        stream.add_context(PlayContext("54", "", FootballSituation(passer_id=PASSER)))
        made = only(one_by_one(stream, FRAMES.rows(20, LENGTH)))
        assert [subject.subject_id for subject in made.subjects] == [PASSER]

    def test_an_earlier_revision_adds_to_an_open_play_what_the_later_one_leaves_open(self) -> None:
        stream = opened()
        stream.add_context(PlayContext("54", "", FootballSituation(target_id="o8"), revision=2))
        stream.add_context(CONTEXT)
        made = only(stream.add_frames("54", FRAMES))
        assert isinstance(made, Tensor)
        assert made.revision == 2
        corrected = tensor(FRAMES, context=situation(target_id="o8"))
        assert np.array_equal(made.frames, corrected.frames)
        assert stream.checkpoint.contexts_ignored == 0


class TestPlaysOverOneSegment:
    def test_two_plays_follow_each_other(self) -> None:
        stream = opened()
        stream.add_context(named("1", segment_id="Q1", opens_at_frame=0))
        stream.add_context(named("2", segment_id="Q1", opens_at_frame=200))
        made = one_by_one(stream, FRAMES, "Q1") + one_by_one(stream, later(FRAMES, 200), "Q1")
        assert closed(made) == [("1", 1), ("2", 1)]
        first, second = outcomes(made)
        assert isinstance(first, Tensor)
        assert isinstance(second, Tensor)
        assert np.array_equal(first.frames, second.frames)

    def test_a_play_sees_nothing_of_the_one_before_it(self) -> None:
        stream = opened()
        stream.add_frames("Q1", FRAMES)
        stream.add_context(named("2", segment_id="Q1", opens_at_frame=LENGTH))
        assert reasons(stream.end_play("2")) == [Reason.NO_FRAMES]

    def test_a_play_that_has_ended_sees_nothing_of_the_one_after_it(self) -> None:
        stream = opened()
        stream.add_context(named("sack", segment_id="Q1", opens_at_frame=0))
        stream.add_frames("Q1", SACK)
        stream.add_frames("Q1", later(FRAMES, 200).rows(0, RELEASE))
        assert reasons(stream.end_play("sack", LENGTH - 1)) == [Reason.NO_RELEASE]

    def test_two_plays_share_their_film(self) -> None:
        stream = opened()
        stream.add_context(named("1", segment_id="Q1"))
        stream.add_context(named("2", segment_id="Q1"))
        first, second = outcomes(stream.add_frames("Q1", FRAMES))
        assert isinstance(first, Tensor)
        assert isinstance(second, Tensor)
        assert np.array_equal(first.frames, second.frames)


class TestEnds:
    def test_a_play_is_closed_at_once_by_an_end_without_a_frame(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        stream.add_frames("54", SACK.rows(0, 20))
        assert reasons(stream.end_play("54")) == [Reason.NO_RELEASE]

    def test_an_end_waits_for_its_last_frame(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        assert stream.end_play("54", LENGTH - 1) == []
        assert one_by_one(stream, SACK.rows(0, LENGTH - 1)) == []
        assert reasons(one_by_one(stream, SACK.rows(LENGTH - 1, LENGTH))) == [Reason.NO_RELEASE]

    def test_an_end_before_a_context_is_out_of_order(self) -> None:
        with pytest.raises(PlayscoreError) as caught:
            opened().end_play("54")
        assert caught.value.reason is Reason.STREAM_ORDER

    def test_the_end_of_a_closed_play_changes_nothing(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        stream.add_frames("54", FRAMES)
        assert stream.end_play("54", LENGTH - 1) == stream.end_play("54") == []

    def test_what_is_open_closes_in_the_order_of_opening_when_the_caller_half_closes(self) -> None:
        stream = opened()
        for play_id in "cab":
            stream.add_context(named(play_id))
        answers = [answer for closed in stream.half_close() for answer in closed]
        assert closed(answers) == [("c", 1), ("a", 1), ("b", 1)]
        assert reasons(answers) == [Reason.NO_FRAMES] * 3


class TestCorrections:
    def test_a_correction_over_film_that_is_held_closes_at_once(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        one_by_one(stream, FRAMES)
        corrected = replace(situation(down=4, target_id="o8"), revision=2)
        made = only(stream.add_context(corrected))
        assert isinstance(made, Tensor)
        assert made.revision == 2
        alone = tensor(FRAMES, context=corrected)
        assert np.array_equal(made.frames, alone.frames)
        assert np.array_equal(made.statics, alone.statics)
        assert stream.checkpoint.plays_finished == stream.checkpoint.tensors == 2

    def test_a_correction_need_only_say_what_is_new(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        one_by_one(stream, FRAMES)
        made = only(stream.add_context(PlayContext("54", "", FootballSituation(down=4), revision=2)))
        assert isinstance(made, Tensor)
        assert np.array_equal(made.statics, tensor(FRAMES, context=situation(down=4)).statics)

    def test_the_correction_of_a_play_whose_film_ended_without_a_release_closes_at_once(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        stream.add_frames("54", SACK)
        stream.end_play("54", LENGTH - 1)
        assert reasons(stream.add_context(replace(CONTEXT, revision=2))) == [Reason.NO_RELEASE]

    def test_a_correction_of_a_play_whose_film_was_let_go_cannot_be_made_here(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        one_by_one(stream, FRAMES)
        for number in range(MAX_SEGMENTS):
            stream.add_frames(f"s{number}", SACK)
        assert reasons(stream.add_context(replace(CONTEXT, revision=2))) == [Reason.TRACKING_UNAVAILABLE]

    def test_corrected_film_is_another_segment(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        stream.add_frames("54", SACK)
        assert reasons(stream.end_play("54", LENGTH - 1)) == [Reason.NO_RELEASE]
        assert stream.add_context(PlayContext("54", "", None, revision=2, segment_id="54 again")) == []
        assert isinstance(only(one_by_one(stream, FRAMES, "54 again")), Tensor)

    @pytest.mark.parametrize("revision", [1, 2])
    def test_an_equal_or_lower_revision_of_a_closed_play_is_ignored_and_counted(self, revision: int) -> None:
        stream = opened()
        stream.add_context(replace(CONTEXT, revision=2))
        stream.add_frames("54", FRAMES)
        assert stream.add_context(replace(CONTEXT, revision=revision)) == []
        assert stream.checkpoint.contexts_ignored == 1

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(PlayStatus.NULLIFIED, Reason.PLAY_NULLIFIED), (PlayStatus.WITHDRAWN, Reason.PLAY_WITHDRAWN)],
    )
    def test_a_play_that_does_not_count_is_rejected_at_once_whatever_its_film(
        self, status: PlayStatus, reason: Reason
    ) -> None:
        stream = opened()
        struck = only(stream.add_context(replace(CONTEXT, status=status)))
        assert isinstance(struck, Rejection)
        assert struck.reason is reason
        assert [subject.subject_id for subject in struck.subjects] == [PASSER]
        stream.add_context(named("2"))
        assert reasons(stream.add_context(named("2", status=status))) == [reason]
        stream.add_context(named("3"))
        stream.add_frames("3", FRAMES)
        assert reasons(stream.add_context(named("3", status=status, revision=2))) == [reason]
        back = only(stream.add_context(named("3", status=PlayStatus.STANDS, revision=3)))
        assert isinstance(back, Tensor)

    def test_a_context_that_is_wrong_in_itself_costs_its_play_once(self) -> None:
        stream = opened()
        fault = PlayscoreError(Reason.FIELD_INVALID, "down must be 1 to 4, not 9")
        whose = (Subject(PASSING.subjects(ROSTER, CONTEXT)[0].role, "o1", "", "HOM"),)
        wrong = only(stream.refuse_context("1", 0, fault, whose, PASSING.number))
        assert wrong == Rejection("1", 1, Reason.FIELD_INVALID, fault.detail, whose, PASSING.number)
        assert stream.refuse_context("1", 1, fault) == []
        stream.add_context(named("2", revision=3))
        assert stream.refuse_context("2", 2, fault) == []
        assert closed(stream.refuse_context("2", 4, fault)) == [("2", 4)]
        assert stream.add_context(named("2", revision=4)) == []
        assert stream.checkpoint.contexts_ignored == 3
        stream.add_context(named("2", revision=5))
        assert isinstance(only(stream.add_frames("2", FRAMES)), Tensor)

    def test_revisions_without_end_are_bounded(self) -> None:
        stream = opened()
        answers: Answers = []
        for revision in range(1, MAX_REVISIONS + 2):
            answers += stream.add_context(named("1", revision=revision))
        assert reasons(answers) == [Reason.FIELD_INVALID]
        assert closed(answers) == [("1", MAX_REVISIONS + 1)]


class TestTasks:
    def test_a_play_of_which_nothing_is_known_goes_to_the_task_of_its_sport(self) -> None:
        stream = opened()
        stream.add_context(PlayContext("54", "", None))
        stream.add_frames("54", FRAMES)
        assert stream.checkpoint.rejections == 1
        stream.add_context(PlayContext("2", "HOM", None))
        assert reasons(stream.end_play("2")) == [Reason.NO_FRAMES]

    def test_a_run_is_no_pass(self) -> None:
        stream = opened()
        stream.add_context(situation(kind=PlayKind.RUN))
        assert reasons(stream.end_play("54")) == [Reason.NOT_A_PASS]

    def test_a_situation_of_no_task_is_rejected_and_the_stream_goes_on(self) -> None:
        stream = opened()
        odd = only(stream.add_context(named("1", situation=object())))
        assert isinstance(odd, Rejection)
        assert (odd.reason, odd.subjects, odd.task) == (Reason.TASK_UNSUPPORTED, (), 0)
        stream.add_context(CONTEXT)
        assert isinstance(only(stream.add_frames("54", FRAMES)), Tensor)

    def test_a_game_that_no_task_reads_is_refused(self) -> None:
        for header, reason in (
            (replace(HEADER, sport=Sport.ICE_HOCKEY), Reason.SPORT_UNSUPPORTED),
            (replace(HEADER, frame_rate_hertz=25.0), Reason.FRAME_RATE_UNSUPPORTED),
        ):
            with pytest.raises(PlayscoreError) as caught:
                GameStream(header, (PASSING,))
            assert caught.value.reason is reason


class TestBounds:
    def test_the_ninth_segment_lets_go_of_the_one_not_heard_of_for_longest(self) -> None:
        stream = opened()
        for number in range(MAX_SEGMENTS):
            stream.add_context(named(f"p{number}"))
        stream.add_frames("p0", SACK.rows(0, 10))
        answers = stream.add_frames("another", FRAMES)
        assert closed(answers) == [("p1", 1)]
        assert reasons(answers) == [Reason.NO_FRAMES]
        assert stream.add_frames("p1", FRAMES) == []
        assert stream.checkpoint.frames_dropped == LENGTH

    def test_interleaved_segments_do_not_disturb_each_other(self) -> None:
        stream = opened()
        answers: Answers = []
        for number in range(MAX_SEGMENTS):
            stream.add_context(named(f"p{number}"))
        for row in range(LENGTH):
            for number in range(MAX_SEGMENTS):
                answers += stream.add_frames(f"p{number}", FRAMES.rows(row, row + 1))
        assert sorted(closed(answers)) == [(f"p{number}", 1) for number in range(MAX_SEGMENTS)]
        for made in outcomes(answers):
            assert isinstance(made, Tensor)
            assert np.array_equal(made.frames, tensor(FRAMES).frames)

    def test_of_more_segments_than_are_held_at_once_the_latest_ones_are_whole(self) -> None:
        stream = opened()
        answers: Answers = []
        for number in range(MAX_SEGMENTS + 1):
            answers += stream.add_context(named(f"p{number}"))
        for row in range(LENGTH):
            for number in range(MAX_SEGMENTS + 1):
                answers += stream.add_frames(f"p{number}", FRAMES.rows(row, row + 1))
        assert closed(answers)[0] == ("p0", 1)
        assert reasons(answers) == [Reason.NO_FRAMES] + [None] * MAX_SEGMENTS
        assert stream.checkpoint.frames_dropped == LENGTH

    @pytest.mark.parametrize("size", [1, 20, 256, 3000])
    def test_a_play_without_end_is_rejected_when_it_has_more_frames_than_are_kept(self, size: int) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        answers: Answers = []
        came = 0
        while not answers:
            numbers = np.arange(came, came + size, dtype=np.int32)
            endless = replace(pick(FRAMES, numbers % LENGTH), frame_numbers=numbers, events=())
            answers = stream.add_frames("54", endless)
            came += size
        assert reasons(answers) == [Reason.TOO_LONG]
        assert came - size <= MAX_FRAMES < came

    def test_a_play_late_in_a_long_segment_is_not_too_long(self) -> None:
        stream = opened()
        quiet = replace(FRAMES, events=())
        first = 0
        while first < 3 * MAX_FRAMES:
            assert stream.add_frames("Q1", later(quiet, first)) == []
            first += LENGTH
        stream.add_context(named("1", segment_id="Q1", opens_at_frame=first))
        made = only(one_by_one(stream, later(FRAMES, first), "Q1"))
        assert isinstance(made, Tensor)
        assert np.array_equal(made.frames, tensor(FRAMES).frames)
        assert stream.checkpoint.frames_dropped > MAX_FRAMES

    def test_a_context_after_its_frames_were_let_go_is_rejected(self) -> None:
        stream = opened()
        for first in range(0, 2 * MAX_FRAMES, LENGTH):
            stream.add_frames("Q1", later(replace(FRAMES, events=()), first))
        early = named("1", segment_id="Q1", opens_at_frame=0)
        assert reasons(stream.add_context(early)) == [Reason.TRACKING_UNAVAILABLE]
        assert reasons(stream.add_context(named("2", segment_id="Q1"))) == [Reason.TRACKING_UNAVAILABLE]
        assert stream.add_context(named("3", segment_id="Q1", release_frame=2 * MAX_FRAMES - 10)) == []

    def test_a_play_beyond_the_most_ends_the_stream(self) -> None:
        stream = opened()
        for number in range(MAX_PLAYS):
            stream.add_context(named(str(number)))
        stream.add_context(named("5", revision=2))
        with pytest.raises(PlayscoreError, match="one more than the 2000 plays") as caught:
            stream.add_context(named("more"))
        assert caught.value.reason is Reason.FIELD_INVALID

    def test_of_two_entries_of_a_player_that_of_the_higher_revision_counts(self) -> None:
        stream = GameStream(HEADER, (PASSING,))
        stream.add_players([replace(ROSTER[PASSER], display_name="Right")], revision=2)
        stream.add_players(ROSTER.values(), revision=1)
        stream.add_frames("54", FRAMES)
        assert [subject.subject_name for subject in only(stream.add_context(CONTEXT)).subjects] == ["Right"]

    def test_players_beyond_the_most_end_the_stream(self) -> None:
        stream = opened()
        with pytest.raises(PlayscoreError, match="at most 200 may"):
            stream.add_players(replace(ROSTER[PASSER], player_id=f"x{number}") for number in range(179))

    def test_tags_without_end_are_bounded(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        tags = tuple(TrackingEvent(number, "ball_snap") for number in range(200))
        assert reasons(stream.add_frames("54", replace(SACK, events=tags))) == [Reason.FIELD_INVALID]


class TestWrongBatches:
    SHORT = replace(FRAMES, y=FRAMES.y[:, :-1])

    def test_a_wrong_batch_costs_the_plays_open_on_its_segment(self) -> None:
        stream = opened()
        stream.add_context(named("1"))
        stream.add_context(named("2"))
        answers = stream.add_frames("1", self.SHORT)
        assert closed(answers) == [("1", 1)]
        assert reasons(answers) == [Reason.COLUMNS_INCONSISTENT]
        assert isinstance(only(stream.add_frames("2", FRAMES)), Tensor)

    def test_a_wrong_batch_before_the_context_costs_its_play_too(self) -> None:
        stream = opened()
        assert stream.add_frames("54", self.SHORT) == []
        stream.add_frames("54", FRAMES)
        assert reasons(stream.add_context(CONTEXT)) == [Reason.COLUMNS_INCONSISTENT]

    def test_a_wrong_batch_costs_no_play_that_opens_after_it(self) -> None:
        stream = opened()
        stream.add_frames("Q1", FRAMES)
        stream.add_frames("Q1", self.SHORT)
        stream.add_context(named("2", segment_id="Q1", opens_at_frame=200))
        assert isinstance(only(stream.add_frames("Q1", later(FRAMES, 200))), Tensor)

    def test_a_wrong_batch_of_the_ball_counts_as_one_of_players(self) -> None:
        stream = opened()
        stream.add_context(CONTEXT)
        ball = Track(TrackedObject.BALL, 10.0, np.arange(2, dtype=np.int32), *np.zeros((2, 2), np.float32))
        assert stream.add_track("54", ball) == []
        assert reasons(stream.add_track("54", replace(ball, rate_hertz=25.0))) == [Reason.FIELD_INVALID]


class TestResuming:
    def whole(self, stream: GameStream, plays: Iterable[str]) -> Answers:
        answers: Answers = []
        for play_id in plays:
            answers += stream.add_context(named(play_id))
            answers += one_by_one(stream, FRAMES, play_id)
            answers += stream.end_play(play_id)
        return answers

    def test_counts_go_on(self) -> None:
        stream = opened()
        answers = self.whole(stream, "123")
        stream.add_context(named("4"))
        (*_, last) = (answer for answer in answers if isinstance(answer, Progress))
        resumed = opened(resumed=last)
        assert resumed.checkpoint == last == answers[-1]
        self.whole(resumed, "45")
        assert resumed.checkpoint.plays_finished == resumed.checkpoint.tensors == 5

    def test_what_comes_again_for_the_last_play_is_ignored(self) -> None:
        resumed = opened(resumed=Progress("1", 1, tensors=1))
        assert self.whole(resumed, "1") == []
        assert resumed.checkpoint.contexts_ignored == 1
        corrected = resumed.add_context(named("1", revision=2))
        assert closed(corrected) == [("1", 2)]

    def test_the_end_of_a_play_that_an_earlier_stream_closed_is_not_out_of_order(self) -> None:
        assert opened(resumed=Progress("1", 1, tensors=1)).end_play("0") == []


def test_counts_add_up_whatever_comes() -> None:
    stream = opened()
    answers = stream.add_context(named("1")) + stream.add_frames("1", FRAMES)
    answers += stream.add_context(named("2", status=PlayStatus.NULLIFIED))
    answers += stream.add_context(named("3")) + stream.add_frames("3", SACK) + stream.end_play("3")
    answers += stream.add_context(named("1", revision=2))
    for closed in stream.half_close():
        answers += closed
    made = outcomes(answers)
    last = stream.checkpoint
    assert last.tensors == sum(isinstance(outcome, Tensor) for outcome in made) == 2
    assert last.rejections == sum(isinstance(outcome, Rejection) for outcome in made) == 2
    assert last.plays_finished == 4
    assert last == answers[-1]
    assert situation_of(CONTEXT).passer_id == PASSER
