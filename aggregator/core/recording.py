"""What a write comes to, given what stands: pure, so that every store decides alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.precedence import Meeting, SameDistribution, meet, time
from aggregator.core.records import PlayKey, PlayRecord, RecordKey, Scored
from aggregator.core.revision import Revision
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.subjects import Subject


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not written, by its place in the request, and why."""

    index: int
    play: PlayKey | None
    """None where it did not name one."""
    task: int
    """Number of its task; 0 where it is not known."""
    revision: int
    reason: Reason
    detail: str
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """A record that changed nothing because a later one stands."""

    index: int
    """Its place in the request."""
    revision: int
    """Of the play, as it stands."""
    outcome_revision: int
    """Of the official result, as it stands."""


@dataclass(frozen=True, slots=True)
class Write:
    """What one request asks to be written. `digest` tells its content apart from any other request's."""

    request_id: str
    digest: bytes
    records: Mapping[int, PlayRecord]
    """By their place in the request, in its order."""
    rejected: Sequence[Rejected] = ()
    """Records that are refused whatever stands; kept as part of the answer."""
    supports: Mapping[str, bytes] = field(default_factory=dict)
    """The supports that the request states, by their identifiers."""
    on_begun: Callable[[], None] | None = None
    """Called, in whatever thread writes, once its turn has come and its transaction begins."""

    @property
    def supports_needed(self) -> set[str]:
        """The supports of its distributions, by their identifiers."""
        return {needed for record in self.records.values() if (needed := _support_id(record))}

    @property
    def names(self) -> set[tuple[str, str]]:
        """Leagues and texts: everything in it that may name a player."""
        named = {(play.league, who.subject_id) for play, subjects in self._told for who in subjects if who.subject_id}
        for record in self.records.values():
            if isinstance(record, Scored):
                texts = (value for value in record.score.attributes.values() if isinstance(value, str))
                named.update((record.play.league, text) for text in texts)
        return named

    @property
    def _told(self) -> Iterator[tuple[PlayKey, tuple[Subject, ...]]]:
        for record in self.records.values():
            yield record.play, (record.score.subject,) if isinstance(record, Scored) else record.subjects
        for rejected in self.rejected:
            if rejected.play is not None:
                yield rejected.play, rejected.subjects


def begun(writes: Iterable[Write]) -> None:
    """The transaction of these writes begins."""
    for write in writes:
        if write.on_begun is not None:
            write.on_begun()


@dataclass(frozen=True, slots=True)
class Written:
    """How many records had which effect, which were refused, and the first state that has them."""

    inserted: int
    replaced: int
    unchanged: int
    withdrawn: int
    """Scores that stood and no longer do, because their play has a later record."""
    stale: Sequence[Stale]
    rejected: Sequence[Rejected]
    revision: Revision


@dataclass(frozen=True, slots=True)
class Existing:
    """What a store reads before it writes."""

    records: Collection[PlayRecord]
    """All that stands of the plays that the write is about."""
    supports: Mapping[str, bytes]
    """Those that it has of `Write.supports_needed`."""
    erased: Collection[ErasedPlayer] = ()
    """Those of `Write.names` who were erased."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a write comes to: what the store has to change, and what it answers."""

    put: Mapping[RecordKey, PlayRecord]
    """Records that take the place of their key."""
    withdrawn: Collection[Scored]
    """Scores that stood and are to be taken out."""
    supports: Mapping[str, bytes]
    """Supports to add."""
    inserted: int
    replaced: int
    unchanged: int
    ended: int
    """Scores that stood, before the write or within it, and that another of their play ended."""
    stale: Sequence[Stale]
    rejected: Sequence[Rejected]

    def written(self, revision: Revision) -> Written:
        """The answer, `revision` being the store's state with the changes made."""
        return Written(self.inserted, self.replaced, self.unchanged, self.ended, self.stale, self.rejected, revision)


def settle(write: Write, existing: Existing, same_distribution: SameDistribution) -> Settlement:
    """What a write comes to where `existing` is what the store has. Its records are taken in their order."""
    return _Settling(write, existing, same_distribution).settled()


def repeated(write: Write, digest: bytes, written: Written) -> Written:
    """The answer to a write whose request was answered before. Raises IDEMPOTENCY_KEY_REUSED where it was another."""
    check_repeated(write.request_id, write.digest, digest)
    return written


def check_repeated(request_id: str, digest: bytes, known: bytes) -> None:
    """Raise IDEMPOTENCY_KEY_REUSED where a request with that identifier had another content."""
    if digest != known:
        raise PlayscoreError(
            Reason.IDEMPOTENCY_KEY_REUSED,
            f"request_id {request_id!r} was another request's; a new request needs a new one",
            fields=(FieldViolation("request_id", "must be a new one for a new request"),),
        )


class _Settling:
    def __init__(self, write: Write, existing: Existing, same_distribution: SameDistribution) -> None:
        self._write = write
        self._same_distribution = same_distribution
        self._known_supports = existing.supports
        self._erased = existing.erased
        self._stood = {record.key for record in existing.records}
        self._plays: dict[PlayKey, dict[RecordKey, PlayRecord]] = {}
        for record in existing.records:
            self._plays.setdefault(record.play, {})[record.key] = record
        self._put: dict[RecordKey, PlayRecord] = {}
        self._withdrawn: dict[RecordKey, Scored] = {}
        self._supports: dict[str, bytes] = {}
        self._inserted = self._replaced = self._unchanged = self._ended = 0

    def settled(self) -> Settlement:
        stale: list[Stale] = []
        rejected = [self._without_erased(each) for each in self._write.rejected]
        for index, stated in self._write.records.items():
            record = self._remains(stated)
            if record is None:
                rejected.append(_of_erased(index, stated))
                continue
            try:
                later = self._take(record)
            except PlayscoreError as error:
                rejected.append(_rejected(index, record, error))
            else:
                if later is not None:
                    stale.append(Stale(index, *later))
        rejected.sort(key=lambda each: each.index)
        return Settlement(
            put=self._put,
            withdrawn=self._withdrawn.values(),
            supports=self._supports,
            inserted=self._inserted,
            replaced=self._replaced,
            unchanged=self._unchanged,
            ended=self._ended,
            stale=stale,
            rejected=rejected,
        )

    def _remains(self, record: PlayRecord) -> PlayRecord | None:
        """What may be kept of a record: nothing of a score of a player who was erased."""
        remains: PlayRecord | None = record
        for player in self._erased:
            remains = None if remains is None else player.remains(remains)
        return remains

    def _without_erased(self, rejected: Rejected) -> Rejected:
        for player in self._erased:
            if rejected.play is not None and rejected.play.league == player.league:
                detail, subjects = player.redacted(rejected.detail, rejected.subjects)
                rejected = replace(rejected, detail=detail, subjects=subjects)
        return rejected

    def _take(self, record: PlayRecord) -> tuple[int, int] | None:
        """Settle one record. Returns the place in time of a later one that stands."""
        support = self._support(record)
        beside = self._plays.setdefault(record.play, {})
        replaces = False
        if beside:
            meetings = [(stands, meet(record, stands, self._same_distribution)) for stands in beside.values()]
            met = {meeting for _, meeting in meetings}
            if Meeting.STALE in met:
                return max(time(stands) for stands, meeting in meetings if meeting is Meeting.STALE)
            if Meeting.CONFLICT in met:
                raise _conflict(record)
            if Meeting.UNCHANGED in met:
                self._unchanged += 1
                return None
            for stands, meeting in meetings:
                if meeting is Meeting.WITHDRAWS and isinstance(stands, Scored):
                    self._withdraw(stands)
            replaces = Meeting.REPLACES in met
        self._write_down(record, support, replaces=replaces)
        return None

    def _write_down(self, record: PlayRecord, support: Mapping[str, bytes], *, replaces: bool) -> None:
        key = record.key
        self._plays[record.play][key] = self._put[key] = record
        self._withdrawn.pop(key, None)
        self._supports.update(support)
        if replaces:
            self._replaced += 1
        else:
            self._inserted += 1

    def _withdraw(self, record: Scored) -> None:
        key = record.key
        del self._plays[record.play][key]
        self._put.pop(key, None)
        if key in self._stood:
            self._withdrawn[key] = record
        self._ended += 1

    def _support(self, record: PlayRecord) -> Mapping[str, bytes]:
        """The support that a record brings. Raises DISTRIBUTION_INVALID where it needs one that nobody has stated."""
        needed = _support_id(record)
        if not needed:
            return {}
        stated, known = self._write.supports.get(needed), self._known_supports.get(needed)
        if stated is None and known is None:
            raise PlayscoreError(
                Reason.DISTRIBUTION_INVALID,
                f"the distribution's support {needed!r} is neither stated in the request nor known; state it",
            )
        if stated is None or stated == known:
            return {}
        if known is not None:
            raise PlayscoreError(
                Reason.DISTRIBUTION_INVALID,
                f"the distribution's support {needed!r} is stated otherwise than it was recorded; "
                "another support needs another identifier",
            )
        return {needed: stated}


def _rejected(index: int, record: PlayRecord, error: PlayscoreError) -> Rejected:
    of = record.score if isinstance(record, Scored) else record
    subjects = (record.score.subject,) if isinstance(record, Scored) else record.subjects
    return Rejected(index, record.play, of.task, record.revision, error.reason, error.detail, subjects)


def _of_erased(index: int, record: PlayRecord) -> Rejected:
    """It names nobody: answers are kept."""
    task = record.score.task if isinstance(record, Scored) else record.task
    detail = "the player was erased on request, and nothing is recorded of them any more; leave their records out"
    return Rejected(index, record.play, task, record.revision, Reason.SUBJECT_ERASED, detail)


def _support_id(record: PlayRecord) -> str:
    return record.distribution.support_id if isinstance(record, Scored) and record.distribution else ""


def _conflict(record: PlayRecord) -> PlayscoreError:
    if isinstance(record, Scored):
        score = record.score
        stands = f"another score of {score.subject.subject_id!r} at outcome_revision {score.outcome_revision}"
    else:
        stands = "another reason why it was not scored"
    return PlayscoreError(
        Reason.REVISION_CONFLICT,
        f"{stands} stands at revision {record.revision} of play {record.play.play_id!r} of game "
        f"{record.play.game_id!r}; a correction needs a higher one",
    )
