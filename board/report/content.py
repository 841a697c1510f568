"""What a report's page shows, from the aggregator's answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from board.coverage import coverage_data
from board.games import matchup
from board.plays import MEASURES, chart_of, play_rows
from board.ratings import COLUMNS, interval_text, measure_text, measured, row, table
from board.report.gather import Answers
from board.report.question import Question
from board.report.scope import Scope
from board.report.splits import PASS_DEPTHS, PLACE, Splits
from board.report.trend import Point
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import ROLES, UNKNOWN, counted, joined, model_label
from playscore.common.v1 import common_pb2 as common

SMALL_TYPE: Final = "In small type: what was expected, and the 90% interval."
_KINDS: Final = {"player": "", "team": "Team", "season": "All of the league", "game": "Both teams"}


def page_data(question: Question, scope: Scope, answers: Answers, made: datetime) -> dict[str, Any]:
    """What `report.js` reads. `made` is when, with its time zone."""
    words = ROLES[question.role]
    team = answers.overall[0].subject.team_id if scope.kind == "player" else ""
    series = [rating.subject.team_id or UNKNOWN for rating in answers.overall] if scope.kind == "game" else [""]
    plays = play_rows(answers.plays, answers.names)
    title, kind = scope.title, _KINDS[scope.kind]
    if scope.kind == "game" and (teams := _who_plays(answers)):
        title, kind = teams, scope.title
    return {
        "title": title,
        "subtitle": joined((kind, team, question.league, words.subjects)),
        "filter": question.filter,
        "figures": _figures(question, scope, answers),
        "series": series,
        "splits": {**table(question.role, ()), **_splits(answers.splits, series)},
        "trend": _trend(question.role, answers),
        "standings": _standings(question.role, answers) if answers.standings else None,
        "chart": chart_of(question.role, plays),
        "bands": _bands(answers),
        "plays": {
            "measure": MEASURES[question.role],
            "subjects": scope.kind != "player" and question.role != common.ROLE_SHOOTING_TEAM,
            "rows": plays,
            "total": answers.total_plays,
            "game": scope.kind != "game",
            "summary": _plays_summary(len(plays), answers.total_plays),
        },
        "coverage": {
            **coverage_data(answers.coverage),
            "of": scope.title if scope.game_id else f"all games of {question.league}",
        },
        "made": [
            ["Model", model_label(answers.ranking.model)],
            ["Minimum plays", f"{answers.ranking.min_plays:,}"],
            ["Revision", answers.revision.value],
            ["Made", made.strftime("%Y-%m-%d %H:%M %Z").strip()],
        ],
    }


def _figures(question: Question, scope: Scope, answers: Answers) -> list[list[str]]:
    words, role = ROLES[question.role], question.role
    figures = []
    for rating in answers.overall:
        measure = measured(rating)
        name = words.measure.capitalize()
        if scope.kind == "game":
            name += f", {rating.subject.team_id or UNKNOWN}"
        figures.append([name, measure_text(role, measure.value), f"90% interval {interval_text(role, measure)}"])
    if scope.kind == "player":
        rating = answers.overall[0]
        rank = str(rating.rank) if rating.qualified else "-"
        figures.append(
            [
                "Rank",
                rank,
                f"of {counted(answers.ranking.qualified, 'ranked player')}"
                if rating.qualified
                else f"minimum {counted(answers.ranking.min_plays, 'play')}",
            ]
        )
    figures.append([words.plays.capitalize(), f"{sum(rating.plays for rating in answers.overall):,}", ""])
    if scope.kind != "game":
        figures += [
            [name, value, f"{small[1:-1]} expected" if small else ""]
            for name, (value, small) in zip(COLUMNS[role], row(answers.overall[0])["cells"], strict=True)
        ]
    return figures


def _splits(
    answers: Sequence[tuple[Splits, Sequence[Sequence[aggregator.Rating]]]], series: Sequence[str]
) -> dict[str, Any]:
    """Groups of splits that have plays; of the others, the names."""
    known = [(splits, ratings) for splits, ratings in answers if any(ratings)]
    unknown = [splits.name for splits, ratings in answers if not any(ratings)]
    return {
        "groups": [
            {
                "name": splits.name,
                "rows": [
                    {"name": name, "filter": text, "ratings": _by_team(ratings, series)}
                    for (name, text), ratings in zip(splits.filters, answer, strict=True)
                ],
            }
            for splits, answer in known
        ],
        "unknown": f"Unknown for all of these plays: {', '.join(unknown).lower()}." if unknown else "",
    }


def _by_team(ratings: Sequence[aggregator.Rating], series: Sequence[str]) -> list[dict[str, Any]]:
    """Rows in the order of the series."""
    rows = [row(rating) for rating in ratings]
    return sorted(rows, key=lambda each: series.index(each["team"])) if len(series) > 1 else rows


def _trend(role: common.Role.ValueType, answers: Answers) -> dict[str, Any]:
    points, several = answers.trend.points, len({point.season for point in answers.trend.points}) > 1
    return {
        "by": {"week": "Week", "game_id": "Game"}[answers.trend.by],
        "measure": ROLES[role].measure.capitalize(),
        "domain": list(ROLES[role].scale or ()) or None,
        "points": [
            {"label": _label(point, several), **_measure_of(point.rating)} for point in points if point.rating.plays
        ],
    }


def _label(point: Point, with_season: bool) -> str:
    own = point.game_id or (UNKNOWN if point.week is None else str(point.week))
    return f"{point.season}, {own}" if with_season and point.season is not None else own


def _measure_of(rating: aggregator.Rating) -> dict[str, Any]:
    return {
        name: value
        for name, value in row(rating).items()
        if name in ("plays", "value", "low", "high", "text", "interval")
    }


def _standings(role: common.Role.ValueType, answers: Answers) -> dict[str, Any]:
    shown = len(answers.standings)
    return {
        **table(role, (row(rating) for rating in sorted(answers.standings, key=lambda rating: not rating.qualified))),
        "summary": (f"The first {shown:,} of {answers.subjects:,}. " if shown < answers.subjects else "") + SMALL_TYPE,
    }


def _who_plays(answers: Answers) -> str:
    """The teams of a game: "PIT at TBL"; empty where it is not known who plays at home."""
    (sides,) = (ratings for splits, ratings in answers.splits if splits is PLACE)
    home, away = ([rating.subject.team_id for rating in side] for side in sides)
    return matchup(home, away)


def _bands(answers: Answers) -> list[dict[str, Any]]:
    """How many passes of each depth there are, and their mean play score; None where there are none."""
    bands = []
    for ratings in next((ratings for splits, ratings in answers.splits if splits is PASS_DEPTHS), ()):
        count = sum(rating.plays for rating in ratings)
        total = sum(rating.plays * rating.passing.mean_play_score for rating in ratings)
        bands.append({"count": count, "mean": round(total / count, 4) if count else None})
    return bands


def _plays_summary(shown: int, total: int) -> str:
    if shown < total:
        return f"The latest {shown:,} of {counted(total, 'play')}."
    return f"All {counted(total, 'play')}." if total > 1 else ""
