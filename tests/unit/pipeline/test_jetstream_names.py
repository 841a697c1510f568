"""What games are called to the broker, and what its messages hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.jetstream.bodies import MAX_BODY_BYTES, cut, message_id, pack, unpack
from pipeline.jetstream.broker import BrokerAddress
from pipeline.jetstream.names import GameName, text_of, token, work_of
from playscore.common.v1.common_pb2 import GameKey
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import EndPlay, FeedMessage
from playscore.tracking.v1.tracking_pb2 import FrameBatch

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def said(play_id: str) -> FeedMessage:
    return FeedMessage(game=GameKey(league="NFL", game_id="g"), end_play=EndPlay(play_id=play_id))


@given(NAMES, NAMES, st.integers(0, 2**63))
def test_any_league_and_game_has_subjects_of_its_own(league: str, game_id: str, epoch: int) -> None:
    name = GameName(league, game_id)
    assert GameName.of_feed(name.feed) == name
    assert work_of(name.work(epoch)) == (name, epoch)
    assert set(name.feed.removeprefix("feed.").replace(".", "", 1)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_="
    )


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_different_names_have_different_tokens(names: list[str]) -> None:
    assert token(names[0]) != token(names[1])


def test_usual_names_read_as_they_are() -> None:
    assert GameName("NFL", "2022091100").feed == "feed.NFL.2022091100"
    assert GameName("SHL", "Brynäs IF").feed == "feed.SHL.Bryn=C3=A4s=20IF"


@pytest.mark.parametrize("told", ["", "a=", "a=2e", "a=ZZ", "a b", "=FF", "é", "=41"])
def test_a_token_that_names_nothing_is_refused(told: str) -> None:
    with pytest.raises(PlayscoreError, match="no token"):
        text_of(told)


@pytest.mark.parametrize("subject", ["feed", "feed.NFL", "feed.NFL.1.2", "work.NFL.1", "feed..1"])
def test_a_subject_of_no_feed_is_refused(subject: str) -> None:
    with pytest.raises(PlayscoreError):
        GameName.of_feed(subject)


def test_what_is_packed_comes_out_again() -> None:
    messages = [said("1"), FeedMessage(), said("2")]
    assert unpack(pack(messages)) == messages


@pytest.mark.parametrize("body", [b"", b"\x05ab", b"\xff" * 12, pack([said("1")])[:-1], pack([said("1")]) + b"\x80"])
def test_a_body_that_is_torn_is_refused(body: bytes) -> None:
    with pytest.raises(PlayscoreError):
        unpack(body)


def test_messages_are_cut_into_bodies_in_order_and_a_large_one_travels_alone() -> None:
    def film(kilobytes: int) -> FeedMessage:
        return FeedMessage(frames=FrameBatch(segment_id="s" * 1024 * kilobytes))

    messages = [film(100), film(100), film(100), film(900), film(1), film(1)]
    parts = list(cut(messages))
    assert [len(part) for part in parts] == [2, 1, 1, 2]
    assert [message for part in parts for message in part] == messages
    assert all(len(pack(part)) <= MAX_BODY_BYTES for part in parts if len(part) > 1)
    assert list(cut([])) == []


def test_a_body_is_known_again_on_its_subject_only() -> None:
    body = pack([said("1")])
    assert message_id("feed.NFL.1", body) == message_id("feed.NFL.1", body)
    assert (
        len({message_id("feed.NFL.1", body), message_id("feed.NFL.2", body), message_id("feed.NFL.1", body[:-1])}) == 3
    )


def test_a_password_in_the_brokers_url_is_not_shown() -> None:
    address = BrokerAddress("nats://user:secret@one:4222,nats://token@two:4222")
    assert str(address) == "nats://one:4222,nats://two:4222"
    assert "secret" not in repr(address)
