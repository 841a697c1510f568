"""The contract's messages as the core's types, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aggregator.core.comparison import Comparison, RatingDifference
from aggregator.core.fields import Field, FieldType
from aggregator.core.new_leagues import NewLeagues
from aggregator.core.operations import EraseRequest, Erasure, ModelSwitch, Operation, SwitchRequest
from aggregator.core.queries import ComparedSubject, Coverage, ListedLeague, ListedModel, ListedSubject, Split
from aggregator.core.recording import Rejected, Write, Written
from aggregator.core.records import Distribution, PlayKey, PlayRecord, Score, Scored, Unscored, Value
from aggregator.core.standings import Ranking, Rating, read_groups
from aggregator.core.task import Task, Tasks, check_released
from aggregator.core.watching import Difference, Question, RankedSplit
from aggregator.distributions import Supports, distribution_from_message
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.steps import Steps
from playscore.subjects import Role, Subject
from playscore.wire.common import rejection, subject_to_message
from playscore.wire.validation import check, invalid
from servicekit.callers import Caller

_FIELD_TYPES: Final = {
    FieldType.INTEGER: messages.SPLIT_FIELD_TYPE_INTEGER,
    FieldType.NUMBER: messages.SPLIT_FIELD_TYPE_NUMBER,
    FieldType.BOOLEAN: messages.SPLIT_FIELD_TYPE_BOOLEAN,
    FieldType.STRING: messages.SPLIT_FIELD_TYPE_STRING,
    FieldType.ENUM: messages.SPLIT_FIELD_TYPE_ENUM,
}
_WHOLE: Final = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)


@dataclass(frozen=True, slots=True)
class Perspective:
    """How subjects of a role see attributes that are told from nobody's side.

    `fields` has the split field that each of some fields of the message is to them; the others keep their names. Of the
    flags in `negated`, the split field says the opposite.
    """

    fields: Mapping[str, str]
    negated: Collection[str] = ()

    def seen(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        """Split fields, of what a message states."""
        return {
            self.fields.get(name, name): not value if name in self.negated else value
            for name, value in attributes.items()
        }

    def told(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        """What a message states, of split fields."""
        names = {seen: name for name, seen in self.fields.items()}
        named = {names.get(seen, seen): value for seen, value in attributes.items()}
        return {name: not value if name in self.negated else value for name, value in named.items()}


_AS_TOLD: Final = Perspective({})


class TaskMessages:
    """A task's own messages, whose fields have the names of its measures, split fields and values.

    Args:
        task: what they are the edge of.
        measure: the task's choice in `ScoreRecord.measure`.
        attributes: its choice in `ScoreRecord.attributes`.
        value: its choice in `Rating.value`.
        perspectives: how roles see the attributes; those left out see them as they are told.
    """

    def __init__(
        self,
        task: Task,
        *,
        measure: str,
        attributes: str,
        value: str,
        perspectives: Mapping[Role, Perspective] | None = None,
    ) -> None:
        self.task = task
        self._perspectives = perspectives or {}
        self.measure = measure
        self.attributes = attributes
        self.value = value
        self._values = _inner(messages.Rating.DESCRIPTOR, value)
        self._outcome = _enums(_inner(messages.ScoreRecord.DESCRIPTOR, measure))
        self._enums = _enums(_inner(messages.ScoreRecord.DESCRIPTOR, attributes))

    def score_from_message(self, message: messages.ScoreRecord, subject: Subject, path: str) -> Score:
        """A score to write, of a message that keeps its stated limits. Raises FIELD_INVALID or MODEL_NOT_FOUND."""
        role = subject.role.name
        if not subject.subject_id:
            raise invalid(f"{path}.subject.subject_id", "must be set: a score is somebody's")
        if message.WhichOneof("measure") not in (None, self.measure):
            raise invalid(f"{path}.measure", f"must be {self.measure} for a {role}, or absent while there is no result")
        if message.WhichOneof("attributes") not in (None, self.attributes):
            raise invalid(f"{path}.attributes", f"must be {self.attributes} for a {role}")
        model = ModelVersion(message.model.name, message.model.version)
        check_released(self.task, model)
        attributes = self._perspective(subject.role).seen(self._attributes_of(message))
        team_id = attributes.get("team_id", subject.team_id)
        if subject.team_id not in ("", team_id):
            raise invalid(
                f"{path}.subject.team_id", f'must be that of {self.attributes}, "{team_id}": both are the subject\'s'
            )
        measures, outcome = self._measured(message)
        return Score(
            play=_play_from_message(message.key),
            task=self.task.number,
            subject=subject,
            model=model,
            revision=message.revision,
            outcome_revision=message.outcome_revision,
            measures=measures,
            attributes=attributes,
            outcome=outcome,
        )

    def score_to_message(self, score: Score) -> messages.ScoreRecord:
        """A score as it was recorded."""
        own: dict[str, Any] = {self.attributes: self._perspective(score.subject.role).told(score.attributes)}
        if score.measures is not None:
            own[self.measure] = {**score.measures, **score.outcome}
        return messages.ScoreRecord(
            key=common.PlayKey(league=score.play.league, game_id=score.play.game_id, play_id=score.play.play_id),
            subject=subject_to_message(score.subject),
            model=model_to_message(score.model),
            revision=score.revision,
            outcome_revision=score.outcome_revision,
            **own,
        )

    def rating_to_message(self, rating: Rating) -> messages.Rating:
        """A rating."""
        own: Any = {self.value: self._value_of(rating)}
        return messages.Rating(
            subject=subject_to_message(rating.subject),
            group=[_field_value(name, value) for name, value in rating.group],
            plays=rating.plays,
            qualified=rating.qualified,
            rank=rating.rank,
            percentile=rating.percentile,
            **own,
        )

    def _perspective(self, role: Role) -> Perspective:
        return self._perspectives.get(role, _AS_TOLD)

    def _measured(self, message: messages.ScoreRecord) -> tuple[dict[str, float] | None, dict[str, str]]:
        """Measures, and what else is known of how the play ended; no measures where it is not known yet."""
        if not message.HasField(self.measure):  # type: ignore[arg-type]
            return None, {}
        known = {field.name: value for field, value in getattr(message, self.measure).ListFields()}
        outcome = {name: values[known.pop(name)] for name, values in self._outcome.items() if name in known}
        return known, outcome

    def _value_of(self, rating: Rating) -> dict[str, float | None]:
        """The fields of a rating's value, those that are whole numbers as such."""
        whole = {name for name in rating.value if self._values.fields_by_name[name].cpp_type in _WHOLE}
        return {
            name: int(value) if name in whole and value is not None else value for name, value in rating.value.items()
        }

    def _attributes_of(self, message: messages.ScoreRecord) -> dict[str, Value]:
        """What is known: neither absent, nor empty, nor unspecified."""
        known = {field.name: value for field, value in getattr(message, self.attributes).ListFields()}
        for name, values in self._enums.items():
            if name in known:
                known[name] = values[known[name]]
        return known


class Contract:
    """The messages of all tasks of a service."""

    def __init__(self, tasks: Sequence[TaskMessages]) -> None:
        self.tasks = Tasks(each.task for each in tasks)
        self._messages = {role: each for each in tasks for role in each.task.roles}

    def split(
        self,
        request: messages.GetRatingRequest
        | messages.ListRatingsRequest
        | messages.ListPlaysRequest
        | messages.WatchRatingsRequest,
    ) -> Split:
        """Which plays a request is about.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits, ROLE_UNSUPPORTED.
        """
        split = request.split
        role = self._role(split.role, "split.role")
        check(request)
        return Split(split.league, role, split.filter, _model_from_message(split))

    def compared(self, request: messages.CompareRatingsRequest) -> tuple[ComparedSubject, ComparedSubject]:
        """The two sides that a request compares.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits, ROLE_UNSUPPORTED.
        """
        roles = [
            self._role(side.split.role, f"{name}.split.role")
            for name, side in (("first", request.first), ("second", request.second))
        ]
        check(request)
        first, second = (
            ComparedSubject(
                Split(side.split.league, role, side.split.filter, _model_from_message(side.split)), side.subject_id
            )
            for role, side in zip(roles, (request.first, request.second), strict=True)
        )
        return first, second

    def question(self, request: messages.WatchRatingsRequest) -> Question:
        """What a request watches.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits or its groups are none, ROLE_UNSUPPORTED.
        """
        split = self.split(request)
        groups = read_groups(request.group_by, self.tasks[split.role])
        ranked = RankedSplit(split, groups, request.min_plays if request.HasField("min_plays") else None)
        return Question(ranked, request.qualified_only, frozenset(request.subject_ids))

    def role(
        self,
        request: messages.GetCoverageRequest
        | messages.DescribeSplitsRequest
        | messages.ListSubjectsRequest
        | messages.ListModelsRequest,
    ) -> Role:
        """The role that a request is about.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits, ROLE_UNSUPPORTED.
        """
        role = self._role(request.role, "role")
        check(request)
        return role

    def comparison(self, comparison: Comparison, revision: common.RevisionToken) -> messages.CompareRatingsResponse:
        """Two ratings and their difference."""
        to_message = self.of(comparison.first.subject.role).rating_to_message
        difference = comparison.difference
        return messages.CompareRatingsResponse(
            first=to_message(comparison.first),
            second=to_message(comparison.second),
            difference=None if difference is None else _difference_to_message(difference),
            first_model=model_to_message(comparison.first_model),
            second_model=model_to_message(comparison.second_model),
            revision=revision,
        )

    def of(self, role: Role) -> TaskMessages:
        """The messages of the task that rates a role."""
        return self._messages[role]

    def changes(self, question: Question, difference: Difference, part: int) -> messages.WatchRatingsResponse:
        """A part of what a watcher is told, from 0; the checkpoint of the last part is left to the caller."""
        to_message = self.of(question.ranked.split.role).rating_to_message
        ratings, left = difference.part(part)
        return messages.WatchRatingsResponse(
            restarted=difference.restarted and not part,
            ratings=map(to_message, ratings),
            left=map(_rating_key_to_message, left),
            coalesced_ticks=0 if part else difference.coalesced,
        )

    def write(self, request: messages.RecordScoresRequest, caller: Caller, new_leagues: NewLeagues) -> Steps[Write]:
        """What a request asks to be written, and its records that cannot be: those included that its caller may not.

        Raises:
            PlayscoreError: FIELD_INVALID for a request that is wrong as a whole.
        """
        check(request, leaving=("records", "supports"))
        supports = Supports(_by_id(request.supports))
        records: dict[int, PlayRecord] = {}
        rejected: list[Rejected] = []
        for index, message in enumerate(request.records):
            try:
                record = self._record(message, supports)
                caller.check_writes_to(record.play.league)
                new_leagues.check(record.play.league)
                records[index] = record
            except PlayscoreError as error:
                rejected.append(self._rejected(index, message, error))
            yield
        return Write(
            request_id=request.request_id,
            digest=_digest(request),
            records=records,
            rejected=rejected,
            supports=supports.contents(),
        )

    def switching(self, request: messages.SwitchModelRequest, caller: Caller) -> SwitchRequest:
        """What an operator asks to switch.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits, TASK_UNSUPPORTED, MODEL_NOT_FOUND;
                PERMISSION_DENIED for a league that is not the caller's to write to.
        """
        check(request)
        caller.check_writes_to(request.league)
        task = next((each for each in self.tasks.all if each.number == request.task), None)
        if task is None:
            known = ", ".join(common.Task.Name(common.Task.ValueType(each.number)) for each in self.tasks.all)
            raise invalid("task", f"must be one that this release rates: {known}", Reason.TASK_UNSUPPORTED)
        model = ModelVersion(request.model.name, request.model.version)
        check_released(task, model)
        expected = request.expected
        return SwitchRequest(
            request_id=request.request_id,
            digest=_digest(request),
            caller=caller.identity or "",
            league=request.league,
            task=task.number,
            model=model,
            default=task.default_model,
            expected=ModelVersion(expected.name, expected.version) if request.HasField("expected") else None,
        )

    def erasing(self, request: messages.EraseRecordsRequest, caller: Caller) -> EraseRequest:
        """What an operator asks to erase.

        Raises:
            PlayscoreError: FIELD_INVALID where the request breaks its limits, or does not say what to erase;
                PERMISSION_DENIED for a league that is not the caller's to write to.
        """
        check(request)
        caller.check_writes_to(request.league)
        what = request.WhichOneof("what")
        if what is None or not getattr(request, what):
            raise invalid("what", "must be a subject_id that is not empty, or whole_league = true")
        return EraseRequest(
            request_id=request.request_id,
            digest=_digest(request),
            caller=caller.identity or "",
            league=request.league,
            subject_id=request.subject_id if what == "subject_id" else None,
            justification=request.justification,
            mentions=self.tasks.player_fields,
        )

    def written(self, written: Written, revision: common.RevisionToken) -> Steps[messages.RecordScoresResponse]:
        """The answer to a request that was written."""
        response = messages.RecordScoresResponse(
            inserted=written.inserted,
            replaced=written.replaced,
            unchanged=written.unchanged,
            stale=len(written.stale),
            withdrawn=written.withdrawn,
            revision=revision,
        )
        for stale in written.stale:
            response.stale_records.add(
                index=stale.index, revision=stale.revision, outcome_revision=stale.outcome_revision
            )
            yield
        for rejected in written.rejected:
            response.rejections.append(_rejection(rejected))
            yield
        return response

    def _rejected(self, index: int, message: messages.PlayRecord, error: PlayscoreError) -> Rejected:
        """The rejection of a record that could not be read, with what can be said of it."""
        content: Any = message.unscored if message.HasField("unscored") else message.score
        role = None if message.HasField("unscored") else self.tasks.role(message.score.subject.role)
        task = message.unscored.task if role is None else self.tasks[role].number
        play = _play_from_message(content.key) if content.HasField("key") else None
        return Rejected(index, play, task, content.revision, error.reason, error.detail)

    def _record(self, message: messages.PlayRecord, supports: Supports) -> PlayRecord:
        match message.WhichOneof("content"):
            case "score":
                if message.outcome_revision:
                    raise invalid("outcome_revision", "must be 0 with a score, which has its own")
                return self._scored(message.score, supports, "score")
            case "unscored":
                return self._unscored(message, "unscored")
        raise invalid("content", "must be a score or an unscored play")

    def _scored(self, message: messages.ScoreRecord, supports: Supports, path: str) -> Scored:
        subject = self._subject(message.subject, f"{path}.subject")
        check(message, path)
        score = self._messages[subject.role].score_from_message(message, subject, path)
        distribution: Distribution | None = None
        if message.HasField("distribution"):
            distribution = distribution_from_message(message.distribution, supports, f"{path}.distribution")
        return Scored(score, distribution)

    def _unscored(self, record: messages.PlayRecord, path: str) -> Unscored:
        message = record.unscored
        subjects = tuple(
            self._subject(subject, f"{path}.subjects[{place}]") for place, subject in enumerate(message.subjects)
        )
        check(record, leaving=("score",))
        if not message.HasField("key"):
            raise invalid(f"{path}.key", "must be set: a play that was not scored is one of a game")
        if not message.revision:
            raise invalid(f"{path}.revision", "must be at least 1")
        if not message.reason:
            raise invalid(f"{path}.reason", "must say why the play was not scored")
        return Unscored(
            play=_play_from_message(message.key),
            task=message.task,
            revision=message.revision,
            outcome_revision=record.outcome_revision,
            reason=message.reason,
            detail=message.detail,
            subjects=subjects,
        )

    def _subject(self, message: common.Subject, path: str) -> Subject:
        role = self._role(message.role, f"{path}.role")
        return Subject(role, message.subject_id, message.subject_name, message.team_id)

    def _role(self, number: int, path: str) -> Role:
        role = self.tasks.role(number)
        if role is not None:
            return role
        rated = ", ".join(f"ROLE_{role.name.upper()}" for role in self.tasks.roles)
        if number == common.ROLE_UNSPECIFIED:
            raise invalid(path, f"must be stated; this release rates {rated}")
        known = number in common.Role.values()
        name = common.Role.Name(common.Role.ValueType(number)) if known else str(number)
        raise invalid(path, f"must be one that this release rates, {rated}; not {name}", Reason.ROLE_UNSUPPORTED)


def _rating_key_to_message(rating: Rating) -> messages.RatingKey:
    return messages.RatingKey(
        subject=subject_to_message(rating.subject), group=[_field_value(name, value) for name, value in rating.group]
    )


def ranking_to_message(ranking: Ranking) -> messages.Ranking:
    """What ratings are ranked by."""
    return messages.Ranking(
        model=model_to_message(ranking.model), min_plays=ranking.min_plays, qualified=ranking.qualified
    )


def coverage_to_message(
    coverage: Coverage, model: ModelVersion, revision: common.RevisionToken
) -> messages.GetCoverageResponse:
    """How much is covered by a model's scores."""
    return messages.GetCoverageResponse(
        plays=coverage.graded + coverage.ungraded + sum(plays for _, plays in coverage.unscored),
        graded=coverage.graded,
        ungraded=coverage.ungraded,
        unscored=[
            messages.ReasonCount(reason=reason_pb2.Reason.ValueType(reason), plays=plays)
            for reason, plays in coverage.unscored
        ],
        revision=revision,
        model=model_to_message(model),
    )


def listed_to_message(listed: ListedSubject) -> messages.ListedSubject:
    """Somebody who has plays."""
    return messages.ListedSubject(subject=subject_to_message(listed.subject), plays=listed.plays)


def field_to_message(field: Field) -> messages.SplitField:
    """A field of a filter."""
    return messages.SplitField(
        name=field.name,
        type=_FIELD_TYPES[field.type],
        unit=field.unit,
        description=field.description,
        values=field.values,
        groupable=field.groups,
    )


def _difference_to_message(compared: RatingDifference) -> messages.RatingDifference:
    difference = compared.difference
    return messages.RatingDifference(
        measure=compared.measure,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        probability_first_is_better=difference.probability,
        shared_plays=compared.shared_plays,
    )


def model_from_message(request: messages.GetCoverageRequest | messages.ListSubjectsRequest) -> ModelVersion | None:
    """The model that a request names; None where it leaves that to the service."""
    return _model_from_message(request)


def model_to_message(model: ModelVersion) -> common.ModelVersion:
    """A model version."""
    return common.ModelVersion(name=model.name, version=model.version)


def listed_league_to_message(listed: ListedLeague) -> messages.ListedLeague:
    """A league, and how much is rated of it."""
    roles = [messages.RolePlays(role=common.Role.ValueType(role.number), graded=plays) for role, plays in listed.graded]
    return messages.ListedLeague(league=listed.name, roles=roles)


def listed_model_to_message(listed: ListedModel) -> messages.ListedModel:
    """A model, and what it has scored."""
    return messages.ListedModel(
        model=model_to_message(listed.model),
        graded=listed.graded,
        ungraded=listed.ungraded,
        is_default=listed.is_default,
    )


def operation_to_message(operation: Operation, revision: common.RevisionToken) -> messages.Operation:
    """What an operator did."""
    message = messages.Operation(
        caller=operation.caller, request_id=operation.request_id, league=operation.league, revision=revision
    )
    message.operation_time.FromDatetime(operation.time)
    match operation.applied.effect:
        case ModelSwitch() as switch:
            message.model_switch.CopyFrom(
                messages.ModelSwitch(
                    task=common.Task.ValueType(switch.task),
                    previous=model_to_message(switch.previous),
                    model=model_to_message(switch.model),
                )
            )
        case Erasure() as erasure:
            message.erasure.CopyFrom(messages.Erasure(**asdict(erasure)))
    return message


def past_time(message: Timestamp, path: str) -> datetime:
    """The time that a request names. FIELD_INVALID for none, and for one that is yet to come."""
    try:
        time = message.ToDatetime(UTC)
    except ValueError as error:
        raise invalid(path, f"must be a time: {error}") from None
    if time > datetime.now(UTC):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        raise invalid(path, f"must not be in the future; the service's time is {now}")
    return time


def _model_from_message(message: Any) -> ModelVersion | None:
    return ModelVersion(message.model.name, message.model.version) if message.HasField("model") else None


def _play_from_message(key: common.PlayKey) -> PlayKey:
    return PlayKey(key.league, key.game_id, key.play_id)


def _play_to_message(play: PlayKey) -> common.PlayKey:
    return common.PlayKey(league=play.league, game_id=play.game_id, play_id=play.play_id)


def _rejection(rejected: Rejected) -> common.Rejection:
    play = rejected.play
    return rejection(
        None if play is None else _play_to_message(play),
        max(0, rejected.revision),
        rejected.reason.value,
        rejected.detail,
        map(subject_to_message, rejected.subjects),
        index=rejected.index,
        task=rejected.task,
    )


def _digest(request: Message) -> bytes:
    """Tells a request's content apart from any other's of the same call."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()


def _by_id(supports: Iterable[distributions.Support]) -> dict[str, distributions.Support]:
    return {support.support_id: support for support in supports}


def _field_value(name: str, value: Value | None) -> messages.FieldValue:
    match value:
        case bool():
            return messages.FieldValue(field=name, flag=value)
        case int():
            return messages.FieldValue(field=name, integer=value)
        case float():
            return messages.FieldValue(field=name, number=value)
        case None:
            return messages.FieldValue(field=name)
    return messages.FieldValue(field=name, text=str(value))


def _inner(descriptor: Descriptor, field: str) -> Descriptor:
    inner = descriptor.fields_by_name[field].message_type
    assert inner is not None
    return inner


def _enums(descriptor: Descriptor) -> dict[str, dict[int, str]]:
    """The names of the values of each enum field."""
    return {
        field.name: {value.number: value.name for value in field.enum_type.values}
        for field in descriptor.fields
        if field.enum_type is not None
    }
