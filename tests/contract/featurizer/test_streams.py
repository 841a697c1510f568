"""A game's stream on a real server: message by message and in batches, broken off, taken up again, sent wrongly."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from prometheus_client import REGISTRY

from featurizer.core.outcomes import Tensor
from featurizer.core.segments import MAX_SEGMENTS
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import SPECIFICATION
from featurizer.passing.task import PASSING
from featurizer.service import MAX_TOGETHER, FeaturizerService
from playscore.client.featurizer import FeaturizerClient
from playscore.common.v1 import common_pb2, reason_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import (
    Checkpoint,
    OpenGame,
    PlayTensor,
    ResumeToken,
    StreamPlayBatchesRequest,
    StreamPlayBatchesResponse,
    StreamPlaysRequest,
    StreamPlaysResponse,
)
from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceStub
from playscore.feed.v1.feed_pb2 import EndPlay
from playscore.game import Frames, Game, Play, PlayContext, PlayStatus
from playscore.passing import FootballSituation, PassAttributes, PlayKind, situation_of
from playscore.wire.feed import context_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message
from servicekit import ServiceSettings, serving
from servicekit.token_keys import TokenKeyFile
from tests import hostile

DEADLINE_SECONDS = 30.0


def roster(game: Game) -> StreamPlaysRequest:
    return StreamPlaysRequest(roster=roster_to_message(game.roster))


def context(play: Play) -> StreamPlaysRequest:
    return StreamPlaysRequest(context=context_to_message(play.context))


def frames(play: Play, some: Frames | None = None) -> StreamPlaysRequest:
    return StreamPlaysRequest(frames=frames_to_message(play.context.segment, some or play.frames))


def end(play: Play) -> StreamPlaysRequest:
    return StreamPlaysRequest(end_play=EndPlay(play_id=play.context.play_id))


def whole(plays: Iterable[Play]) -> Iterator[StreamPlaysRequest]:
    for play in plays:
        yield context(play)
        for track in play.tracks:
            yield StreamPlaysRequest(track=track_to_message(play.context.segment, track))
        yield frames(play)
        yield end(play)


def known_otherwise(play: Play, revision: int = 1, **changes: Any) -> Play:
    """The play, its situation being another one."""
    situation = replace(situation_of(play.context), **changes)
    return replace(play, context=replace(play.context, revision=revision, situation=situation))


async def answers(
    client: FeaturizerClient, game: Game, requests: Iterable[StreamPlaysRequest], token: ResumeToken | None = None
) -> list[StreamPlaysResponse]:
    """What a stream answers to a roster and `requests`, until it ends."""
    async with asyncio.timeout(DEADLINE_SECONDS), client.stream_plays(header_to_message(game.header), token) as stream:
        await stream.send(roster(game))
        for request in requests:
            await stream.send(request)
        await stream.finish()
        return [answer async for answer in stream]


async def failure(client: FeaturizerClient, game: Game, *requests: StreamPlaysRequest) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        await answers(client, game, requests)
    return caught.value


def outcomes(responses: Iterable[StreamPlaysResponse]) -> list[PlayTensor | common_pb2.Rejection]:
    kinds = [(response, response.WhichOneof("message")) for response in responses]
    return [getattr(response, kind) for response, kind in kinds if kind in ("tensor", "rejection")]


def checkpoints(responses: Iterable[StreamPlaysResponse]) -> list[Checkpoint]:
    return [response.checkpoint for response in responses if response.HasField("checkpoint")]


def passes(game: Game) -> list[Play]:
    players = {player.player_id: player for player in game.roster}
    return [
        p for p in game.plays if isinstance(featurize((PASSING,), game.header, players, p.context, [p.frames]), Tensor)
    ]


async def test_every_play_ends_in_a_tensor_or_a_rejection_and_a_checkpoint(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    responses = await answers(client, game, whole(game.plays))
    assert [outcome.key.play_id for outcome in outcomes(responses)] == [play.context.play_id for play in game.plays]
    kinds = [response.WhichOneof("message") for response in responses]
    assert kinds[1::2] == ["checkpoint"] * len(game.plays)
    for place, checkpoint in enumerate(checkpoints(responses), 1):
        assert checkpoint.plays_finished == checkpoint.tensors + checkpoint.rejections == place
    last = checkpoints(responses)[-1]
    assert last.tensors == len(passes(game))
    assert last.last_play_id == game.plays[-1].context.play_id


async def test_a_tensor_is_what_the_core_makes(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    play = passes(game)[0]
    made = featurize((PASSING,), game.header, {p.player_id: p for p in game.roster}, play.context, [play.frames])
    (sent,) = outcomes(await answers(client, game, whole([play])))
    assert isinstance(made, Tensor)
    assert isinstance(sent, PlayTensor)
    assert isinstance(made.attributes, PassAttributes)
    assert (sent.key.league, sent.key.game_id, sent.key.play_id) == ("SIM", game.header.game_id, play.context.play_id)
    assert tuple(sent.shape) == made.frames.shape
    assert sent.feature_specification_id == SPECIFICATION.id
    assert np.array_equal(np.frombuffer(sent.frames, "<f4").reshape(sent.shape), made.frames)
    assert np.array_equal(np.frombuffer(sent.statics, "<f4"), made.statics)
    attributes = sent.pass_attributes
    assert attributes.time_to_throw_seconds == pytest.approx(made.attributes.time_to_throw_seconds)
    assert attributes.under_pressure is made.attributes.under_pressure
    assert attributes.team_id == play.context.attacking_team_id


async def test_the_tensor_leaves_when_the_release_frame_arrives(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    release = next(e.frame_number for e in play.frames.events if e.name == "pass_forward")
    row = play.frames.frame_numbers.tolist().index(release)
    async with asyncio.timeout(DEADLINE_SECONDS), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        await stream.send(context(play))
        for at in range(row + 1):
            await stream.send(frames(play, play.frames.rows(at, at + 1)))
        received = aiter(stream)
        assert (await anext(received)).tensor.key.play_id == play.context.play_id  # nothing more was sent, nor closed
        assert (await anext(received)).checkpoint.tensors == 1
        for at in range(row + 1, len(play.frames)):
            await stream.send(frames(play, play.frames.rows(at, at + 1)))
        await stream.send(context(game.plays[-1]))
        await stream.finish()
        rest = [answer async for answer in received]
    assert checkpoints(rest)[-1].frames_dropped == 0


async def test_the_passer_may_be_named_while_the_play_is_open(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    anonymous = known_otherwise(play, passer_id="")
    (named,) = outcomes(await answers(client, game, [context(anonymous), context(play), frames(play)]))
    assert isinstance(named, PlayTensor)
    (passer,) = named.subjects
    assert passer.role == common_pb2.ROLE_PASSER
    assert passer.subject_id == situation_of(play.context).passer_id
    assert passer.team_id == play.context.attacking_team_id


async def test_a_context_may_follow_its_film(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    play = passes(game)[0]
    (made,) = outcomes(await answers(client, game, [frames(play), context(play)]))
    assert isinstance(made, PlayTensor)


async def test_plays_are_open_side_by_side(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    first, second = passes(game)[:2]
    requests = [context(first), context(second), frames(second), frames(first)]
    made = outcomes(await answers(client, game, requests))
    assert [outcome.key.play_id for outcome in made] == [second.context.play_id, first.context.play_id]
    assert all(isinstance(outcome, PlayTensor) for outcome in made)


async def test_a_ninth_segment_closes_the_play_on_the_oldest(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    first, *others = game.plays[: MAX_SEGMENTS + 1]
    async with asyncio.timeout(DEADLINE_SECONDS), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        for play in (first, *others):
            await stream.send(context(play))
        answer = await anext(aiter(stream))  # nothing was ended, nor half-closed
        assert answer.rejection.key.play_id == first.context.play_id
        assert answer.rejection.reason == reason_pb2.REASON_NO_FRAMES


async def test_a_broken_stream_goes_on_after_its_last_checkpoint(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    undisturbed = await answers(client, game, whole(game.plays))
    half = len(game.plays) // 2
    received: list[StreamPlaysResponse] = []
    async with asyncio.timeout(DEADLINE_SECONDS), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        for request in whole(game.plays[:half]):
            await stream.send(request)
        await stream.send(context(game.plays[half]))
        async for answer in stream:
            received.append(answer)
            if len(checkpoints(received)) == half:
                break  # the caller goes away in the middle of a play
    token = checkpoints(received)[-1].resume_token
    async with asyncio.timeout(DEADLINE_SECONDS), client.stream_plays(header_to_message(game.header), token) as stream:
        assert stream.opened.plays_finished == half
        await stream.send(roster(game))
        for request in whole(game.plays[half:]):
            await stream.send(request)
        await stream.finish()
        received += [answer async for answer in stream]
    assert outcomes(received) == outcomes(undisturbed)
    ours, theirs = checkpoints(received)[-1], checkpoints(undisturbed)[-1]
    assert (ours.plays_finished, ours.tensors) == (theirs.plays_finished, theirs.tensors)


async def test_a_game_goes_on_at_any_featurizer_that_has_the_same_keys(games: tuple[Game, ...], tmp_path: Path) -> None:
    game = games[0]
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())

    async def resumed_at(service: FeaturizerService, token: ResumeToken | None) -> ResumeToken:
        async with serving(service, ServiceSettings()) as running, FeaturizerClient(str(running.address)) as client:
            await running.until_serving()
            return checkpoints(await answers(client, game, whole(game.plays[:1]), token))[-1].resume_token

    def sharing() -> FeaturizerService:
        return FeaturizerService(token_keys=TokenKeyFile(keys))

    token = await resumed_at(sharing(), None)
    async with serving(sharing(), ServiceSettings()) as running, FeaturizerClient(str(running.address)) as client:
        await running.until_serving()
        async with client.stream_plays(header_to_message(game.header), token) as stream:
            assert stream.opened.plays_finished == 1
    with pytest.raises(PlayscoreError, match="signed with a key that this service does not have") as refused:
        await resumed_at(FeaturizerService(), token)
    assert refused.value.reason is Reason.RESUME_TOKEN_INVALID
    assert [each.field for each in refused.value.fields] == ["open.resume_token"]


async def test_a_correction_opens_a_closed_play_again_over_its_film(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    corrected = replace(play, context=PlayContext(play.context.play_id, "", FootballSituation(down=4), revision=2))
    struck = replace(play, context=replace(play.context, revision=3, status=PlayStatus.NULLIFIED))
    requests = [*whole([play]), *whole([play]), context(corrected), context(struck)]
    responses = await answers(client, game, requests)
    first, second, third = outcomes(responses)
    assert [outcome.revision for outcome in (first, second, third)] == [1, 2, 3]
    assert isinstance(second, PlayTensor)
    assert second.pass_attributes.down == 4
    assert isinstance(third, common_pb2.Rejection)
    assert third.reason == reason_pb2.REASON_PLAY_NULLIFIED
    last = checkpoints(responses)[-1]
    assert (last.plays_finished, last.tensors, last.rejections) == (3, 2, 1)
    assert last.contexts_ignored == 1


async def test_what_comes_again_for_the_last_play_after_a_resume_is_ignored(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    earlier, last, following = game.plays[:3]
    token = checkpoints(await answers(client, game, whole([earlier, last])))[-1].resume_token
    again = [end(earlier), *whole([last]), *whole([following])]
    responses = await answers(client, game, again, token)
    assert [outcome.key.play_id for outcome in outcomes(responses)] == [following.context.play_id]
    (checkpoint,) = checkpoints(responses)
    assert checkpoint.plays_finished == 3
    assert checkpoint.contexts_ignored == 1


async def test_the_metrics_count_every_play_and_time_every_tensor(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    def shown(name: str, **labels: str) -> float:
        value = REGISTRY.get_sample_value(name, labels)
        assert value is not None, f"{name}{labels} is not shown from the start"
        return value

    game = games[0]
    sack = {"outcome": "rejected", "reason": "NO_RELEASE"}
    never = {"outcome": "rejected", "reason": "TOO_MANY_PLAYERS"}
    before = [
        shown("playscore_plays_total", outcome="tensor", reason=""),
        shown("playscore_plays_total", **sack),
        shown("playscore_plays_total", **never),
        shown("playscore_featurizer_tensor_seconds_count"),
    ]
    made = outcomes(await answers(client, game, whole(game.plays)))
    count = sum(isinstance(outcome, PlayTensor) for outcome in made)
    sacks = sum(
        isinstance(outcome, common_pb2.Rejection) and outcome.reason == reason_pb2.REASON_NO_RELEASE for outcome in made
    )
    after = [
        shown("playscore_plays_total", outcome="tensor", reason=""),
        shown("playscore_plays_total", **sack),
        shown("playscore_plays_total", **never),
        shown("playscore_featurizer_tensor_seconds_count"),
    ]
    assert [new - old for new, old in zip(after, before, strict=True)] == [count, sacks, 0, count]


class TestBatches:
    async def test_messages_say_the_same_however_they_are_put_together(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        opening = StreamPlaysRequest(open=OpenGame(header=header_to_message(game.header)))
        sent = [opening, roster(game), *whole(game.plays)]
        stub = FeaturizerServiceStub(client.channel)
        alone = [answer async for answer in stub.StreamPlays(iter(sent))]
        random = Random(7)
        for _ in range(4):
            sizes = random.choices((1, 2, 5, 40), k=len(sent))
            cuts = sorted({min(cut, len(sent)) for cut in itertools.accumulate(sizes)})
            batches = [
                StreamPlayBatchesRequest(messages=sent[start:stop]) for start, stop in itertools.pairwise([0, *cuts])
            ]
            answered = [batch async for batch in stub.StreamPlayBatches(iter(batches))]
            assert [answer for batch in answered for answer in batch.answers] == alone
            assert all(batch.answers for batch in answered)

    async def test_what_closes_together_is_answered_together(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        opening = StreamPlaysRequest(open=OpenGame(header=header_to_message(game.header)))
        sent = [opening, roster(game), *whole(passes(game)[:2])]
        stub = FeaturizerServiceStub(client.channel)
        (answered,) = [batch async for batch in stub.StreamPlayBatches(iter([StreamPlayBatchesRequest(messages=sent)]))]
        kinds = [answer.WhichOneof("message") for answer in answered.answers]
        assert kinds == ["opened", "tensor", "checkpoint", "tensor", "checkpoint"]

    async def test_many_answers_take_several_messages(self, client: FeaturizerClient) -> None:
        batch = hostile.batch_of(hostile.game_of_plays(MAX_TOGETHER + 1))
        stream = client.channel.stream_stream(hostile.STREAM_PLAY_BATCHES, None, StreamPlayBatchesResponse.FromString)
        answered = [answer async for answer in stream(iter([batch]), timeout=DEADLINE_SECONDS)]
        assert max(len(each.answers) for each in answered) == MAX_TOGETHER
        rejected = [answer for each in answered for answer in each.answers if answer.HasField("rejection")]
        assert len(rejected) == MAX_TOGETHER + 1

    async def test_what_was_answered_before_a_message_that_ends_the_stream_is_told(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        opening = StreamPlaysRequest(open=OpenGame(header=header_to_message(game.header)))
        play = passes(game)[0]
        batch = StreamPlayBatchesRequest(messages=[opening, roster(game), *whole([play]), StreamPlaysRequest()])
        stream = FeaturizerServiceStub(client.channel).StreamPlayBatches(iter([batch]))
        told = await stream.read()
        assert isinstance(told, StreamPlayBatchesResponse)
        assert [answer.WhichOneof("message") for answer in told.answers][:2] == ["opened", "tensor"]
        with pytest.raises(grpc.aio.AioRpcError, match="must be set") as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    async def test_a_batch_of_more_messages_than_it_may_hold_ends_the_stream(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        batch = StreamPlayBatchesRequest(messages=[StreamPlaysRequest()] * 257)
        with pytest.raises(grpc.aio.AioRpcError, match="must be at most 256"):
            await FeaturizerServiceStub(client.channel).StreamPlayBatches(iter([batch])).read()


class TestBadInput:
    async def test_a_stream_that_does_not_begin_with_open(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        call = FeaturizerServiceStub(client.channel).StreamPlays(iter([roster(games[0])]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert caught.value.details() == "the first message is roster; a stream begins with open"

    async def test_a_header_that_cannot_be_read(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        header = games[0].header
        slow = replace(games[0], header=replace(header, frame_rate_hertz=25.0))
        error = await failure(client, slow)
        assert error.reason is Reason.FRAME_RATE_UNSUPPORTED
        assert error.fields[0].field.endswith("header.frame_rate_hertz")

    async def test_what_is_out_of_order(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        game = games[0]
        assert (await failure(client, game, end(game.plays[0]))).reason is Reason.STREAM_ORDER
        opening = StreamPlaysRequest(open=OpenGame(header=header_to_message(game.header)))
        assert (await failure(client, game, opening)).reason is Reason.STREAM_ORDER

    async def test_an_empty_message(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        assert (await failure(client, games[0], StreamPlaysRequest())).reason is Reason.FIELD_INVALID

    @pytest.mark.parametrize("damage", ["abc", "####", ""])
    async def test_a_resume_token_that_is_none(
        self, client: FeaturizerClient, games: tuple[Game, ...], damage: str
    ) -> None:
        ours, other = games
        token = checkpoints(await answers(client, other, whole(other.plays[:1])))[-1].resume_token
        for wrong in (token, ResumeToken(value=damage)):
            with pytest.raises(PlayscoreError) as caught:
                await answers(client, ours, [], wrong)
            assert caught.value.reason is Reason.RESUME_TOKEN_INVALID

    async def test_a_batch_that_is_wrong_costs_its_play_and_no_other(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        broken, fine = passes(game)[:2]
        short = frames(broken)
        short.frames.x = short.frames.x[:-4]
        crowd = frames(fine)
        crowd.frames.player_ids.extend(str(n) for n in range(100))
        requests = [context(broken), short, frames(broken), *whole([fine])]
        responses = await answers(client, game, requests)
        rejected, made = outcomes(responses)
        assert isinstance(rejected, common_pb2.Rejection)
        assert rejected.reason == reason_pb2.REASON_COLUMNS_INCONSISTENT
        assert isinstance(made, PlayTensor)
        (rejected,) = outcomes(await answers(client, game, [context(fine), crowd]))
        assert isinstance(rejected, common_pb2.Rejection)
        assert rejected.reason == reason_pb2.REASON_FIELD_INVALID

    async def test_a_context_that_is_wrong_costs_its_play_and_no_other(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        broken, fine = passes(game)[:2]
        wrong = context(broken)
        wrong.context.football.down = 9
        requests = [wrong, frames(broken), *whole([fine]), wrong]
        rejected, made = outcomes(await answers(client, game, requests))
        assert isinstance(rejected, common_pb2.Rejection)
        assert rejected.reason == reason_pb2.REASON_FIELD_INVALID
        assert "context.football.down must be 1 to 4, not 9" in rejected.detail
        assert isinstance(made, PlayTensor)

    @pytest.mark.parametrize(
        ("kind", "reason"), [(PlayKind.RUN, reason_pb2.REASON_NOT_A_PASS), (PlayKind.PASS, reason_pb2.REASON_NO_FRAMES)]
    )
    async def test_a_play_without_frames(
        self, client: FeaturizerClient, games: tuple[Game, ...], kind: PlayKind, reason: int
    ) -> None:
        game = games[0]
        play = passes(game)[0]
        bare = known_otherwise(play, kind=kind)
        (rejected,) = outcomes(await answers(client, game, [context(bare)]))
        assert isinstance(rejected, common_pb2.Rejection)
        assert rejected.reason == reason

    async def test_ten_minutes_without_a_release(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        game = games[0]
        play = passes(game)[0]
        quiet = replace(play.frames, events=())
        endless = [
            frames(play, replace(quiet, frame_numbers=quiet.frame_numbers + 1_000 * round_))
            for round_ in range(6_000 // len(quiet) + 1)
        ]
        (rejected,) = outcomes(await answers(client, game, [context(play), *endless]))
        assert isinstance(rejected, common_pb2.Rejection)
        assert rejected.reason == reason_pb2.REASON_TOO_LONG
