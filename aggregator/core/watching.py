"""What is watched, and what its watchers are told: the difference between the state they have and the present one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from aggregator.core.queries import Split
from aggregator.core.records import Value
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.segment import SUBJECT_ID
from aggregator.core.standings import Ranking, Rating, Standings
from aggregator.core.tokens import Arguments
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ModelVersion

_NOBODY: Final = Ranking(ModelVersion("", 0), min_plays=0, qualified=0)
"""By no model, and so by another than any reading's."""
Key: TypeAlias = tuple[str, tuple[tuple[str, Value | None], ...]]
"""Tells a rating from all others of its question: subject and group."""

RATINGS_AT_ONCE: Final = 250
"""Ratings that are read, compared or encoded in one go, before others get their turn."""
LEFT_KEPT: Final = 1_000
"""Ratings that left and are remembered, so that watchers who lag behind can be told."""
REVISIONS_KEPT: Final = 1_000
"""Revisions a watch can be resumed from without asking the store."""


@dataclass(frozen=True, slots=True)
class RankedSplit:
    """What is worked out once for all questions that share it: the ratings of a split, ranked."""

    split: Split
    group_by: tuple[str, ...]
    """As `read_groups` gives it."""
    min_plays: int | None
    """None: the task's own rule."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is watched. Raises FIELD_INVALID where subjects are to be watched in ratings that are nobody's."""

    ranked: RankedSplit
    qualified_only: bool
    subject_ids: frozenset[str]
    """Empty: everybody."""

    def __post_init__(self) -> None:
        if self.subject_ids and SUBJECT_ID not in self.ranked.group_by:
            detail = f"must be empty where ratings are not grouped by {SUBJECT_ID}: such ratings are nobody's"
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"subject_ids {detail}", fields=(FieldViolation("subject_ids", detail),)
            )

    @property
    def identity(self) -> Arguments:
        """Tells it from other questions, in tokens."""
        split, model = self.ranked.split, self.ranked.split.model
        return (
            split.league,
            split.role.number,
            split.filter,
            None if model is None else [model.name, model.version],
            [*self.ranked.group_by],
            self.ranked.min_plays,
            self.qualified_only,
            [*sorted(self.subject_ids)],
        )


class Evaluation:
    """The ratings of a ranked at a revision, for its questions to take what they ask for."""

    def __init__(self, standings: Standings, revision: Revision) -> None:
        self.ranking = standings.ranking
        self.revision = revision
        self._standings = standings
        self._ratings: list[Rating] = []
        self._of_subject: dict[str, list[Rating]] = {}

    def read(self) -> Iterator[None]:
        """Read the ratings. Yields now and then, for others to get their turn."""
        for count, place in enumerate(self._standings.sorted((), qualified_only=False), 1):
            rating = self._standings.rating(place)
            self._ratings.append(rating)
            self._of_subject.setdefault(rating.subject.subject_id, []).append(rating)
            if count % RATINGS_AT_ONCE == 0:
                yield

    def __len__(self) -> int:
        return len(self._ratings)

    def ratings(self, question: Question) -> Iterator[Rating]:
        """Those that a question asks for, once they are read."""
        subjects = question.subject_ids
        found = (each for one in subjects for each in self._of_subject.get(one, ())) if subjects else self._ratings
        return (rating for rating in found if rating.qualified or not question.qualified_only)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The ratings of a question at a revision."""

    ratings: Mapping[Key, Rating]
    ranking: Ranking
    revision: Revision


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What leads a watcher from the state they have to another."""

    restarted: bool
    """From nothing: the state they have does not count."""
    ratings: Sequence[Rating]
    """As they are now."""
    left: Sequence[Rating]
    """As they were when they were last there. None of them is in `ratings`."""
    coalesced: int
    """Ticks passed over."""
    ranking: Ranking
    revision: Revision

    def __len__(self) -> int:
        return len(self.ratings) + len(self.left)

    @property
    def parts(self) -> int:
        """In how many parts it is sent; one at least."""
        return max(1, *(-(-len(each) // RATINGS_AT_ONCE) for each in (self.ratings, self.left)))

    def part(self, number: int) -> tuple[Sequence[Rating], Sequence[Rating]]:
        """Ratings, and those that left, of a part, from 0."""
        some = slice(number * RATINGS_AT_ONCE, (number + 1) * RATINGS_AT_ONCE)
        return self.ratings[some], self.left[some]


class WatchedRatings:
    """The ratings of one question as they were last read, and when each changed.

    A tick is a reading in which something changed. A watcher is known by the tick they have, and nothing else: whoever
    lags behind is told all changes since then at once.
    """

    def __init__(self) -> None:
        self.tick = 0
        """Of the present state; 0 before the first reading."""
        self._state = State({}, _NOBODY, NOTHING)
        self._changed: dict[Key, int] = {}
        """The tick at which each rating changed last or left, in this order."""
        self._left: dict[Key, Rating] = {}
        self._since = 0
        """Changes are known since this tick."""
        self._ticks: dict[Revision, int] = {}
        """By revisions that were read, in their order."""

    def __len__(self) -> int:
        return len(self._state.ratings) + len(self._left)

    @property
    def state(self) -> State:
        """As it was last read."""
        return self._state

    def advance(self, ratings: Iterable[Rating], ranking: Ranking, revision: Revision) -> Iterator[None]:
        """Go on to the state at a later revision.

        Yields now and then, for others to get their turn; until the end the state stays what it was.
        """
        before, now = self._state.ratings, dict[Key, Rating]()
        changed = []
        for count, rating in enumerate(ratings, 1):
            key = key_of(rating)
            stood = before.get(key)
            if stood == rating:
                now[key] = stood
            else:
                now[key] = rating
                changed.append(key)
            if count % RATINGS_AT_ONCE == 0:
                yield
        left = [(key, rating) for key, rating in before.items() if key not in now]
        if ranking.model != self._state.ranking.model:
            self._begin()
        elif changed or left:
            self._go_on(changed, left)
        self._state = State(now, ranking, revision)
        self._ticks.pop(revision, None)
        self._ticks[revision] = self.tick
        if len(self._ticks) > REVISIONS_KEPT:
            del self._ticks[next(iter(self._ticks))]

    def tick_at(self, revision: Revision) -> int | None:
        """The tick of a watcher who has the state at a revision; None where that is not known here."""
        return self._ticks.get(revision)

    def since(self, tick: int | None) -> Difference:
        """What leads from a tick to the present state; from nothing where the tick is None or long ago."""
        if tick is None or tick < self._since:
            return whole(self._state)
        keys = []
        for key in reversed(self._changed):
            if self._changed[key] <= tick:
                break
            keys.append(key)
        shown = self._state.ratings
        return Difference(
            restarted=False,
            ratings=[shown[key] for key in keys if key in shown],
            left=[self._left[key] for key in keys if key in self._left],
            coalesced=max(0, self.tick - tick - 1),
            ranking=self._state.ranking,
            revision=self._state.revision,
        )

    def since_state(self, state: State) -> Difference:
        """What leads from a state of long ago to the present one."""
        before, now = state.ratings, self._state
        if state.ranking.model != now.ranking.model:
            return whole(now)
        return Difference(
            restarted=False,
            ratings=[rating for key, rating in now.ratings.items() if before.get(key) != rating],
            left=[rating for key, rating in before.items() if key not in now.ratings],
            coalesced=0,
            ranking=now.ranking,
            revision=now.revision,
        )

    def _begin(self) -> None:
        """Nothing from before counts: it is the first reading, or the first by another model."""
        self.tick += 1
        self._since = self.tick
        self._changed.clear()
        self._left.clear()

    def _go_on(self, changed: Iterable[Key], left: Iterable[tuple[Key, Rating]]) -> None:
        self.tick += 1
        for key in changed:
            self._left.pop(key, None)
            self._changed.pop(key, None)
            self._changed[key] = self.tick
        for key, rating in left:
            self._left[key] = rating
            self._changed.pop(key, None)
            self._changed[key] = self.tick
        while len(self._left) > LEFT_KEPT:
            key = next(iter(self._left))
            del self._left[key]
            self._since = max(self._since, self._changed.pop(key))


def whole(state: State) -> Difference:
    """What leads from nothing to a state."""
    return Difference(True, list(state.ratings.values()), (), 0, state.ranking, state.revision)


def state_of(evaluation: Evaluation, question: Question) -> State:
    """The ratings of a question, of an evaluation that is read."""
    ratings = {key_of(rating): rating for rating in evaluation.ratings(question)}
    return State(ratings, evaluation.ranking, evaluation.revision)


def key_of(rating: Rating) -> Key:
    """Tells a rating from all others of its question."""
    return rating.subject.subject_id, tuple(rating.group)
