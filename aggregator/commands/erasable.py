"""What an erasure is about to erase, in words; refused where that is nothing."""

from __future__ import annotations

from typing import Final

from playscore.client import AggregatorClient
from playscore.client.subjects import described
from playscore.client.words import ROLES, alternatives, joined
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.terminal_text import printable

_SUGGESTED: Final = 5


async def player_to_erase(aggregator: AggregatorClient, league: str, subject_id: str) -> str:
    """A player and their plays: "Jordan Swift (p1, KC), 41 passes of NFL".

    Raises SUBJECT_NOT_FOUND where no score is recorded of the identifier, with the players who have it as a name.
    """
    subject, counts = common.Subject(subject_id=subject_id), []
    for role, words in ROLES.items():
        try:
            rating = (await aggregator.get_rating(league, subject_id, role=role)).rating
        except PlayscoreError as refusal:
            if refusal.reason not in (Reason.SUBJECT_NOT_FOUND, Reason.FIELD_INVALID):  # a name need not be one
                raise
            raise await _unknown(aggregator, league, subject_id) from refusal
        if rating.plays:
            subject = rating.subject
            counts.append(words.counted_plays(rating.plays))
    return printable(f"{described(subject)}, {joined(counts) or 'no graded plays'} of {league}")


async def league_to_erase(aggregator: AggregatorClient, league: str) -> str:
    """A league and its plays: "all of NFL, 85 passes". Raises LEAGUE_NOT_FOUND where nothing is recorded of it."""
    plays = {}
    for role, words in ROLES.items():
        coverage = await aggregator.get_coverage(league, role=role)
        if coverage.plays:
            plays[words.plays] = words.counted_plays(coverage.plays)
    return f"all of {league}, {joined(plays.values()) or 'no plays'}"


async def _unknown(aggregator: AggregatorClient, league: str, text: str) -> PlayscoreError:
    named = {
        each.subject.subject_id: described(each.subject)
        for role in ROLES
        async for each in aggregator.list_subjects(league, role=role, name_contains=text)
    }
    if named:
        hint = f"did you mean {alternatives(list(named.values()), _SUGGESTED)}?"
    else:
        hint = "--force erases it where plays of others name it"
    return PlayscoreError(
        Reason.SUBJECT_NOT_FOUND, f"nothing is recorded of an identifier {text!r} in {league}; {hint}"
    )
