"""What the Big Data Bowls' layouts share: rows of tracking, a row a play, perhaps one a game, and one a player.

A reader of one of them states its tables, brings their rows into the names used here, and says what only it knows: how
its results and passers are told.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import polars as pl

from pipeline.readers import situations
from pipeline.readers.cells import Kind
from pipeline.readers.descriptions import DescribedPass, described_pass, is_nullified, kind_told
from pipeline.readers.names import find_passer, find_target, only_passer, thrower_by_last_name
from pipeline.readers.samples import Film, film_by_play
from pipeline.readers.source import (
    MIN_FRAMES,
    TableSource,
    header_of,
    most_say,
    on_field,
    play_of,
    roster,
    unreadable_game,
    without_record,
)
from pipeline.readers.tables import Table
from pipeline.readers.teams import Teams, club
from playscore.game import Game, HomeSide, Play, PlayContext, Player, PlayStatus
from playscore.passing import FootballSituation, PassOutcome, PassResult, PlayKind

RESULTS: Final = {
    "C": PassResult.COMPLETE,
    "I": PassResult.INCOMPLETE,
    "IN": PassResult.INTERCEPTED,
    "S": PassResult.SACK,
    "R": PassResult.SCRAMBLE,
}
BALL_NAMES: Final = ("ball", "football")
GAMES: Final = Table(
    "games",
    {
        "gameId": Kind.ID,
        "season": Kind.INTEGER,
        "week": Kind.INTEGER,
        "homeTeamAbbr": Kind.ID,
        "visitorTeamAbbr": Kind.ID,
    },
    required=False,
)
"""The table of games, as all layouts but the first have it."""
SITUATION: Final[Mapping[str, Kind]] = {
    "gameId": Kind.ID,
    "playId": Kind.ID,
    "playDescription": Kind.TEXT,
    "quarter": Kind.INTEGER,
    "down": Kind.INTEGER,
    "yardsToGo": Kind.INTEGER,
    "possessionTeam": Kind.ID,
    "yardlineSide": Kind.ID,
    "yardlineNumber": Kind.YARD_LINE,
    "gameClock": Kind.CLOCK,
    "preSnapHomeScore": Kind.INTEGER,
    "preSnapVisitorScore": Kind.INTEGER,
    "passResult": Kind.TEXT,
}
"""What the tables of plays of all layouts but the first have in common."""
_SIDES: Final = ("home", "away")
_NO_PASS: Final = (PlayKind.SPIKE, PlayKind.KNEEL, PlayKind.CONVERSION_TRY)
"""Kinds that a play is though its result is a pass's."""


class BigDataBowl(TableSource):
    """Games of one of these layouts in a folder."""

    @abstractmethod
    def samples(self, game_id: str) -> pl.DataFrame:
        """Rows of a game's tracking.

        `play`, `player`, `frame`, `x`, `y`, `s`, `dir`, `event`, `team`, `jersey`, file and row; where the layout has
        them `a`, `o`, `time`, `name`, `position`, `direction`.
        """

    def listed(self, game_id: str) -> pl.DataFrame:
        """A game's plays: the columns of `SITUATION`, and what `kind`, `yards` and `passer` read."""
        return self.plays(game_id)

    def kind(self, row: Mapping[str, Any]) -> PlayKind | None:
        """What columns say that a play is; None: its sentence tells."""
        return None

    def is_nullified(self, row: Mapping[str, Any]) -> bool:
        """Whether columns say that a play does not count."""
        return False

    @abstractmethod
    def yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """What the pass gained, without what penalties and fumbles added."""

    def passer(
        self, row: Mapping[str, Any], told: DescribedPass | None, candidates: Sequence[Player], squad: Sequence[Player]
    ) -> tuple[str, str]:
        """Who threw and whom the pass was for; empty where that is not known.

        `candidates` are those of the offense who were tracked in the play, `squad` all of its team in the game.
        """
        passer = (
            passer_told(told, candidates, squad)
            or thrower_by_last_name(row["playDescription"] or "", candidates)
            or only_passer(candidates)
        )
        return passer, target_told(told, candidates, squad)

    def positions(self) -> Mapping[str, tuple[str | None, str | None]]:
        """Position and name of each player, where a table tells them."""
        return {}

    def read(self, game_id: str) -> Game:
        """One game."""
        samples, listed = self.samples(game_id), self.listed(game_id)
        schedule = self.tables["games"].row(game_id) if "games" in self.tables else None
        teams, home_side = self._teams(game_id, schedule, samples, listed)
        known = self.positions()
        samples = self._cleaned(game_id, samples, teams, set(listed["playId"]), known.keys())
        films = film_by_play(samples.filter(pl.col("frame").is_not_null()))
        players = _roster(samples, known)
        directions = _directions(samples)
        plays = [self._play(row, films.get(row["playId"]), players, teams, directions) for row in listed.to_dicts()]
        return Game(
            header=header_of(
                game_id,
                teams,
                (schedule or {}).get("season") or situations.season_of(game_id),
                (schedule or {}).get("week"),
                league=(schedule or {}).get("league"),
                home_side=home_side,
            ),
            roster=tuple(players.values()),
            plays=plays + without_record(listed["playId"], films),
        )

    def _teams(
        self, game_id: str, schedule: Mapping[str, Any] | None, samples: pl.DataFrame, listed: pl.DataFrame
    ) -> tuple[Teams, HomeSide]:
        home, away = (schedule or {}).get("homeTeamAbbr"), (schedule or {}).get("visitorTeamAbbr")
        if bool(home) != bool(away):  # who had the ball tells the other
            known = club(home or away or "")
            other = listed.filter(pl.col("possessionTeam").map_elements(club, pl.String) != known)
            home, away = home or most_say(other, "possessionTeam"), away or most_say(other, "possessionTeam")
        scheduled = Teams(home, away) if home and away and club(home) != club(away) else None
        is_ball = pl.col("team").str.to_lowercase().is_in(BALL_NAMES)
        rows = samples.filter(pl.col("player").is_not_null() & ~is_ball)
        if rows["team"].is_in(_SIDES).any():
            return scheduled or Teams(*_SIDES), HomeSide.STATED
        tracked = Teams.most_often(rows["team"].value_counts().iter_rows())
        if scheduled is not None and (tracked is None or all(map(scheduled.named, tracked.names))):
            return scheduled, HomeSide.STATED
        if tracked is None:
            names = ", ".join(rows["team"].unique().sort()) or "none"
            raise unreadable_game(game_id, f"its tracking names {names} where two teams should stand")
        if schedule is not None:
            what = "the table of games names other teams than the tracking"
            self.left_out.add(game_id, what, 1, f"game {game_id}: {home} and {away}, not {' and '.join(tracked.names)}")
        return tracked, HomeSide.UNKNOWN

    def _cleaned(
        self, game_id: str, samples: pl.DataFrame, teams: Teams, listed: set[str], known: Collection[str]
    ) -> pl.DataFrame:
        """The samples of players and ball, each with its player and team, without what belongs to nobody."""
        spellings = {name: teams.named(name) for name in samples["team"].unique().drop_nulls()}
        spellings |= dict(zip(_SIDES, teams.names, strict=True))
        named = pl.col("name") if "name" in samples.columns else pl.lit(None, dtype=pl.String)
        samples = samples.with_columns(
            is_ball=pl.col("team").str.to_lowercase().is_in(BALL_NAMES) | named.str.to_lowercase().is_in(BALL_NAMES),
            team=pl.col("team").replace_strict(list(spellings), list(spellings.values()), default=None),
        ).with_columns(pl.col("is_ball").fill_null(False))
        samples = self.leave_out(
            game_id,
            samples,
            pl.col("is_ball") & pl.col("player").is_not_null() & (pl.col("player") != "0"),
            "a row of the ball names a player",
        )
        is_player = ~pl.col("is_ball")
        if "name" in samples.columns and samples.filter(is_player)["player"].null_count():
            samples = _named(samples)
        samples = self.leave_out(game_id, samples, is_player & pl.col("player").is_null(), "no player is named")
        of_nobody = is_player & pl.col("team").fill_null("").eq("")
        samples = self.leave_out(game_id, samples, of_nobody, "the team is neither of those that play")
        samples = self.without_slips(game_id, samples, listed)
        alone = (
            is_player & (pl.len().over("play", "player") == 1) & (pl.col("frame").n_unique().over("play") >= MIN_FRAMES)
        )
        samples = self.leave_out(
            game_id,
            samples,
            alone & ~pl.col("player").is_in(list(known)),
            "the player is listed nowhere and has no other sample in the play",
        )
        return samples.with_columns(player=pl.when(is_player).then("player"))

    def _play(
        self,
        row: dict[str, Any],
        film: Film | None,
        players: Mapping[str, Player],
        teams: Teams,
        directions: Mapping[str, str],
    ) -> Play:
        offense = teams.named(row["possessionTeam"])
        description = row["playDescription"] or ""
        told = described_pass(description)
        nullified = self.is_nullified(row) or is_nullified(description)
        kind = self._kind(row, description)
        outcome, passer, target = None, "", ""
        if kind is PlayKind.PASS and not nullified:
            squad = [player for player in players.values() if player.team_id == offense]
            passer, target = self.passer(row, told, on_field(film, players, offense), squad)
            outcome = self._outcome(row, told)
        return play_of(
            PlayContext(
                play_id=row["playId"],
                attacking_team_id=offense or row["possessionTeam"] or "",
                attacking_direction=situations.attacking_direction(directions.get(row["playId"])),
                status=PlayStatus.NULLIFIED if nullified else None,
                situation=FootballSituation(
                    kind=kind,
                    quarter=row["quarter"],
                    game_clock_seconds=row["gameClock"],
                    down=situations.down(row["down"]),
                    yards_to_go=situations.positive(row["yardsToGo"]),
                    yards_to_end_zone=situations.yards_to_end_zone(
                        offense, teams.named(row["yardlineSide"]), row["yardlineSide"], row["yardlineNumber"]
                    ),
                    home_score=row["preSnapHomeScore"],
                    away_score=row["preSnapVisitorScore"],
                    passer_id=passer,
                    target_id=target,
                    charted_air_yards=self.air_yards(row, told),
                ),
            ),
            film,
            outcome,
        )

    def air_yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """How far the pass was thrown, as charted."""
        return told.air_yards if told is not None else None

    def _kind(self, row: Mapping[str, Any], description: str) -> PlayKind:
        by_columns = self.kind(row)
        if by_columns is not None:
            return by_columns
        told = kind_told(description)
        if row["passResult"] not in RESULTS:
            return told or PlayKind.OTHER
        if told in _NO_PASS:
            return told
        return PlayKind.CONVERSION_TRY if row["down"] == 0 and row["yardsToGo"] == 0 else PlayKind.PASS

    def _outcome(self, row: Mapping[str, Any], told: DescribedPass | None) -> PassOutcome | None:
        result = RESULTS.get(row["passResult"])
        if result is None:
            return None
        return situations.pass_outcome(result, self.yards(row, told))


def passer_told(told: DescribedPass | None, candidates: Sequence[Player], squad: Sequence[Player]) -> str:
    """Who threw by the play's sentence, sought among those who were tracked, then in the squad; empty if nobody."""
    return "" if told is None else find_passer(told.passer, candidates) or find_passer(told.passer, squad)


def target_told(told: DescribedPass | None, candidates: Sequence[Player], squad: Sequence[Player]) -> str:
    """As `passer_told`: whom the pass was for."""
    return "" if told is None else find_target(told.target, candidates) or find_target(told.target, squad)


def _named(samples: pl.DataFrame) -> pl.DataFrame:
    """The samples; those without an identifier get that of the player of the same name and team, or the name itself."""
    known = (
        samples.filter(pl.col("player").is_not_null() & ~pl.col("is_ball"))
        .group_by("name", "team")
        .agg(pl.col("player").unique().alias("identifiers"))
        .filter(pl.col("identifiers").list.len() == 1)
        .select("name", "team", pl.col("identifiers").list.first().alias("meant"))
    )
    rows = samples.join(known, on=["name", "team"], how="left", maintain_order="left")
    nameless = pl.col("name").is_not_null() & (pl.col("player").is_null().all().over("name", "team"))
    return rows.with_columns(player=pl.coalesce("player", "meant", pl.when(nameless).then("name"))).drop("meant")


def _roster(samples: pl.DataFrame, known: Mapping[str, tuple[str | None, str | None]]) -> dict[str, Player]:
    people = samples.filter(pl.col("player").is_not_null())
    table = pl.DataFrame(
        [(player, position, name) for player, (position, name) in known.items()],
        schema={"player": pl.String, "listed_position": pl.String, "listed_name": pl.String},
        orient="row",
    )
    there = people.columns
    name = "name" if "name" in there else pl.lit(None, dtype=pl.String)
    position = "position" if "position" in there else pl.lit(None, dtype=pl.String)
    return roster(
        people.join(table, on="player", how="left", maintain_order="left").select(
            "player",
            "team",
            pl.coalesce("listed_name", name).alias("name"),
            pl.coalesce("listed_position", position).alias("position"),
            "jersey",
        )
    )


def _directions(samples: pl.DataFrame) -> dict[str, str]:
    if "direction" not in samples.columns:
        return {}
    return dict(samples.group_by("play").agg(pl.col("direction").drop_nulls().mode().sort().first()).iter_rows())
