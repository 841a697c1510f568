"""A task that nobody has heard of is kept, split, rated and ranked in process: the core knows no task by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from aggregator.core.arrays import Numbers
from aggregator.core.fields import Field, FieldType, Schema
from aggregator.core.following import Follower
from aggregator.core.queries import ComparedSubject, Coverage, RatingQueries, Split
from aggregator.core.recording import Write
from aggregator.core.records import PlayKey, PlayRecord, Score, Scored, Unscored, Value
from aggregator.core.snapshot import Snapshot
from aggregator.core.standings import Ranking
from aggregator.core.task import ComparedPlays, Extent, Tasks, Totals
from aggregator.sqlite import SqliteStore
from playscore.errors import Reason
from playscore.rating_differences import Difference, normal
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

TOY = Role(1000, "toy")
MODEL = ModelVersion("toy", 1)


class ToyTask:
    """Rates by the sum of totals; one play of three qualifies."""

    number = 1000
    roles = (TOY,)
    models: Collection[ModelVersion] = (MODEL,)
    default_model = MODEL
    schema = Schema(
        measures=("total",),
        attributes=(Field("color", FieldType.ENUM, "", "Of the toy.", values=("RED", "BLUE")),),
    )
    ranked_by = "total"
    orders = ("total",)
    compared_by = "total"

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        return {"total": totals.sums["total"]}

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        return normal(float(first.own.sums["total"][0] - second.own.sums["total"][0]), 0.0)

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        return extent.plays // 3


def toy(play: int, child: str, total: float | None, revision: int = 1, **attributes: Value) -> Scored:
    measures = None if total is None else {"total": total}
    subject = Subject(TOY, child, child.title(), "")
    return Scored(
        Score(PlayKey("NURSERY", "monday", f"{play}"), 1000, subject, MODEL, revision, 0, measures, attributes)
    )


RECORDS: list[PlayRecord] = [
    toy(1, "ann", 1.0, color="RED"),
    toy(2, "ann", 2.5, color="BLUE"),
    toy(3, "bob", 4.0, color="BLUE"),
    toy(4, "bob", None),
    Unscored(PlayKey("NURSERY", "monday", "5"), 1000, 1, 0, Reason.NO_FRAMES.value, "asleep", ()),
]


async def test_a_toy_is_recorded_rated_and_corrected(tmp_path: Path) -> None:
    tasks = Tasks([ToyTask()])
    store, snapshot = SqliteStore(tmp_path / "toys.sqlite", tasks.roles), Snapshot(tasks)
    follower, queries = Follower(store, snapshot), RatingQueries(snapshot)
    everything = Split("NURSERY", TOY)

    async def record(request_id: str, *records: PlayRecord) -> None:
        written = await store.record(Write(request_id, b"", dict(enumerate(records))))
        await follower.reach(written.revision, 5)

    def totals(split: Split = everything, *, group_by: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
        page = queries.ratings(split, group_by=group_by)
        return [
            (*(value for _, value in each.group), each.subject.subject_id, each.value["total"], each.rank)
            for each in page.items
        ]

    await store.open()
    await follower.open()
    try:
        await record("first", *RECORDS)
        assert totals() == [("bob", 4.0, 1), ("ann", 3.5, 2)]
        assert queries.ratings(everything).ranking == Ranking(MODEL, min_plays=1, qualified=2)
        assert totals(Split("NURSERY", TOY, "color = BLUE")) == [("bob", 4.0, 1), ("ann", 2.5, 2)]
        assert totals(group_by=("color",)) == [("BLUE", "", 6.5, 1), ("RED", "", 1.0, 2)]
        comparison = queries.compare(
            ComparedSubject(Split("NURSERY", TOY, "color = BLUE"), "bob"), ComparedSubject(everything, "ann")
        )
        assert comparison.difference is not None
        assert (comparison.difference.measure, comparison.difference.difference.value) == ("total", 0.5)
        assert queries.coverage("NURSERY", TOY) == Coverage(3, 1, [(Reason.NO_FRAMES.value, 1)])
        await record("corrected", toy(3, "ann", 4.0, revision=2), toy(4, "bob", 9.0))
        assert totals() == [("bob", 9.0, 1), ("ann", 7.5, 2)]
        (of_bob,) = queries.plays(everything, subject_id="bob").items
        assert (await store.read([of_bob], snapshot.revision)).scored[of_bob] == toy(4, "bob", 9.0)
        assert [field.name for field in queries.fields(TOY).items] == ["color", "game_id", "play_id", "subject_id"]
    finally:
        await follower.close()
        await store.close()
