"""`StreamPlays` on a real server: a game as it is played, broken off, taken up again, and sent wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

import grpc
import grpc.aio
import numpy as np
import pytest
from prometheus_client import REGISTRY

from featurizer.core.columns import PASSING
from featurizer.core.play import Tensor, featurize
from featurizer.stream import MAX_PLAYS
from playscore.client.featurizer import FeaturizerClient
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import Checkpoint, EndPlay, StreamPlaysRequest, StreamPlaysResponse
from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceStub
from playscore.game import Frames, Game, Play, PlayKind
from playscore.game_messages import context_to_message, frames_to_message, header_to_message, roster_to_message
from playscore.tracking.v1 import reason_pb2
from playscore.tracking.v1.tracking_pb2 import ROLE_PASSER, PlayRejection, PlayTensor

PATIENCE = 10.0


def roster(game: Game) -> StreamPlaysRequest:
    return StreamPlaysRequest(roster=roster_to_message(game.roster))


def context(game: Game, play: Play) -> StreamPlaysRequest:
    return StreamPlaysRequest(context=context_to_message(game.header.game_id, play.context))


def frames(game: Game, play: Play, some: Frames | None = None) -> StreamPlaysRequest:
    message = frames_to_message(game.header.game_id, play.context.play_id, some or play.frames)
    return StreamPlaysRequest(frames=message)


def end(game: Game, play: Play) -> StreamPlaysRequest:
    return StreamPlaysRequest(end_play=EndPlay(game_id=game.header.game_id, play_id=play.context.play_id))


def whole(game: Game, plays: Iterable[Play]) -> Iterator[StreamPlaysRequest]:
    for play in plays:
        yield context(game, play)
        yield frames(game, play)
        yield end(game, play)


async def answers(
    client: FeaturizerClient, game: Game, requests: Iterable[StreamPlaysRequest], token: str = ""
) -> list[StreamPlaysResponse]:
    """What a stream answers to a roster and `requests`, until it ends."""
    async with asyncio.timeout(PATIENCE), client.stream_plays(header_to_message(game.header), token) as stream:
        await stream.send(roster(game))
        for request in requests:
            await stream.send(request)
        await stream.finish()
        return [answer async for answer in stream]


async def failure(client: FeaturizerClient, game: Game, *requests: StreamPlaysRequest) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        await answers(client, game, requests)
    return caught.value


def outcomes(responses: Iterable[StreamPlaysResponse]) -> list[PlayTensor | PlayRejection]:
    kinds = [(response, response.WhichOneof("message")) for response in responses]
    return [getattr(response, kind) for response, kind in kinds if kind in ("tensor", "rejection")]


def checkpoints(responses: Iterable[StreamPlaysResponse]) -> list[Checkpoint]:
    return [response.checkpoint for response in responses if response.HasField("checkpoint")]


def passes(game: Game) -> list[Play]:
    players = {player.player_id: player for player in game.roster}
    return [p for p in game.plays if isinstance(featurize(game.header, players, p.context, [p.frames]), Tensor)]


async def test_every_play_ends_in_a_tensor_or_a_rejection_and_a_checkpoint(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    responses = await answers(client, game, whole(game, game.plays))
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
    made = featurize(game.header, {p.player_id: p for p in game.roster}, play.context, [play.frames])
    (sent,) = outcomes(await answers(client, game, whole(game, [play])))
    assert isinstance(made, Tensor)
    assert isinstance(sent, PlayTensor)
    assert (sent.key.league, sent.key.game_id, sent.key.play_id) == ("SIM", game.header.game_id, play.context.play_id)
    assert tuple(sent.shape) == made.frames.shape
    assert sent.feature_specification_id == PASSING.id
    assert np.array_equal(np.frombuffer(sent.frames, "<f4").reshape(sent.shape), made.frames)
    assert np.array_equal(np.frombuffer(sent.statics, "<f4"), made.statics)
    attributes = sent.pass_attributes
    assert attributes.time_to_throw == pytest.approx(made.attributes.time_to_throw)
    assert attributes.under_pressure is made.attributes.under_pressure
    assert attributes.team_id == play.context.offense_team_id


async def test_the_tensor_leaves_when_the_release_frame_arrives(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    release = next(e.frame_number for e in play.frames.events if e.name == "pass_forward")
    row = play.frames.frame_numbers.tolist().index(release)
    async with asyncio.timeout(PATIENCE), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        await stream.send(context(game, play))
        for at in range(row + 1):
            await stream.send(frames(game, play, play.frames.rows(at, at + 1)))
        received = aiter(stream)
        assert (await anext(received)).tensor.key.play_id == play.context.play_id  # nothing more was sent, nor closed
        assert (await anext(received)).checkpoint.tensors == 1
        for at in range(row + 1, len(play.frames)):
            await stream.send(frames(game, play, play.frames.rows(at, at + 1)))
        await stream.send(context(game, game.plays[-1]))
        await stream.finish()
        rest = [answer async for answer in received]
    assert checkpoints(rest)[-1].frames_passed_over == len(play.frames) - row - 1


async def test_the_passer_may_be_named_while_the_play_is_open(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    anonymous = replace(play, context=replace(play.context, football=replace(play.context.football, passer_id="")))
    (named,) = outcomes(
        await answers(client, game, [context(game, anonymous), context(game, play), frames(game, play)])
    )
    assert isinstance(named, PlayTensor)
    (passer,) = named.subjects
    assert passer.role == ROLE_PASSER
    assert passer.subject_id == play.context.football.passer_id
    assert passer.team_id == play.context.offense_team_id


async def test_another_play_closes_the_open_one(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    first, second = passes(game)[:2]
    responses = await answers(client, game, [context(game, first), context(game, second), frames(game, second)])
    nothing, made = outcomes(responses)
    assert isinstance(nothing, PlayRejection)
    assert nothing.reason == reason_pb2.REASON_NO_FRAMES
    assert isinstance(made, PlayTensor)


async def test_a_broken_stream_goes_on_after_its_last_checkpoint(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    undisturbed = await answers(client, game, whole(game, game.plays))
    half = len(game.plays) // 2
    received: list[StreamPlaysResponse] = []
    async with asyncio.timeout(PATIENCE), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        for request in whole(game, game.plays[:half]):
            await stream.send(request)
        await stream.send(context(game, game.plays[half]))
        async for answer in stream:
            received.append(answer)
            if len(checkpoints(received)) == half:
                break  # the caller goes away in the middle of a play
    token = checkpoints(received)[-1].resume_token
    async with asyncio.timeout(PATIENCE), client.stream_plays(header_to_message(game.header), token) as stream:
        assert stream.opened.resumed_after_play_id == game.plays[half - 1].context.play_id
        await stream.send(roster(game))
        for request in whole(game, game.plays[half:]):
            await stream.send(request)
        await stream.finish()
        received += [answer async for answer in stream]
    assert outcomes(received) == outcomes(undisturbed)
    ours, theirs = checkpoints(received)[-1], checkpoints(undisturbed)[-1]
    assert (ours.plays_finished, ours.tensors) == (theirs.plays_finished, theirs.tensors)


async def test_a_correction_opens_a_finished_play_again(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    play = passes(game)[0]
    corrected = replace(
        play, context=replace(play.context, revision=2, football=replace(play.context.football, down=4))
    )
    repeated = [*whole(game, [play]), *whole(game, [play]), *whole(game, [corrected])]
    responses = await answers(client, game, repeated)
    assert [outcome.revision for outcome in outcomes(responses)] == [1, 2]
    last = checkpoints(responses)[-1]
    assert last.plays_finished == last.tensors == 2
    assert last.frames_passed_over == len(play.frames)
    assert last.contexts_passed_over == 1


async def test_what_comes_again_for_finished_plays_after_a_resume_is_passed_over(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    earlier, last, following = game.plays[:3]
    token = checkpoints(await answers(client, game, whole(game, [earlier, last])))[-1].resume_token
    again = [frames(game, earlier), end(game, earlier), *whole(game, [last]), frames(game, earlier)]
    responses = await answers(client, game, [*again, *whole(game, [following])], token)
    assert [outcome.key.play_id for outcome in outcomes(responses)] == [following.context.play_id]
    (checkpoint,) = checkpoints(responses)
    assert checkpoint.plays_finished == 3
    assert checkpoint.contexts_passed_over == 1
    assert checkpoint.frames_passed_over >= 2 * len(earlier.frames) + len(last.frames)


async def test_once_a_resumed_stream_has_opened_a_play_the_order_counts_again(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    token = checkpoints(await answers(client, game, whole(game, game.plays[:1])))[-1].resume_token
    with pytest.raises(PlayscoreError) as caught:
        await answers(client, game, [*whole(game, game.plays[1:2]), frames(game, game.plays[2])], token)
    assert caught.value.reason is Reason.STREAM_ORDER


async def test_a_context_of_an_older_revision_of_the_open_play_is_passed_over(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    play = passes(game)[0]
    newer = replace(play, context=replace(play.context, revision=2))
    responses = await answers(client, game, [context(game, newer), context(game, play), frames(game, newer)])
    assert [outcome.revision for outcome in outcomes(responses)] == [2]
    assert checkpoints(responses)[-1].contexts_passed_over == 1


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
    made = outcomes(await answers(client, game, whole(game, game.plays)))
    count = sum(isinstance(outcome, PlayTensor) for outcome in made)
    sacks = sum(
        isinstance(outcome, PlayRejection) and outcome.reason == reason_pb2.REASON_NO_RELEASE for outcome in made
    )
    after = [
        shown("playscore_plays_total", outcome="tensor", reason=""),
        shown("playscore_plays_total", **sack),
        shown("playscore_plays_total", **never),
        shown("playscore_featurizer_tensor_seconds_count"),
    ]
    assert [new - old for new, old in zip(after, before, strict=True)] == [count, sacks, 0, count]


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

    async def test_frames_before_their_context(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        game = games[0]
        assert (await failure(client, game, frames(game, game.plays[0]))).reason is Reason.STREAM_ORDER
        assert (await failure(client, game, end(game, game.plays[0]))).reason is Reason.STREAM_ORDER

    async def test_two_games_in_one_stream(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        ours, other = games
        play = passes(ours)[0]
        error = await failure(client, ours, context(ours, play), frames(other, play))
        assert error.reason is Reason.GAME_MISMATCH
        assert error.fields[0].field == "frames.game_id"
        assert (await failure(client, ours, context(other, play))).reason is Reason.GAME_MISMATCH
        opening = StreamPlaysRequest(open={"header": header_to_message(other.header)})
        assert (await failure(client, ours, opening)).reason is Reason.STREAM_ORDER

    async def test_an_empty_message(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        assert (await failure(client, games[0], StreamPlaysRequest())).reason is Reason.FIELD_INVALID

    @pytest.mark.parametrize("damage", ["abc", "####", ""])
    async def test_a_resume_token_that_is_none(
        self, client: FeaturizerClient, games: tuple[Game, ...], damage: str
    ) -> None:
        ours, other = games
        token = checkpoints(await answers(client, other, whole(other, other.plays[:1])))[-1].resume_token
        with pytest.raises(PlayscoreError) as caught:
            await answers(client, ours, [], damage or token)
        assert caught.value.reason is Reason.RESUME_TOKEN_INVALID

    async def test_a_batch_that_is_wrong_costs_its_play_and_no_other(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        broken, fine = passes(game)[:2]
        short = frames(game, broken)
        short.frames.x.pop()
        crowd = frames(game, fine)
        crowd.frames.player_ids.extend(str(n) for n in range(100))
        requests = [context(game, broken), short, frames(game, broken), *whole(game, [fine])]
        responses = await answers(client, game, requests)
        rejected, made = outcomes(responses)
        assert isinstance(rejected, PlayRejection)
        assert rejected.reason == reason_pb2.REASON_COLUMNS_INCONSISTENT
        assert isinstance(made, PlayTensor)
        (rejected,) = outcomes(await answers(client, game, [context(game, fine), crowd]))
        assert isinstance(rejected, PlayRejection)
        assert rejected.reason == reason_pb2.REASON_TOO_MANY_PLAYERS

    async def test_a_context_that_is_wrong_costs_its_play_and_no_other(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        broken, fine = passes(game)[:2]
        wrong = context(game, broken)
        wrong.context.football.down = 9
        requests = [wrong, frames(game, broken), *whole(game, [fine]), wrong]
        rejected, made = outcomes(await answers(client, game, requests))
        assert isinstance(rejected, PlayRejection)
        assert rejected.reason == reason_pb2.REASON_FIELD_INVALID
        assert "context.football.down must be 1 to 4, not 9" in rejected.detail
        assert isinstance(made, PlayTensor)

    async def test_a_context_without_a_revision_costs_its_play_and_no_other(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        play, fine = passes(game)[:2]
        uncounted = context(game, play)
        uncounted.context.revision = 0
        for requests in ([uncounted], [context(game, play), uncounted]):
            responses = await answers(client, game, [*requests, frames(game, play), *whole(game, [fine])])
            rejected, made = outcomes(responses)
            assert isinstance(rejected, PlayRejection)
            assert rejected.reason == reason_pb2.REASON_FIELD_INVALID
            assert rejected.revision == 1
            assert "context.revision must be at least 1, not 0" in rejected.detail
            assert isinstance(made, PlayTensor)

    @pytest.mark.parametrize("play_id", ["", "p" * 129])
    async def test_a_context_that_names_no_play_ends_the_stream(
        self, client: FeaturizerClient, games: tuple[Game, ...], play_id: str
    ) -> None:
        nameless = context(games[0], games[0].plays[0])
        nameless.context.play_id, nameless.context.revision = play_id, 0
        error = await failure(client, games[0], nameless)
        assert error.reason is Reason.FIELD_INVALID
        assert [violation.field for violation in error.fields] == ["context.play_id", "context.revision"]

    async def test_a_rejection_names_nobody_by_an_identifier_that_is_none(
        self, client: FeaturizerClient, games: tuple[Game, ...]
    ) -> None:
        game = games[0]
        wrong = context(game, game.plays[0])
        wrong.context.football.passer_id = "p\n"
        (rejected,) = outcomes(await answers(client, game, [wrong]))
        assert isinstance(rejected, PlayRejection)
        (passer,) = rejected.subjects
        assert (passer.subject_id, passer.team_id) == ("", game.plays[0].context.offense_team_id)

    @pytest.mark.parametrize(
        ("kind", "reason"), [(PlayKind.RUN, reason_pb2.REASON_NOT_A_PASS), (PlayKind.PASS, reason_pb2.REASON_NO_FRAMES)]
    )
    async def test_a_play_without_frames(
        self, client: FeaturizerClient, games: tuple[Game, ...], kind: PlayKind, reason: int
    ) -> None:
        game = games[0]
        play = passes(game)[0]
        bare = replace(play, context=replace(play.context, football=replace(play.context.football, kind=kind)))
        (rejected,) = outcomes(await answers(client, game, [context(game, bare)]))
        assert isinstance(rejected, PlayRejection)
        assert rejected.reason == reason

    async def test_ten_minutes_without_a_release(self, client: FeaturizerClient, games: tuple[Game, ...]) -> None:
        game = games[0]
        play = passes(game)[0]
        endless = [
            frames(
                game,
                play,
                replace(play.frames, frame_numbers=play.frames.frame_numbers + 1_000 * round_, events=()),
            )
            for round_ in range(6_000 // len(play.frames) + 1)
        ]
        (rejected,) = outcomes(await answers(client, game, [context(game, play), *endless]))
        assert isinstance(rejected, PlayRejection)
        assert rejected.reason == reason_pb2.REASON_TOO_LONG


async def test_a_game_of_too_many_plays_ends_after_the_answers_to_those_that_it_may_have(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    template = game.plays[0]

    def told(number: int, revision: int = 1) -> StreamPlaysRequest:
        return context(
            game, replace(template, context=replace(template.context, play_id=f"p{number}", revision=revision))
        )

    closed = []
    async with asyncio.timeout(PATIENCE * 3), client.stream_plays(header_to_message(game.header)) as stream:
        await stream.send(roster(game))
        for number in range(MAX_PLAYS):
            await stream.send(told(number))
        await stream.send(told(5, revision=2))
        await stream.send(told(MAX_PLAYS))
        await stream.finish()
        with pytest.raises(PlayscoreError, match="one more than the 2000 plays"):
            async for answer in stream:
                if answer.WhichOneof("message") != "rejection":
                    continue
                closed.append(answer.rejection.key.play_id)
    assert closed == [*(f"p{number}" for number in range(MAX_PLAYS)), "p5"]
