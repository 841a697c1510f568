"""Players' names as the league writes them: how they stand in a sentence, and who of a roster is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from playscore.game import Player

_MARKS: Final = "'’‘ʼ´`‐‑-"
_PARTICLES: Final = frozenset((
    "van", "von", "vander", "vande", "ver", "der", "den", "de", "del", "della", "dela", "di", "da", "do", "dos", "das",
    "du", "la", "le", "los", "las", "st", "ste", "saint", "san", "santa", "mac", "mc", "ter", "ten", "te", "el",
))  # fmt: skip
_SUFFIXES: Final = frozenset(("jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "v"))
_NO_TARGETS: Final = frozenset(("QB", "C", "G", "T", "LG", "RG", "LT", "RT", "OG", "OT", "OL", "LS"))
_MAX_WORDS: Final = 8
"""What has more words is nobody's name."""
# Letters that have no accent to take off.
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def _pattern() -> str:
    """A name in a sentence. Repetitions are bounded: reading takes time in proportion to the text."""
    no_name = (
        "INTERCEPTED|TOUCHDOWN|FUMBLES|PENALTY|NULLIFIED|RECOVERED|REVERSED|SAFETY|BLOCKED|ATTEMPT|Penalty|The|Player|"
        "Pass|Forward|Backwards?|Lateral|Pitch|Direct|Illegal|Official|Caught|Aborted"
    )
    capital = r"[^\W\d_a-z]"
    suffix = r"(?:(?i:jr|sr)\b\.?|(?:II|III|IV|V)\b)"
    particle = rf"(?i:{'|'.join(sorted(_PARTICLES, key=len, reverse=True))})"
    word = rf"(?!(?:{no_name})\b|{suffix}){capital}[\w{_MARKS}]*"
    more = rf" (?={capital}(?:[^\W\d_A-Z]|[{_MARKS}])){word}"
    last = rf"(?:{particle}(?:\. ?| |(?={capital}))){{0,3}}(?!(?:{no_name})\b)[^\W\d_][\w{_MARKS}]*"
    initials = rf"(?:{capital}\.[ -]?){{1,4}}"  # A. D.J. D. J. J.-P.
    tight = rf"{word}\.(?:{capital}\. ?){{0,2}}"  # Chris. Dj. A.J. before a last name that follows at once
    loose = rf"(?!{suffix}){capital}\w{{1,4}}\. "  # "Jo. Howard"
    full = rf"{word}(?: (?:{capital}\.|(?:St|Ste|Mc|Mac)\.|{particle}|{word})){{0,3}} {word}"
    jersey = r"(?:#\d{1,2}[ -]?|\d{1,2}-)"
    written = rf"(?:{initials}|{tight}){last}(?:{more}){{0,2}}|{loose}{last}|{full}"
    return rf"(?<![\w.{_MARKS}])(?:{jersey}?(?:{written})|{jersey}{word})(?:,? {suffix})?"


_BEFORE_PASS: Final = re.compile(rf"([^\W\d_][^\W\d_{_MARKS}]{{0,40}})(?:, ?[^\W\d_]{{1,40}})? pass(?:es|ed)?\b")
"""The word before "pass": the last of a name, if a name stands there, or the one before a comma."""
NAME: Final = _pattern()
"""Regular expression of a name in a sentence, in which words are separated by single spaces."""


def find_passer(name: str, candidates: Sequence[Player]) -> str:
    """Identifier of the passer called `name` ("P.Mahomes", "15-P.Mahomes"); empty if nobody or several are meant.

    A quarterback is meant rather than a namesake who plays elsewhere.
    """
    return _find(name, candidates, (player for player in candidates if _position(player) == "QB"))


def find_target(name: str, candidates: Sequence[Player]) -> str:
    """Identifier of the target called `name`; empty if nobody or several are meant.

    A receiver is meant rather than a namesake who passes or plays on the line.
    """
    return _find(name, candidates, (player for player in candidates if _position(player) not in _NO_TARGETS))


def thrower_by_last_name(description: str, candidates: Iterable[Player]) -> str:
    """Identifier of the one whose last name stands before "pass", however the rest is written; empty if nobody is."""
    words = {_letters(_unaccented(word)) for word in _BEFORE_PASS.findall(description)} - {""}
    meant = {
        player.player_id for player in candidates for _, last in _read(player.display_name).splits() if last in words
    }
    return meant.pop() if len(meant) == 1 else ""


def only_passer(candidates: Iterable[Player]) -> str:
    """Identifier of the one quarterback among them; empty if there is none or more than one."""
    quarterbacks = {player.player_id for player in candidates if _position(player) == "QB"}
    return quarterbacks.pop() if len(quarterbacks) == 1 else ""


def _position(player: Player) -> str:
    return (player.position or "").strip().upper()


def _find(name: str, candidates: Iterable[Player], likely: Iterable[Player]) -> str:
    written = _read(name)
    agreements: dict[_Agreement, set[str]] = {}
    for player in candidates:
        agreement = _agreement(written, player)
        if agreement is not None:
            agreements.setdefault(agreement, set()).add(player.player_id)
    if not agreements:
        return ""
    meant = agreements[max(agreements)]
    if len(meant) > 1:
        meant &= {player.player_id for player in likely}
    return meant.pop() if len(meant) == 1 else ""


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in plain small letters.

    `words` are first names (or initials), then last names. Where the last name begins is known if the first is
    abbreviated or the last comes first: at `boundary`; else it is None.
    """

    words: tuple[str, ...]
    boundary: int | None
    suffix: str
    number: int | None

    def splits(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """First names and last name, for every place where the last may begin: not after a particle."""
        if len(self.words) == 1:
            yield (), self.words[0]
        for at in range(1, len(self.words)):
            if at == self.boundary or (self.boundary is None and (at == 1 or self.words[at - 1] not in _PARTICLES)):
                yield self.words[:at], "".join(self.words[at:])


_Agreement = tuple[bool, bool, int]
"""Whether number and suffix are the same, and how much of the first name is: more is better."""


def _agreement(written: _Name, player: Player) -> _Agreement | None:
    """How well a written name fits a player's; None if they contradict each other. What is left out does not."""
    known = _read(player.display_name)
    numbers = {written.number, player.jersey_number} - {None}
    suffixes = {written.suffix, known.suffix} - {""}
    if len(numbers) > 1 or len(suffixes) > 1:
        return None
    firsts = [
        agreement
        for first, last in written.splits()
        for known_first, known_last in known.splits()
        if last == known_last and (agreement := _first_names(first, known_first)) is not None
    ]
    if not firsts:
        return None
    same_number = written.number is not None and written.number == player.jersey_number
    same_suffix = bool(written.suffix) and written.suffix == known.suffix
    return same_number, same_suffix, max(firsts)


def _first_names(written: tuple[str, ...], known: tuple[str, ...]) -> int | None:
    """2: the known names begin as written; 1: one says more than the other; 0: one is missing; None: they differ."""
    if not written or not known:
        return 0
    # "Dj" and "D.J." are "DJ" and "David James", too.
    if "".join(known).startswith("".join(written)) or "".join(word[0] for word in known) == "".join(written):
        return 2
    pairs = list(zip(written, known, strict=False))
    if len(written) <= len(known) and all(name.startswith(word) for word, name in pairs):
        return 2
    return 1 if all(name.startswith(word) or word.startswith(name) for word, name in pairs) else None


_TOKEN = re.compile(rf"[^\W\d_]+(?:[{_MARKS}]+[^\W\d_]+)*\.?")


@lru_cache(maxsize=4096)
def _read(name: str) -> _Name:
    """The parts of "Avel Brooth Jr.", "9-A.Brooth", "A. Vander Brooth" or "Brooth, Avel"."""
    text = _unaccented(name or "")
    number = re.match(r"\s*#?(\d{1,2})(?!\d)", text)
    parts = [[token for token in _TOKEN.findall(part) if _letters(token)] for part in text.split(",")]
    suffix = ""
    for part in parts:
        if part and part[-1] in _SUFFIXES and (len(part) > 1 or len(parts) > 1):
            suffix = _letters(part.pop())
    family, *given = [part for part in parts if part] or [[]]
    tokens = [token for part in given for token in part] + family
    words = tuple(_letters(token) for token in tokens)
    boundary = len(tokens) - len(family) if given else None
    if boundary is None and len(tokens) > 1 and tokens[0].endswith("."):
        boundary = 1
        while boundary < len(tokens) - 1 and tokens[boundary].endswith(".") and words[boundary] not in _PARTICLES:
            boundary += 1
    return _Name(words if len(words) <= _MAX_WORDS else (), boundary, suffix, int(number[1]) if number else None)


def _unaccented(text: str) -> str:
    small = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return "".join(letter for letter in small if not unicodedata.combining(letter))


def _letters(token: str) -> str:
    return "".join(letter for letter in token if letter.isalpha())
