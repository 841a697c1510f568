"""What is known of a play from all its contexts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurizer.core.contexts import merged, with_context
from playscore.feed.v1 import feed_pb2
from playscore.game import AttackingDirection, PlayContext, PlayStatus
from playscore.passing import FootballSituation, PlayKind, situation_of
from playscore.wire.feed import context_from_message, context_to_message
from playscore.wire.feed import merged as merged_messages
from tests.unit.featurizer.film import CONTEXT, situation


def known(*contexts: PlayContext) -> PlayContext:
    by_revision: dict[int, PlayContext] = {}
    for context in contexts:
        by_revision = with_context(by_revision, context)
    return merged(by_revision)


def test_what_is_told_later_replaces_and_what_is_not_told_stays() -> None:
    later = PlayContext("54", "", FootballSituation(down=4, target_id="o8"), revision=2)
    both = known(CONTEXT, later)
    assert both.revision == 2
    assert both.attacking_team_id == "HOM"
    assert both.attacking_direction is AttackingDirection.POSITIVE_X
    football = situation_of(both)
    assert (football.down, football.target_id, football.yards_to_go) == (4, "o8", 7.0)
    assert football.kind is PlayKind.PASS


def test_contexts_count_in_the_order_of_their_revisions_whenever_they_come() -> None:
    contexts = [
        replace(situation(down=1, quarter=None), revision=1),
        replace(situation(down=2), revision=2),
        replace(situation(down=None), revision=3),
    ]
    assert known(*contexts) == known(*reversed(contexts))
    assert situation_of(known(*contexts)).down == 2


def test_two_contexts_of_one_revision_add_up() -> None:
    both = known(situation(passer_id="", down=None), PlayContext("54", "", FootballSituation(passer_id="o1", down=3)))
    assert both == CONTEXT


@dataclass(frozen=True)
class Kick:
    """The situation of another task."""

    distance: float


def test_a_complete_context_clears_what_it_does_not_say() -> None:
    whole = PlayContext("54", "AWY", FootballSituation(down=4), revision=2, complete=True)
    assert known(CONTEXT, whole) == known(whole, CONTEXT) == whole
    later = PlayContext("54", "", FootballSituation(passer_id="d1"), revision=3)
    assert situation_of(known(CONTEXT, whole, later)) == FootballSituation(down=4, passer_id="d1")


def test_a_situation_of_another_task_replaces() -> None:
    assert known(CONTEXT, PlayContext("54", "", Kick(40.0), revision=2)).situation == Kick(40.0)


@pytest.mark.parametrize("struck", [PlayStatus.NULLIFIED, PlayStatus.WITHDRAWN])
def test_a_struck_play_stays_struck_until_it_is_said_to_stand(struck: PlayStatus) -> None:
    contexts = [replace(CONTEXT, status=struck), replace(CONTEXT, revision=2)]
    assert known(*contexts).status is struck
    assert known(*contexts, replace(CONTEXT, revision=3, status=PlayStatus.STANDS)).status is PlayStatus.STANDS


CONTEXTS = st.builds(
    PlayContext,
    play_id=st.just("54"),
    attacking_team_id=st.sampled_from(["", "HOM", "AWY"]),
    situation=st.none()
    | st.builds(
        FootballSituation,
        kind=st.sampled_from(PlayKind),
        down=st.none() | st.integers(1, 4),
        yards_to_go=st.none() | st.sampled_from([1.0, 10.0]),
        home_score=st.none() | st.integers(0, 2),
        passer_id=st.sampled_from(["", "o1", "o2"]),
    ),
    attacking_direction=st.none() | st.sampled_from(AttackingDirection),
    revision=st.integers(1, 4),
    segment_id=st.sampled_from(["", "Q1"]),
    opens_at_frame=st.none() | st.integers(0, 3),
    release_frame=st.none() | st.integers(0, 3),
    complete=st.booleans(),
    status=st.none() | st.sampled_from(PlayStatus),
)


@given(st.lists(CONTEXTS, min_size=1, max_size=6))
def test_the_merge_is_that_of_the_messages(contexts: list[PlayContext]) -> None:
    messages: list[feed_pb2.PlayContext] = [context_to_message(context) for context in contexts]
    assert known(*contexts) == context_from_message(merged_messages(messages))
