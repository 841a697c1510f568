"""Scores in, ratings out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.client.connection import Connection, Tls
from playscore.client.listings import Listing, Paged
from playscore.client.watch import Call, RatingsWatch
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.distributions import Censored
from playscore.wire.distributions import distribution_from_message

if TYPE_CHECKING:
    from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceAsyncStub

PAGE_SIZE = 1_000
"""Items that a list call asks for at a time: the most that one page has."""

Freshness: TypeAlias = common.RevisionToken | Literal["latest"]
"""The least that a read is to know: what an earlier answer named, or every write that was answered before it."""

Page = TypeVar("Page", bound=Paged)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ListedPlay:
    """A play that a rating is made of."""

    record: messages.ScoreRecord
    """As it was recorded."""
    support: distribution.Support | None
    """The support of the record's distribution; None where the record comes without a distribution of yards."""

    def distribution(self) -> Censored:
        """The yards that were to be expected. Raises PlayscoreError(DISTRIBUTION_INVALID) where there are none."""
        supports = () if self.support is None else (self.support,)
        return distribution_from_message(self.record.distribution, supports)


class RatingList(Listing[messages.ListRatingsResponse, messages.Rating]):
    """The ratings of a split, in the order asked for."""

    async def ranking(self) -> messages.Ranking:
        """What they are ranked by: the model, how many plays qualify, how many subjects do."""
        return (await self.first_page()).ranking


class AggregatorClient(Connection):
    """Calls an aggregator.

    A `split` is a filter over the fields that `describe_splits` names, for example `down = 3 AND under_pressure`;
    empty: all plays. `model` is the one rated by; None: the one the service is set to. Reads are of the state that the
    service has, unless they are to be `at_least_as_fresh` as a revision that an earlier answer named or as the "latest"
    write of anybody, or exactly `as_of` a revision or a time (of this machine's zone where it names none).
    """

    def __init__(
        self, address: str = "127.0.0.1:50053", *, tls: Tls | None = None, timeout_seconds: float = 10.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)

    @property
    def _stub(self) -> AggregatorServiceAsyncStub:
        return self.stub_of(AggregatorServiceStub)

    async def record_scores(
        self,
        records: Iterable[messages.PlayRecord],
        supports: Iterable[distribution.Support] = (),
        request_id: str = "",
    ) -> messages.RecordScoresResponse:
        """Write scores, and plays that could not be scored, at most 10,000. What is accepted is on disk.

        `supports` are those that the distributions of the records name. Callers who repeat a call themselves give it a
        `request_id` and repeat that too; retries made here keep it.
        """
        request = messages.RecordScoresRequest(
            request_id=request_id or str(uuid.uuid4()), records=records, supports=supports
        )
        return await self.call(lambda timeout: self._stub.RecordScores(request, timeout=timeout))

    async def get_rating(
        self,
        league: str,
        subject_id: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        split: str = "",
        model: common.ModelVersion | None = None,
        min_plays: int | None = None,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> messages.GetRatingResponse:
        """One subject's rating in one split. `min_plays` qualify for the ranking; None: the task's own rule."""
        request = messages.GetRatingRequest(
            split=messages.Split(league=league, role=role, filter=split, model=model),
            subject_id=subject_id,
            min_plays=min_plays,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return await self.call(lambda timeout: self._stub.GetRating(request, timeout=timeout))

    async def compare_ratings(
        self,
        league: str,
        first: str,
        second: str = "",
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        split: str = "",
        second_split: str | None = None,
        model: common.ModelVersion | None = None,
        second_model: common.ModelVersion | None = None,
        second_league: str = "",
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> messages.CompareRatingsResponse:
        """How far two ratings are apart, and how probable it is that the first is truly better.

        `first` and `second` are identifiers of subjects. Two in one split:
        `compare_ratings("NFL", "p1", "p2", split="under_pressure")`. One in two:
        `compare_ratings("NFL", "p1", split="under_pressure", second_split="NOT under_pressure")`. What is not said of
        the second side is as in the first. Raises ValueError where nothing is.
        """
        if not (second or second_model or second_league or second_split is not None):
            raise ValueError("nothing to compare: give second, second_split, second_model or second_league")
        one = messages.Split(league=league, role=role, filter=split, model=model)
        other = messages.Split(
            league=second_league or league,
            role=role,
            filter=split if second_split is None else second_split,
            model=second_model or model,
        )
        request = messages.CompareRatingsRequest(
            first=messages.ComparedSubject(split=one, subject_id=first),
            second=messages.ComparedSubject(split=other, subject_id=second or first),
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return await self.call(lambda timeout: self._stub.CompareRatings(request, timeout=timeout))

    def list_ratings(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        split: str = "",
        group_by: Iterable[str] = (),
        model: common.ModelVersion | None = None,
        order_by: str = "",
        min_plays: int | None = None,
        qualified_only: bool = False,
        page_size: int = PAGE_SIZE,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> RatingList:
        """The ratings of one split, best first unless `order_by` says otherwise.

        `group_by` says what makes one rating: fields that `describe_splits` calls groupable, for example `subject_id`
        and `season`; empty: the subject.
        """
        request = messages.ListRatingsRequest(
            split=messages.Split(league=league, role=role, filter=split, model=model),
            group_by=group_by,
            order_by=order_by,
            min_plays=min_plays,
            qualified_only=qualified_only,
            page_size=page_size,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return RatingList(self._asking(self._stub.ListRatings, request), lambda page: page.ratings)

    def watch_ratings(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        split: str = "",
        subject_ids: Iterable[str] = (),
        group_by: Iterable[str] = (),
        model: common.ModelVersion | None = None,
        min_plays: int | None = None,
        qualified_only: bool = False,
        resume_token: messages.WatchToken | None = None,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
        reconnect_seconds: float = 60.0,
    ) -> RatingsWatch:
        """The ratings of one split, now and as they change; of all subjects, or of some, ranked among all.

        What is watched need not exist yet. `resume_token` goes on after a checkpoint of an earlier watch with the same
        arguments. A break is mended as long as it lasts no more than `reconnect_seconds`; `math.inf` never gives up.
        """
        request = messages.WatchRatingsRequest(
            split=messages.Split(league=league, role=role, filter=split, model=model),
            subject_ids=subject_ids,
            group_by=group_by,
            min_plays=min_plays,
            qualified_only=qualified_only,
            resume_token=resume_token,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return RatingsWatch(self.address, self._open_watch, request, reconnect_seconds)

    def list_plays(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        subject_id: str = "",
        split: str = "",
        model: common.ModelVersion | None = None,
        include_distributions: bool = False,
        include_ungraded: bool = False,
        page_size: int = PAGE_SIZE,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> Listing[messages.ListPlaysResponse, ListedPlay]:
        """The plays of one split, one subject's or everybody's, by season, week, game and play.

        `include_ungraded` adds plays that are scored and wait for their official result.
        """
        request = messages.ListPlaysRequest(
            split=messages.Split(league=league, role=role, filter=split, model=model),
            subject_id=subject_id,
            include_distributions=include_distributions,
            include_ungraded=include_ungraded,
            page_size=page_size,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return Listing(self._asking(self._stub.ListPlays, request), _listed_plays)

    def list_subjects(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        name_contains: str = "",
        model: common.ModelVersion | None = None,
        page_size: int = PAGE_SIZE,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> Listing[messages.ListSubjectsResponse, messages.ListedSubject]:
        """Who has plays in a league, by name. `name_contains` ignores case and accents; empty: everybody."""
        request = messages.ListSubjectsRequest(
            league=league,
            role=role,
            name_contains=name_contains,
            model=model,
            page_size=page_size,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return Listing(self._asking(self._stub.ListSubjects, request), lambda page: page.subjects)

    async def get_coverage(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        game_id: str = "",
        model: common.ModelVersion | None = None,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> messages.GetCoverageResponse:
        """How many plays of a game, or of the league, are scored, and why the others are not."""
        request = messages.GetCoverageRequest(
            league=league,
            role=role,
            game_id=game_id,
            model=model,
            consistency=consistency(at_least_as_fresh, as_of),
        )
        return await self.call(lambda timeout: self._stub.GetCoverage(request, timeout=timeout))

    def list_leagues(
        self,
        *,
        page_size: int = PAGE_SIZE,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> Listing[messages.ListLeaguesResponse, messages.ListedLeague]:
        """The leagues of which something is recorded, by name, and how many graded plays each role has in them."""
        request = messages.ListLeaguesRequest(page_size=page_size, consistency=consistency(at_least_as_fresh, as_of))
        return Listing(self._asking(self._stub.ListLeagues, request), lambda page: page.leagues)

    def list_models(
        self,
        league: str,
        *,
        role: common.Role.ValueType = common.ROLE_PASSER,
        page_size: int = PAGE_SIZE,
        at_least_as_fresh: Freshness | None = None,
        as_of: common.RevisionToken | datetime | None = None,
    ) -> Listing[messages.ListModelsResponse, messages.ListedModel]:
        """The models that a league can be rated by, by name and version, and how many plays each has scored of it."""
        request = messages.ListModelsRequest(
            league=league, role=role, page_size=page_size, consistency=consistency(at_least_as_fresh, as_of)
        )
        return Listing(self._asking(self._stub.ListModels, request), lambda page: page.models)

    async def switch_model(
        self,
        league: str,
        task: common.Task.ValueType,
        model: common.ModelVersion,
        *,
        expected: common.ModelVersion | None = None,
        request_id: str = "",
    ) -> messages.SwitchModelResponse:
        """Rate a league by a model from now on, for all who name none; an operator's call.

        Refused (MODEL_CHANGED) where the league is rated by another model than `expected`.
        """
        request = messages.SwitchModelRequest(
            request_id=request_id or str(uuid.uuid4()), league=league, task=task, model=model, expected=expected
        )
        return await self.call(lambda timeout: self._stub.SwitchModel(request, timeout=timeout))

    async def erase_records(
        self, league: str, justification: str, *, subject_id: str = "", whole_league: bool = False, request_id: str = ""
    ) -> messages.EraseRecordsResponse:
        """Erase what is recorded of a player, or all of a league, for good; an operator's call.

        The justification is kept, so it must not say who. Raises ValueError unless exactly one of both is to be erased.
        """
        if bool(subject_id) is whole_league:
            raise ValueError("give the subject_id of a player, or whole_league=True for all of the league")
        request = messages.EraseRecordsRequest(
            request_id=request_id or str(uuid.uuid4()), league=league, justification=justification
        )
        if whole_league:
            request.whole_league = True
        else:
            request.subject_id = subject_id
        return await self.call(lambda timeout: self._stub.EraseRecords(request, timeout=timeout))

    def list_operations(
        self, league: str = "", *, page_size: int = PAGE_SIZE
    ) -> Listing[messages.ListOperationsResponse, messages.Operation]:
        """What operators did, latest first; in one league, or in all if empty."""
        request = messages.ListOperationsRequest(league=league, page_size=page_size)
        return Listing(self._asking(self._stub.ListOperations, request), lambda page: page.operations)

    async def describe_splits(
        self, role: common.Role.ValueType = common.ROLE_PASSER
    ) -> tuple[messages.SplitField, ...]:
        """The fields that a split can be made by, by name."""
        request = messages.DescribeSplitsRequest(role=role)
        fields = Listing(self._asking(self._stub.DescribeSplits, request), lambda page: page.fields)
        return tuple([field async for field in fields])

    def _open_watch(self, request: messages.WatchRatingsRequest) -> Call:
        return self._stub.WatchRatings(request, wait_for_ready=False)

    def _asking(self, method: Any, request: Any) -> Callable[[str], Any]:
        """Asks for the page of a token."""

        async def ask(page_token: str) -> Any:
            paged = type(request)()
            paged.CopyFrom(request)
            paged.page_token = page_token
            return await self.call(lambda timeout: method(paged, timeout=timeout))

        return ask


def _listed_plays(page: messages.ListPlaysResponse) -> Iterator[ListedPlay]:
    supports = {support.support_id: support for support in page.supports}
    for record in page.plays:
        yield ListedPlay(record, supports.get(record.distribution.spliced_binned_pareto.support_id))


def consistency(
    at_least_as_fresh: Freshness | None = None, as_of: common.RevisionToken | datetime | None = None
) -> common.Consistency | None:
    """The state that a read asks for; None: whatever the service has. Raises ValueError where both are given."""
    if at_least_as_fresh is not None and as_of is not None:
        raise ValueError("at_least_as_fresh and as_of exclude each other; give one of them")
    if isinstance(as_of, datetime):
        at_time = Timestamp()
        at_time.FromDatetime(as_of.astimezone())
        return common.Consistency(as_of_time=at_time)
    if at_least_as_fresh == "latest":
        return common.Consistency(latest=True)
    if at_least_as_fresh is None and as_of is None:
        return None
    return common.Consistency(at_least_as_fresh=at_least_as_fresh, as_of=as_of)
