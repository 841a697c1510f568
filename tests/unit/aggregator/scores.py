"""Scores for the aggregator's tests, by what matters to each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from aggregator.core.batches import batch_from, batch_of
from aggregator.core.filter import EVERYTHING
from aggregator.core.records import Distribution, PlayKey, Score, Scored, Unscored, Value
from aggregator.core.revision import Revision
from aggregator.core.segment import Names
from aggregator.core.snapshot import League, Snapshot
from aggregator.core.store import Changes, ScoreColumns
from aggregator.core.table import Table
from aggregator.core.task import Tasks
from aggregator.passing.task import PassingTask
from playscore.errors import Reason
from playscore.passing import PASSER
from playscore.release import ModelVersion, ReferencePopulation
from playscore.subjects import Role, Subject

LEAGUE = "SIM"
MODEL = ModelVersion("passing", 1)
OTHER_MODEL = ModelVersion("passing", 2)
POPULATION = ReferencePopulation(
    description="made up",
    subjects=31,
    min_plays=200,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)
PASSING = PassingTask({MODEL: POPULATION, OTHER_MODEL: POPULATION}, MODEL)
TASKS = Tasks([PASSING])


def score(
    play: str | int = "1",
    play_score: float | None = 0.5,
    *,
    game: str = "g1",
    subject: str = "p1",
    revision: int = 1,
    outcome_revision: int = 0,
    name: str = "",
    model: ModelVersion = MODEL,
    yards: float = 5.0,
    league: str = LEAGUE,
    role: Role = PASSER,
    result: str = "",
    **attributes: Value,
) -> Score:
    """A score; an ungraded one where the play score is None."""
    measures = {"play_score": play_score, "yards_gained": yards, "expected_yards": 6.0}
    return Score(
        play=PlayKey(league, game, str(play)),
        task=PASSING.number,
        subject=Subject(role, subject, name, str(attributes.get("team_id", ""))),
        model=model,
        revision=revision,
        outcome_revision=outcome_revision,
        measures=None if play_score is None else {name: value for name, value in measures.items() if value is not None},
        attributes=attributes,
        outcome={"result": result} if result else {},
    )


def scored(*arguments: str | float | None, distribution: str = "", support: str = "", **more: object) -> Scored:
    """The record of a score as `score` makes it, with a distribution where one is named."""
    expected = Distribution(distribution.encode(), support) if distribution else None
    return Scored(score(*arguments, **more), expected)  # type: ignore[arg-type]


def unscored(
    play: str | int = "1",
    *,
    game: str = "g1",
    task: int = PASSING.number,
    revision: int = 1,
    outcome_revision: int = 0,
    reason: Reason = Reason.NO_RELEASE,
    detail: str = "",
) -> Unscored:
    return Unscored(PlayKey(LEAGUE, game, str(play)), task, revision, outcome_revision, reason.value, detail, ())


def snapshot_of(*records: Score | Unscored, tasks: Tasks = TASKS) -> Snapshot:
    """Everything at once; scores have their place among the records for their number."""
    snapshot = Snapshot(tasks)
    scores = [(number, item) for number, item in enumerate(records) if isinstance(item, Score)]
    plays = [item for item in records if isinstance(item, Unscored)]
    snapshot.apply(Changes(Revision(len(records) + 1), True, scores, (), plays))
    return snapshot


def league_of(snapshot: Snapshot, name: str = LEAGUE) -> League:
    league = snapshot.league(name)
    assert league is not None
    return league


def graded_table(snapshot: Snapshot, model: ModelVersion = MODEL) -> Table:
    return league_of(snapshot).scores(PASSING, PASSER, model).graded


def table_of(*scores: Score) -> Table:
    return graded_table(snapshot_of(*scores))


def columns_of(scores: Iterable[tuple[int, Score]]) -> ScoreColumns:
    """Scores under their numbers, as a store streams them."""
    rows = [
        (
            *(number, *each.play, each.subject.role.number, each.model.name, each.model.version),
            *(each.subject.subject_id, each.subject.subject_name, each.subject.team_id),
            None if each.measures is None else json.dumps(each.measures).encode(),
            *(json.dumps(each.attributes).encode(), json.dumps(each.outcome).encode()),
        )
        for number, each in scores
    ]
    return ScoreColumns(*zip(*rows, strict=True))


def tables_of(*scores: Score) -> list[Table]:
    """The same graded scores in every way in which a table may have them, each under its place for its number."""
    numbered = list(enumerate(scores))
    halves = numbered[: len(numbered) // 2], numbered[len(numbered) // 2 :]
    recent, loaded, one_by_one, in_two, mended = (Table(Names(LEAGUE), PASSING, PASSER, MODEL) for _ in range(5))
    recent.put(numbered)
    loaded.load(batch_from(PASSING.schema, [columns_of(numbered)], graded=True))
    for each in numbered:
        one_by_one.load(batch_of(PASSING.schema, [each], graded=True))
    for half in filter(None, halves):
        in_two.load(batch_of(PASSING.schema, half, graded=True))
    in_two.put(halves[0])
    wrong = [(number, replace(each, attributes={"down": 1, "home": True})) for number, each in numbered]
    mended.load(batch_of(PASSING.schema, [*wrong, (len(wrong), scores[0])], graded=True))
    mended.grouped(EVERYTHING)
    mended.remove([len(wrong)])
    mended.put(numbered)
    while (merge := one_by_one.merge()) is not None:
        merge.finish(merge.run())
    return [recent, loaded, one_by_one, in_two, mended]
