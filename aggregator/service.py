"""The aggregator's contract: decode, ask, encode."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final, TypeAlias, TypeVar

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from aggregator.core.filter import parse_filter
from aggregator.core.following import Follower
from aggregator.core.new_leagues import NewLeagues
from aggregator.core.operations import Erasure, ModelSwitch
from aggregator.core.paging import Paging
from aggregator.core.past import Past, View
from aggregator.core.queries import RatingQueries, Split, operations_page
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Store
from aggregator.core.tokens import Tokens, WatchedState
from aggregator.core.watching import Difference, Evaluation, Question, State, state_of
from aggregator.keeper import Keeper
from aggregator.messages import (
    Contract,
    TaskMessages,
    coverage_to_message,
    field_to_message,
    listed_league_to_message,
    listed_model_to_message,
    listed_to_message,
    model_from_message,
    model_to_message,
    operation_to_message,
    past_time,
    ranking_to_message,
)
from aggregator.metrics import COMMIT_SECONDS
from aggregator.probing import WriteProbe
from aggregator.traces import Recording
from aggregator.watch import Since, Watches
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.steps import Steps
from playscore.wire.validation import check, invalid
from servicekit.admission import resting
from servicekit.audit import audited
from servicekit.callers import current_caller
from servicekit.metrics import PLAYS
from servicekit.slices import in_slices
from servicekit.token_keys import TokenKeyFile
from servicekit.tokens import Keyring, derived

WRITES: Final = "writes"
"""What health calls the part of the service that writes, after its name and a slash."""
MAX_WAIT_SECONDS: Final = 1.0
"""For a state that a reader asks for, however much time the reader has."""
ANSWER_SECONDS: Final = 0.02
"""What a wait leaves of a caller's deadline for the answer."""

LONG_FILTER: Final = 200
"""Characters of a filter that takes its time to parse."""

T = TypeVar("T")
M = TypeVar("M")
Context = grpc.aio.ServicerContext[Any, Any]
Reads: TypeAlias = (
    messages.GetRatingRequest
    | messages.ListRatingsRequest
    | messages.CompareRatingsRequest
    | messages.ListPlaysRequest
    | messages.GetCoverageRequest
    | messages.ListSubjectsRequest
    | messages.ListLeaguesRequest
    | messages.ListModelsRequest
    | messages.WatchRatingsRequest
)
Pages: TypeAlias = (
    messages.ListRatingsRequest
    | messages.ListPlaysRequest
    | messages.DescribeSplitsRequest
    | messages.ListSubjectsRequest
    | messages.ListModelsRequest
    | messages.ListLeaguesRequest
    | messages.ListOperationsRequest
)


class AggregatorService(aggregator_pb2_grpc.AggregatorServiceServicer):
    """Writes scores of tasks to a store, reads from the snapshot that follows it.

    Tokens are signed with the keys of a file, or else with one that follows from the store's own secret.
    """

    name = "aggregator"

    def __init__(
        self,
        store: Store,
        tasks: Sequence[TaskMessages],
        *,
        max_watched_splits: int = 256,
        max_leagues: int = 1_000,
        token_keys: TokenKeyFile | None = None,
    ) -> None:
        self._store = store
        self._token_keys = token_keys
        self._max_leagues = max_leagues
        self._contract = Contract(tasks)
        self._snapshot = Snapshot(self._contract.tasks)
        self._follower = Follower(store, self._snapshot)
        self._queries = RatingQueries(self._snapshot)
        self._keeper = Keeper(store, self._snapshot)
        self.writes = WriteProbe(store)
        """Whether the store takes writes."""
        self._past = Past(store, self._snapshot)
        self._watches = Watches(
            self._queries,
            self._follower,
            self._encode_changes,
            self._past_ratings,
            max_splits=max_watched_splits,
        )

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract."""
        return messages.DESCRIPTOR.services_by_name["AggregatorService"]

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the handlers."""
        aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Opens the store and reads all of it."""
        await self._store.open()
        if self._token_keys is None:
            keyring = Keyring(derived(self._store.secret, "tokens"))
        else:
            self._token_keys.open()
            keyring = self._token_keys.keyring
        self._tokens = Tokens(keyring, self._store.store_id)
        await self._follower.open()
        await self.writes.open()
        self._keeper.open(kept=self._follower.kept is not None)
        self._watches.open()

    async def ready(self) -> bool:
        """Whether reads follow the store."""
        return self._follower.following() and self._watches.following()

    @property
    def parts(self) -> Sequence[str]:
        """Writes can fail while reads go on."""
        return (WRITES,)

    def part_ready(self, part: str) -> bool:
        """Whether the store takes writes."""
        return self.writes.taken

    async def close(self) -> None:
        """Finishes what is being written."""
        await self.writes.close()
        await self._keeper.close()
        await self._watches.close()
        await self._past.close()
        await self._follower.close()
        await self._store.close()
        if self._token_keys is not None:
            await self._token_keys.close()

    async def RecordScores(
        self, request: messages.RecordScoresRequest, context: Context
    ) -> messages.RecordScoresResponse:
        """Writes what can be written; what is answered is durable."""
        audited(request_id=request.request_id, records=len(request.records))
        new_leagues = NewLeagues(self._snapshot, self._max_leagues)
        write = await in_slices(self._contract.write(request, current_caller.get(), new_leagues), in_loop=False)
        leagues = {record.play.league for record in write.records.values()}
        leagues |= {rejected.play.league for rejected in write.rejected if rejected.play is not None}
        audited(leagues=leagues)
        begin, recording = time.perf_counter(), Recording(request)
        try:
            with recording.of(write) as traced, self.writes.watching():
                written = await self._store.record(traced)
        finally:
            COMMIT_SECONDS.observe(time.perf_counter() - begin, recording.ids)
        for outcome in ("inserted", "replaced", "unchanged", "withdrawn"):
            PLAYS.labels(outcome, "").inc(getattr(written, outcome))
        PLAYS.labels("stale", "").inc(len(written.stale))
        audited(
            inserted=written.inserted,
            replaced=written.replaced,
            withdrawn=written.withdrawn,
            unchanged=written.unchanged,
            stale=len(written.stale),
            rejected=len(written.rejected),
        )
        for reason, records in Counter(rejected.reason.name for rejected in written.rejected).items():
            PLAYS.labels("rejected", reason).inc(records)
        return await in_slices(self._contract.written(written, self._token(written.revision)))

    async def GetRating(self, request: messages.GetRatingRequest, context: Context) -> messages.GetRatingResponse:
        """One subject's rating."""
        split = self._contract.split(request)
        view = await self._view(request, split.league, context, split)
        rating, ranking = view.queries.rating(split, request.subject_id, min_plays=_min_plays(request))
        return messages.GetRatingResponse(
            rating=self._contract.of(split.role).rating_to_message(rating),
            ranking=ranking_to_message(ranking),
            revision=self._token(view.revision),
        )

    async def ListRatings(self, request: messages.ListRatingsRequest, context: Context) -> messages.ListRatingsResponse:
        """Every rating."""
        split = self._contract.split(request)
        view = await self._view(request, split.league, context, split)
        page = view.queries.ratings(
            split,
            self._paging(request),
            group_by=request.group_by,
            order_by=request.order_by,
            min_plays=_min_plays(request),
            qualified_only=request.qualified_only,
        )
        return messages.ListRatingsResponse(
            ratings=await in_slices(_each(self._contract.of(split.role).rating_to_message, page.items)),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            ranking=ranking_to_message(page.ranking),
            revision=self._token(view.revision),
        )

    async def CompareRatings(
        self, request: messages.CompareRatingsRequest, context: Context
    ) -> messages.CompareRatingsResponse:
        """How far two ratings are apart."""
        first, second = self._contract.compared(request)
        leagues = {first.split.league, second.split.league}
        league = leagues.pop() if len(leagues) == 1 else None
        view = await self._view(request, league, context, first.split, second.split)
        return self._contract.comparison(view.queries.compare(first, second), self._token(view.revision))

    async def ListPlays(self, request: messages.ListPlaysRequest, context: Context) -> messages.ListPlaysResponse:
        """The plays of a split, as the store keeps them."""
        split = self._contract.split(request)
        view = await self._view(request, split.league, context, split)
        page = view.queries.plays(
            split,
            self._paging(request),
            subject_id=request.subject_id,
            include_ungraded=request.include_ungraded,
        )
        reading = await self._store.read(page.items, view.revision)
        to_message = self._contract.of(split.role).score_to_message
        answer = messages.ListPlaysResponse(
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=self._token(view.revision),
            model=model_to_message(view.queries.model(split)),
        )

        def told(number: int) -> messages.ScoreRecord:
            scored = reading.scored.get(number)
            if scored is None:
                raise PlayscoreError(
                    Reason.NOT_FRESH_ENOUGH, "a play was erased while it was read; ask again", retry_after_seconds=0.05
                )
            record = to_message(scored.score)
            if request.include_distributions and scored.distribution is not None:
                record.distribution.MergeFromString(scored.distribution.content)
            return record

        answer.plays.extend(await in_slices(_each(told, page.items)))
        if request.include_distributions:
            answer.supports.extend(map(distributions.Support.FromString, reading.supports.values()))
        return answer

    async def GetCoverage(self, request: messages.GetCoverageRequest, context: Context) -> messages.GetCoverageResponse:
        """How much is covered."""
        role = self._contract.role(request)
        view = await self._view(request, request.league, context)
        coverage = view.queries.coverage(request.league, role, model_from_message(request), game_id=request.game_id)
        model = view.queries.model(Split(request.league, role, model=model_from_message(request)))
        return coverage_to_message(coverage, model, self._token(view.revision))

    async def WatchRatings(self, request: messages.WatchRatingsRequest, context: Context) -> AsyncIterator[Any]:
        """Ratings as they change. Responses are encoded already, once for all who are told the same."""
        question = self._contract.question(request)
        await self._prepare(self._queries, question.ranked.split)
        self._queries.check(question.ranked.split)
        start, at_least = await self._begin(request, question, context)
        async with aclosing(self._watches.responses(question, start, at_least)) as responses:
            async for response in responses:
                yield response

    async def DescribeSplits(
        self, request: messages.DescribeSplitsRequest, context: Context
    ) -> messages.DescribeSplitsResponse:
        """The fields of filters, by name."""
        role = self._contract.role(request)
        page = self._queries.fields(role, self._paging(request))
        return messages.DescribeSplitsResponse(
            fields=map(field_to_message, page.items), next_page_token=page.next_page_token
        )

    async def ListSubjects(
        self, request: messages.ListSubjectsRequest, context: Context
    ) -> messages.ListSubjectsResponse:
        """Who has plays."""
        role = self._contract.role(request)
        view = await self._view(request, request.league, context)
        page = view.queries.subjects(
            request.league,
            role,
            model_from_message(request),
            self._paging(request),
            name_contains=request.name_contains,
        )
        return messages.ListSubjectsResponse(
            subjects=map(listed_to_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=self._token(view.revision),
            model=model_to_message(view.queries.model(Split(request.league, role, model=model_from_message(request)))),
        )

    async def ListLeagues(self, request: messages.ListLeaguesRequest, context: Context) -> messages.ListLeaguesResponse:
        """Leagues, and how much is rated of each."""
        check(request)
        view = await self._view(request, None, context)
        page = view.queries.leagues(self._paging(request))
        return messages.ListLeaguesResponse(
            leagues=map(listed_league_to_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=self._token(view.revision),
        )

    async def ListModels(self, request: messages.ListModelsRequest, context: Context) -> messages.ListModelsResponse:
        """Models, and what each has scored."""
        role = self._contract.role(request)
        view = await self._view(request, request.league, context)
        page = view.queries.models(request.league, role, self._paging(request))
        return messages.ListModelsResponse(
            models=map(listed_model_to_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=self._token(view.revision),
        )

    async def SwitchModel(self, request: messages.SwitchModelRequest, context: Context) -> messages.SwitchModelResponse:
        """Rates a league by another model."""
        audited(request_id=request.request_id, leagues=[request.league])
        with self.writes.watching():
            done = await self._store.switch(self._contract.switching(request, current_caller.get()))
        assert isinstance(done.effect, ModelSwitch)
        audited(model=str(done.effect.model), previous=str(done.effect.previous))
        return messages.SwitchModelResponse(
            previous=model_to_message(done.effect.previous), revision=self._token(done.revision)
        )

    async def EraseRecords(
        self, request: messages.EraseRecordsRequest, context: Context
    ) -> messages.EraseRecordsResponse:
        """Erases a player or a league."""
        audited(request_id=request.request_id, leagues=[request.league], erases=request.WhichOneof("what") or "")
        with self.writes.watching():
            done = await self._store.erase(self._contract.erasing(request, current_caller.get()))
        assert isinstance(done.effect, Erasure)
        effect = done.effect
        audited(scores=effect.scores, superseded=effect.superseded, unscored=effect.unscored, mentions=effect.mentions)
        with suppress(PlayscoreError):  # it is done, whenever this replica comes to see it
            await self._follower.reach(done.revision, MAX_WAIT_SECONDS)
        return messages.EraseRecordsResponse(
            scores=effect.scores,
            superseded=effect.superseded,
            unscored=effect.unscored,
            mentions=effect.mentions,
            revision=self._token(done.revision),
        )

    async def ListOperations(
        self, request: messages.ListOperationsRequest, context: Context
    ) -> messages.ListOperationsResponse:
        """What operators did, latest first."""
        check(request)
        operations = await self._store.operations()
        page = operations_page(operations, request.league, self._paging(request))
        return messages.ListOperationsResponse(
            operations=[operation_to_message(each, self._token(each.applied.revision)) for each in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def _view(self, request: Reads, league: str | None, context: Context, *splits: Split) -> View:
        """The state that a read asks for, which is waited for: of a league, or of all of them.

        It is ready to be asked about the splits.
        """
        await self._prepare(self._queries, *splits)
        view = await self._state(request, league, context)
        if view.queries is not self._queries:
            await self._prepare(view.queries, *splits)
        return view

    async def _prepare(self, queries: RatingQueries, *splits: Split) -> None:
        """Does in slices what of a question about splits may take long."""
        for split in splits:
            if len(split.filter) > LONG_FILTER:
                await in_slices(self._parsed(split), in_loop=False)
            for steps in queries.preparing(split):
                await in_slices(_exhausted(steps))

    def _parsed(self, split: Split) -> Steps[None]:
        yield
        with suppress(PlayscoreError):  # which the question raises again
            parse_filter(split.filter, self._contract.tasks[split.role].schema)

    async def _state(self, request: Reads, league: str | None, context: Context) -> View:
        consistency = request.consistency
        match consistency.WhichOneof("requirement") if request.HasField("consistency") else "fastest":
            case "at_least_as_fresh":
                revision = self._revision(consistency.at_least_as_fresh, "consistency.at_least_as_fresh")
                await self._reach(revision, context)
            case "as_of":
                return await self._as_of(self._revision(consistency.as_of, "consistency.as_of"), league, context)
            case "as_of_time":
                time = past_time(consistency.as_of_time, "consistency.as_of_time")
                return await self._as_of(await self._store.revision_at(time), league, context)
            case "fastest" if request.HasField("consistency") and not consistency.fastest:
                raise invalid("consistency.fastest", "must be true, or not set")
            case "latest":
                if not consistency.latest:
                    raise invalid("consistency.latest", "must be true, or not set")
                await self._reach(await self._store.present(), context)
            case None:
                raise invalid(
                    "consistency",
                    "must state one of fastest, latest, at_least_as_fresh, as_of and as_of_time, or be absent",
                )
        return View(self._queries, self._snapshot.revision)

    async def _as_of(self, revision: Revision, league: str | None, context: Context) -> View:
        await self._reach(revision, context)
        if self._snapshot.revision == revision:
            return View(self._queries, revision)
        return await self._past.at(revision, league)

    async def _reach(self, revision: Revision, context: Context) -> None:
        """Wait until this replica has a state, for as long as the caller can wait. Meanwhile the call holds no room.

        A state that is not there yet, anywhere, is refused at once.
        """
        if self._snapshot.revision.covers(revision):
            return
        with resting():
            present = await self._store.present()
            if not present.covers(revision):
                raise invalid(
                    "consistency",
                    f"names change {revision.end}, which this store does not have: it is at {present.end}",
                    Reason.REVISION_TOKEN_INVALID,
                )
            await self._follower.reach(revision, _longest_wait(context))

    async def _begin(
        self, request: messages.WatchRatingsRequest, question: Question, context: Context
    ) -> tuple[WatchedState | Since | None, list[Revision]]:
        """Where a watch begins, and which states it is to have, once this replica has them."""
        consistency, requirement = request.consistency, request.consistency.WhichOneof("requirement")
        start: WatchedState | Since | None = None
        at_least: list[Revision] = []
        if request.HasField("resume_token"):
            start = self._tokens.read_watch(request.resume_token.value, question.identity)
        match requirement:
            case "as_of" | "as_of_time" if request.HasField("resume_token"):
                raise invalid(
                    f"consistency.{requirement}", "must not be set with a resume token, which says where to go on"
                )
            case "as_of":
                start = Since(self._revision(consistency.as_of, "consistency.as_of"))
            case "as_of_time":
                time = past_time(consistency.as_of_time, "consistency.as_of_time")
                start = Since(await self._store.revision_at(time))
            case "at_least_as_fresh":
                at_least.append(self._revision(consistency.at_least_as_fresh, "consistency.at_least_as_fresh"))
            case _:
                await self._view(request, question.ranked.split.league, context)
        if start is not None:
            at_least.append(start.revision)
        for revision in at_least:
            await self._reach(revision, context)
        return start, at_least

    def _encode_changes(self, question: Question, difference: Difference, part: int) -> bytes:
        """A part of what a watcher is told; the last one with its checkpoint."""
        response = self._contract.changes(question, difference, part)
        if part == difference.parts - 1:
            ranking, revision = difference.ranking, self._token(difference.revision)
            state = WatchedState(difference.revision, ranking.model)
            response.checkpoint.revision.CopyFrom(revision)
            response.checkpoint.resume_token.value = self._tokens.watch(question.identity, state)
            response.checkpoint.ranking.CopyFrom(ranking_to_message(ranking))
        return response.SerializeToString()

    async def _past_ratings(self, question: Question, revision: Revision) -> State | None:
        """What a watcher had at a revision; None where the store does not keep it, or has erased some of it since."""
        ranked = question.ranked
        operations = await self._store.operations()
        if any(
            isinstance(each.applied.effect, Erasure) and not revision.covers(each.applied.revision)
            for each in operations
        ):
            return None
        try:
            view = await self._past.at(revision, ranked.split.league)
        except PlayscoreError as error:
            if error.reason is Reason.REVISION_NOT_KEPT:
                return None
            raise
        standings = view.queries.watched(ranked.split, group_by=ranked.group_by, min_plays=ranked.min_plays)
        evaluation = Evaluation(standings, revision)
        for _ in evaluation.read():
            await asyncio.sleep(0)
        return state_of(evaluation, question)

    def _revision(self, token: common.RevisionToken, path: str) -> Revision:
        return self._tokens.read_revision(token.value, path)

    def _token(self, revision: Revision) -> common.RevisionToken:
        return common.RevisionToken(value=self._tokens.revision(revision))

    def _paging(self, request: Pages) -> Paging:
        return Paging(request.page_size, request.page_token, self._tokens)


def _exhausted(steps: Iterable[None]) -> Steps[None]:
    yield from steps


def _each(made: Callable[[T], M], items: Iterable[T]) -> Steps[list[M]]:
    """What is made of each item."""
    done: list[M] = []
    for item in items:
        done.append(made(item))
        yield
    return done


def _longest_wait(context: Context) -> float:
    """Seconds that a caller can be kept waiting for a state."""
    remaining = context.time_remaining()
    return max(0.0, MAX_WAIT_SECONDS if remaining is None else min(MAX_WAIT_SECONDS, remaining - ANSWER_SECONDS))


def _min_plays(request: messages.GetRatingRequest | messages.ListRatingsRequest) -> int | None:
    return request.min_plays if request.HasField("min_plays") else None
