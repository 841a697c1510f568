"""The play-by-play sentence: what kind of play it tells of, whether that counted, and its pass."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pipeline.readers.names import NAME
from playscore.passing import PassResult, PlayKind

_NULLIFIED = re.compile(r"\bno[ -]play\b(?![ -](?:action|clock))", re.IGNORECASE)
_REVERSED = re.compile(r"\breversed\.", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")  # (Shotgun) (C.Cook) [D.Drake] {a note}
_FORWARD = r"pass(?:es|ed)?\b(?! (?:back(?:wards?)?|lateral(?:ly)?)\b)"
_DROPBACK = re.compile(rf"(?P<passer>{NAME}) (?:(?P<sack>sacked)|(?P<scramble>scramble[sd])|{_FORWARD})(?!\w)")
_ACTIONS = (
    (PlayKind.CONVERSION_TRY, re.compile(r"\b(?:two|2)[ -](?:point|pt)\b|\bextra point\b", re.IGNORECASE)),
    (
        PlayKind.SPECIAL_TEAMS,
        re.compile(r"\b(?:punts?|kicks|onside|(?:free|drop) kick|kick-?off|field goal)\b", re.IGNORECASE),
    ),
    (PlayKind.SPIKE, re.compile(r"\b[Ss]pike[sd]?\b|\bclock(?:s|ed) the ball\b")),
    (PlayKind.KNEEL, re.compile(r"\b(?:[Kk]neels?|kneeled|knelt|took a knee|takes? a knee|[Kk]neel[ -]?down)\b")),
    (PlayKind.PASS, re.compile(r"\b(?:sacked|scramble[sd])\b|\bpass (?:incomplete|complete|short|deep)\b")),
    (PlayKind.PASS, _DROPBACK),
    (
        PlayKind.RUN,
        re.compile(r"\b(?:(?:left|right) (?:end|tackle|guard|side)|up the middle|rush(?:es|ed)|runs)\b"),
    ),
)
_MOVED = re.compile(r"\bFUMBLES\b|\bAborted\b|\bfor (?:-?\d+ ya?r?ds?|no gain)\b")
_NOTHING_PLAYED = re.compile(
    r"\b(?:time-?out|two.minute warning|coin toss|penalty"
    r"|end (?:of )?(?:the )?(?:\w+ )?(?:quarter|half|game|period|regulation|overtime))\b",
    re.IGNORECASE,
)
_ILLEGAL = re.compile(r"\bPENALTY on [^,]*, Illegal Forward Pass\b")
_TARGET = re.compile(rf"[^.]*?\b(?:to|for) (?P<target>{NAME})")
_INTERCEPTED = re.compile(r"\bINTERCEPTED\b|\b(?:is|was) intercepted\b|^ intercepted\b")
_INCOMPLETE = re.compile(r"\bincomplete\b(?! pass)")
_YARDS = re.compile(r"\bfor (?:(?P<yards>-?\d+) ya?r?ds?\b|no gain\b)")
_COMPLETED = re.compile(r"\bis complete\b|\bTOUCHDOWN\b")
_SPOT = r"(?:(?P<side>[A-Z]{2,3}) )?(?P<line>-?\d{1,2})"
_REACHED = re.compile(rf"\b(?:to|at) {_SPOT} for ")
_ENFORCED = re.compile(rf"\bPENALTY on (?P<team>[A-Z]{{2,3}})\b.{{0,99}}?\benforced at {_SPOT}")
_LATERAL = re.compile(r"\b(?:lateral|pitch|pass back|backward pass)", re.IGNORECASE)
_AIR = re.compile(r"\bPass (?P<air>-?\d+), YAC -?\d+")


@dataclass(frozen=True, slots=True)
class DescribedPass:
    """A pass play as its sentence tells it; names as written, empty where there is none.

    Yards are what the pass is credited with officially: what the receiver gained, and those to whom they lateraled, up
    to a foul of their own team or a fumble. None if nobody caught it, and for a try. What the fumble itself gains or
    loses is missing: the sentence does not say which way the offense goes.
    """

    passer: str
    target: str
    result: PassResult
    yards: float | None
    air_yards: float | None


def described_pass(description: str) -> DescribedPass | None:
    """The pass of a sentence, for example "(3:44) (Shotgun) D.Carr pass deep right to Z.Jones for 31 yards.".

    That is the forward pass, whoever handled the ball before. None if the sentence tells of no pass, sack or scramble,
    or of one that did not count. Of a ruling that was reversed what the sentence says afterwards counts.
    """
    told = _final(description)
    if is_nullified(description) or _kind(told) not in (PlayKind.PASS, PlayKind.CONVERSION_TRY):
        return None
    starts = list(_DROPBACK.finditer(told))
    if not starts:
        return None
    ends = [match.start() for match in starts[1:]] + [len(told)]
    dropbacks = [(match, told[match.end() : end]) for match, end in zip(starts, ends, strict=True)]
    # A pass of which nothing came was thrown backward, to the one who threw forward.
    match, after = next((dropback for dropback in dropbacks if _ended(*dropback)), dropbacks[-1])
    result = _result(match, after)
    thrown = result not in (PassResult.SACK, PassResult.SCRAMBLE)
    target = _TARGET.match(after) if thrown else None
    air = _AIR.search(told)
    return DescribedPass(
        passer=match["passer"],
        target=target["target"] if target else "",
        result=result,
        yards=None if result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED) else _yards(after, result),
        air_yards=float(air["air"]) if air else None,
    )


def kind_told(description: str) -> PlayKind | None:
    """What kind of play the sentence tells of; None if it does not say.

    Sacks and scrambles are passes, extra points are tries, and a sentence in which nothing is played, for example a
    time-out, is of another kind. Whether the play counted is not asked here.
    """
    return _kind(_final(description))


def is_nullified(description: str) -> bool:
    """The play was taken back by a penalty: "No Play". Penalties that were declined, or offset each other, do not."""
    return _NULLIFIED.search(" ".join(description.split())) is not None


def _final(description: str) -> str:
    """The sentence without asides, its words one space apart; of a ruling that was reversed, what replaced it."""
    text = " ".join(_ASIDE.sub(" ", unicodedata.normalize("NFC", description)).split())
    replaced = _REVERSED.split(text)[-1]
    return replaced if _kind(replaced) not in (None, PlayKind.OTHER) else text


def _kind(told: str) -> PlayKind | None:
    found = [(match.start(), kind) for kind, action in _ACTIONS if (match := action.search(told))]
    if found:
        kind = min(found, key=lambda action: action[0])[1]
        if kind is PlayKind.PASS and _INCOMPLETE.search(told) and (PlayKind.SPIKE in {kind for _, kind in found}):
            return PlayKind.SPIKE  # a pass that was thrown to the ground on purpose
        ran_first = kind is PlayKind.RUN and _DROPBACK.search(told) and not _ILLEGAL.search(told)
        return PlayKind.PASS if ran_first else kind
    if _MOVED.search(told):
        return PlayKind.RUN
    return PlayKind.OTHER if _NOTHING_PLAYED.search(told) else None


def _ended(match: re.Match[str], after: str) -> bool:
    return bool(
        match["sack"]
        or match["scramble"]
        or any(ending.search(after) for ending in (_INTERCEPTED, _INCOMPLETE, _YARDS, _COMPLETED))
    )


def _result(match: re.Match[str], after: str) -> PassResult:
    if match["sack"]:
        return PassResult.SACK
    if match["scramble"]:
        return PassResult.SCRAMBLE
    if _INTERCEPTED.search(after):
        return PassResult.INTERCEPTED
    return PassResult.INCOMPLETE if _INCOMPLETE.search(after) else PassResult.COMPLETE


def _yards(after: str, result: PassResult) -> float | None:
    """What was gained until the ball was fumbled: by the first, and by those to whom they lateraled."""
    advance, fumble, _ = after.partition("FUMBLES")
    total, since = None, 0
    for gain in _YARDS.finditer(advance):
        if total is not None and not _LATERAL.search(advance, since, gain.start()):
            break
        total, since = (total or 0.0) + float(gain["yards"] or 0), gain.end()
    if total is None or fumble or result is PassResult.SACK:
        return total
    return total - _beyond_the_foul(advance, since)


def _beyond_the_foul(advance: str, end: int) -> float:
    """The yards of an advance that came after a foul of the offense, and so are not credited."""
    foul = _ENFORCED.search(advance, end)
    if foul is None:
        return 0.0
    reached = list(_REACHED.finditer(advance, 0, end))
    return max(0.0, (_own_yards(reached[-1], foul["team"]) if reached else 100.0) - _own_yards(foul, foul["team"]))


def _own_yards(spot: re.Match[str], team: str) -> float:
    """Yards of a spot ("KC 30", "50") from the goal line that `team` defends."""
    line = float(spot["line"])
    return line if spot["side"] == team else 100.0 - line
