"""The league writes a player's name in many ways, and each is found in the roster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.names import find_passer, find_target, only_passer
from playscore.game import Player


def player(name: str, position: str = "WR", jersey: int | None = None) -> Player:
    return Player(name, "KC", name, position, jersey)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # A first initial, or as much of the first name as tells namesakes apart.
        ("P.Able", "Paul Able"),
        ("P. Able", "Paul Able"),
        ("Pau.Able", "Paul Able"),
        ("Chris.Brooth", "Christian Brooth"),
        ("Chris. Brooth", "Christian Brooth"),
        ("Matth.Stafford", "Matthew Stafford"),
        ("Matth.Stafford", "Matt Stafford"),
        ("Paul Able", "Paul Able"),
        ("PAUL ABLE", "Paul Able"),
        # Jersey numbers.
        ("9-P.Able", "Paul Able"),
        ("#9 P.Able", "Paul Able"),
        ("00-P.Able", "Paul Able"),
        ("9-Able", "Paul Able"),
        # Initials.
        ("Dj.Baker", "DJ Baker"),
        ("D.Baker", "DJ Baker"),
        ("D.J.Baker", "DJ Baker"),
        ("D.J. Cook", "D.J. Cook"),
        ("D. J. Cook", "D.J. Cook"),
        ("DJ Cook", "D.J. Cook"),
        ("D.Cook", "D.J. Cook"),
        ("T.Y.Hill", "T.Y. Hill"),
        ("T.Hill", "T.Y. Hill"),
        ("J.-P. Hill", "Jean-Pierre Hill"),
        ("P.M.Able", "Paul M. Able"),
        ("P.M.Able", "Paul Marcus Able"),
        ("P.Able", "Paul Marcus Able"),
        ("P.M.Able", "Paul Able"),
        ("Paul M. Able", "Paul Able"),
        # Generations.
        ("O.Drake", "Odell Drake Jr."),
        ("O.Drake Jr.", "Odell Drake Jr."),
        ("O.Drake Jr", "Odell Drake, Jr."),
        ("O.Drake Sr.", "Odell Drake Sr"),
        ("R.Eager III", "Robert Eager III"),
        ("R.Eager", "Robert Eager III"),
        ("A.Fair II", "Allen Fair"),
        ("A.Fair IV", "Fair IV, Allen"),
        ("W.Fuller V", "Will Fuller V"),
        # Particles.
        ("E.St. Gray", "Equan St. Gray"),
        ("E.St.Gray", "Equan St. Gray"),
        ("A.St. Gray", "Amon-Ra St. Gray"),
        ("A.Vander Brooth", "Avel Vander Brooth"),
        ("A.VanderBrooth", "Avel Vander Brooth"),
        ("A.van der Brooth", "Avel van der Brooth"),
        ("A.de la Brooth", "Avel de la Brooth"),
        ("A.De La Brooth", "Avel de la Brooth"),
        ("A.J.Van Brooth", "A.J. Van Brooth"),
        ("A.McBrooth", "Avel McBrooth"),
        ("A.Mc Brooth", "Avel McBrooth"),
        ("V.Brooth", "Van Brooth"),
        # Last names of two words, hyphens and apostrophes.
        ("A.Brooth Gallo", "Avel Brooth Gallo"),
        ("J.O'Hill", "Jesse O'Hill"),
        ("J.O’Hill", "Jesse O'Hill"),
        ("J.O'Hill", "Jesse O’Hill"),
        ("D.Swift", "D'Andre Swift"),
        ("J.D'Angelo", "Jesse D'Angelo"),
        ("Ja'M.Chase", "Ja'Marr Chase"),
        ("J.Ivy-Jones", "JuJu Ivy-Jones"),
        ("H.Clinton-Dix", "Ha Ha Clinton-Dix"),
        # Accents.
        ("J.Lopez", "José López"),
        ("J.López", "Jose Lopez"),
        ("É.Brooth", "Emile Brooth"),
        ("J.Lo\u0301pez", "José López"),
        ("J.Moller", "Jan Møller"),
        # Ways in which rosters write.
        ("P.Able", "P.Able"),
        ("P.Able", "P. Able"),
        ("Paul Able", "P. Able"),
        ("P.Able", "Able, Paul"),
        ("P.Able", "ABLE, PAUL"),
        ("A.Vander Brooth", "Vander Brooth, Avel"),
        ("P.Able Jr.", "Able Jr., Paul"),
        ("P.Able", "PAUL ABLE JR"),
        ("V.Able", "Able, V."),
        ("P.Able", "  Paul   Able "),
    ],
)
def test_a_written_name_finds_its_player(written: str, meant: str) -> None:
    squad = [player(meant), player("Zed Zero"), player("Zed Zero-Able"), player(""), player("anon")]
    assert find_target(written, squad) == meant
    assert find_passer(written, squad) == meant


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("Z.Zero", "Paul Able"),
        ("Q.Able", "Paul Able"),
        ("Pet.Able", "Paul Able"),
        ("Dj.Moore", "David Moore"),
        ("A.Q.Brooth", "Avel Marcus Brooth"),
        ("A.Fair II", "Allen Fair Jr."),
        ("A.Brooth", "Avel Vander Brooth"),
        ("A.Brooth", "Avel Brooth-Gallo"),
        ("", "Paul Able"),
        (".", "Paul Able"),
        ("9-", "Paul Able"),
        ("P.Able", ""),
        ("", ""),
    ],
)
def test_a_name_that_contradicts_a_players_is_not_theirs(written: str, listed: str) -> None:
    assert find_target(written, [player(listed)]) == ""
    assert find_passer(written, [player(listed, "QB")]) == ""


def test_more_of_the_first_name_tells_namesakes_apart() -> None:
    johnsons = [player("David Johnson", "RB"), player("Duke Johnson", "RB")]
    assert find_target("Da.Johnson", johnsons) == "David Johnson"
    assert find_target("Duke Johnson", johnsons) == "Duke Johnson"
    assert find_target("D.Johnson", johnsons) == ""


def test_a_generation_tells_namesakes_apart() -> None:
    fairs = [player("Allen Fair Jr."), player("Alan Fair")]
    assert find_target("A.Fair Jr.", fairs) == "Allen Fair Jr."
    assert find_target("A.Fair", fairs) == ""


def test_position_decides_between_namesakes() -> None:
    smiths = [player("Alan Smith", "QB"), player("Andre Smith", "T"), player("Abe Smith", "WR")]
    assert find_passer("A.Smith", smiths) == "Alan Smith"
    assert find_target("A.Smith", smiths) == "Abe Smith"


def test_a_jersey_number_tells_namesakes_apart() -> None:
    smiths = [player("Alan Smith", "WR", 9), player("Abe Smith", "WR", 19), player("Ann Smith", "WR")]
    assert find_target("9-A.Smith", smiths) == "Alan Smith"
    assert find_target("19-A.Smith", smiths) == "Abe Smith"
    assert find_target("A.Smith", smiths) == ""


def test_number_and_name_must_not_contradict_each_other() -> None:
    squad = [player("Paul Able", "QB", 12), player("Ben Baker", "QB", 9)]
    assert find_passer("9-P.Able", squad) == ""
    assert find_passer("12-P.Able", squad) == "Paul Able"


def test_a_player_who_is_listed_twice_is_one() -> None:
    assert find_passer("P.Able", [player("Paul Able", "QB"), player("Paul Able", "QB")]) == "Paul Able"


def test_where_nothing_is_told_the_only_quarterback_passed() -> None:
    assert only_passer([player("Paul Able", "QB"), player("Ben Baker", "WR")]) == "Paul Able"
    assert only_passer([player("Paul Able", "QB"), player("Ben Baker", "QB")]) == ""
    assert only_passer([player("Ben Baker", "WR")]) == ""
    assert only_passer([]) == ""


FIRST = st.sampled_from(["Avel", "Amon-Ra", "D'Andre", "José", "De'Von", "Christian", "Van"])
PARTICLE = st.sampled_from(["", "Van ", "van der ", "de la ", "St. ", "Mc", "O'", "O’", "D'", "Vander "])
LAST = st.sampled_from(["Brooth", "Gallo", "Ibarro-Ister", "López"])
GENERATION = st.sampled_from(["", " Jr.", " Sr.", " II", " III", " IV", " V"])
JERSEY = st.one_of(st.none(), st.integers(0, 99))


@given(FIRST, PARTICLE, LAST, GENERATION, JERSEY, st.integers(1, 5))
def test_every_spelling_of_a_rosters_name_finds_its_player(
    first: str, particle: str, last: str, generation: str, jersey: int | None, letters: int
) -> None:
    family = f"{particle}{last}"
    squad = [player(f"{first} {family}{generation}", jersey=jersey), player("Zed Zero"), player("Zed Brooth")]
    for number in ("", "7-" if jersey is None else f"{jersey}-"):
        for given_name in (f"{first} ", f"{first[0]}.", f"{first[0]}. ", f"{first[:letters]}."):
            for suffix in ("", generation):
                assert find_target(f"{number}{given_name}{family}{suffix}", squad) == squad[0].player_id


@given(st.text(), st.lists(st.text()))
def test_any_name_is_looked_for_without_an_error(written: str, listed: list[str]) -> None:
    squad = [player(name) for name in listed]
    assert find_target(written, squad) in {"", *listed}
    assert find_passer(written, squad) in {"", *listed}


@pytest.mark.parametrize("piece", ["A.", "A ", "A. ", "A, ", "van ", "Jr. "])
def test_a_text_that_is_no_name_is_done_with_at_once(piece: str) -> None:
    assert find_target("P.Able", [player(piece * 5000)]) == ""
    assert find_target(piece * 5000, [player("Paul Able")]) == ""
