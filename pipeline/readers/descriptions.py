"""The play-by-play sentence: who passed, to whom, how it ended, how far; and which player of the roster is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playscore.game import Player
from playscore.passing import PassResult

_SUFFIX = r"(?:Jr|Sr|II|III|IV|V)"
_PARTICLE = r"(?:St|Van|Von|De|Del|Der|La|Le|Mac|van|von|de|del|der)"
_NAME = (
    r"(?<![\w.'-])[A-Z][A-Za-z]{0,3}\.\s?(?:[A-Z]\.\s?)*"  # D. Dj. Jo. D.J.
    rf"(?:{_PARTICLE}\.?\s)*[A-Za-z][\w'’\-]+(?:\s{_SUFFIX}\b\.?)?"
)
_PASS = re.compile(rf"(?P<passer>{_NAME}) (?:pass|sacked|scrambles|spiked)\b")
_TARGET = re.compile(rf"\bpass\b[^.]*?\b(?:to|intended for) (?P<target>{_NAME})")
_YARDS = re.compile(r"for (?:(?P<yards>-?\d+) yards?|no gain)")
_AIR = re.compile(r"\bPass (?P<air>-?\d+), YAC -?\d+")
_LINEMEN = frozenset({"C", "G", "T", "OG", "OT", "OL", "LS"})


@dataclass(frozen=True, slots=True)
class DescribedPass:
    """A pass play as its sentence tells it; names as written, empty where there is none."""

    passer: str
    target: str
    result: PassResult
    yards: float | None
    air_yards: float | None


def described_pass(description: str) -> DescribedPass | None:
    """The pass of a sentence, for example "(3:44) (Shotgun) D.Carr pass deep right to Z.Jones for 31 yards.".

    None if it tells of no pass, sack or scramble, or of one that did not count ("No Play") or was a spike. Of a ruling
    that was reversed what the sentence says afterwards counts.
    """
    final = description.rpartition("REVERSED.")[2]
    if _PASS.search(final):
        description = final
    started = _PASS.search(description)
    if started is None or not counts(description):
        return None
    told = description[started.start() :]
    if re.match(rf"{_NAME} sacked", told):
        result = PassResult.SACK
    elif re.match(rf"{_NAME} scrambles", told):
        result = PassResult.SCRAMBLE
    elif "INTERCEPTED" in told:
        result = PassResult.INTERCEPTED
    elif "incomplete" in told:
        result = PassResult.INCOMPLETE
    else:
        result = PassResult.COMPLETE
    target = _TARGET.match(told, started.end("passer") - started.start() + 1)
    yards = _YARDS.search(told)
    air = _AIR.search(told)
    return DescribedPass(
        passer=started["passer"],
        target=target["target"] if target else "",
        result=result,
        yards=float(yards["yards"] or 0) if yards else None,
        air_yards=float(air["air"]) if air else None,
    )


def counts(description: str) -> bool:
    """The play was no spike, and was not taken back by a penalty."""
    return "No Play" not in description and " spiked the ball" not in description


def find_passer(name: str, candidates: Sequence[Player]) -> str:
    """Identifier of the passer called `name` ("P.Mahomes"); empty if nobody or more than one is meant."""
    return _find(name, candidates, [player.player_id for player in candidates if player.position == "QB"])


def find_target(name: str, candidates: Sequence[Player]) -> str:
    """Identifier of the target called `name`; empty if nobody or more than one is meant."""
    eligible = [player.player_id for player in candidates if player.position not in _LINEMEN]
    return _find(name, candidates, eligible)


def _find(name: str, candidates: Iterable[Player], likely: Iterable[str]) -> str:
    if not name:
        return ""
    initials, last = _split(name)
    named = [(player.player_id, *_split(player.display_name)) for player in candidates]
    same = [(player_id, first) for player_id, first, family in named if family == last]
    # "Dj.Moore" and "Da.Johnson" say more of the first name than its initial where two share one.
    for written in (initials, initials[:1]):
        meant = {player_id for player_id, first in same if first.startswith(written)}
        if len(meant) > 1:
            meant &= set(likely)
        if len(meant) == 1:
            return meant.pop()
    return ""


def _split(name: str) -> tuple[str, str]:
    """First name (or initials) and last name, in plain small letters, without suffixes: "D.J. Moore" is dj, moore."""
    first, _, last = re.sub(rf"\s+{_SUFFIX}\.?$", "", name.strip()).partition(" " if _is_full(name) else ".")
    while (more := re.match(r"\s*([A-Z])\.\s*(?=\S)", last)) is not None:
        first, last = first + more[1], last[more.end() :]
    return _plain(first), _plain(last)


def _is_full(name: str) -> bool:
    """Begins with a first name ("Dj Moore"), not with initials as play-by-play does ("Dj.Moore", "D. Moore")."""
    return re.match(r"[A-Za-z]{1,4}\.", name) is None


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if letter.isalpha()).casefold()
