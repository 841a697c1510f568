"""The distribution is that of a league-average passer: who plays, for whom and when changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.core import graph
from models.passing.evaluation import graph_cdf
from models.passing.release import MODEL
from models.passing.sources import of_simulated
from playscore.game import Game
from playscore.passing import situation_of
from playscore.release import GRAPH, Release
from simulator import simulate_game


def with_other_people(game: Game) -> Game:
    """The same game with every name, number, team, league, season and date replaced."""
    ids = [player.player_id for player in game.roster]
    swapped = dict(zip(ids, np.random.default_rng(0).permutation(ids).tolist(), strict=True))
    header = game.header
    teams = {header.home_team_id: "HERE", header.away_team_id: "THERE"}
    roster = tuple(
        replace(
            player,
            player_id=swapped[player.player_id],
            team_id=teams[player.team_id],
            display_name=f"N. {number}",
            jersey_number=99 - number,
        )
        for number, player in enumerate(game.roster)
    )
    plays = [
        replace(
            play,
            context=replace(
                play.context,
                attacking_team_id=teams[play.context.attacking_team_id],
                situation=replace(
                    situation_of(play.context),
                    passer_id=swapped.get(situation_of(play.context).passer_id, ""),
                    target_id=swapped.get(situation_of(play.context).target_id, ""),
                ),
            ),
            frames=replace(
                play.frames, player_ids=tuple(swapped.get(player, player) for player in play.frames.player_ids)
            ),
        )
        for play in game.plays
    ]
    renamed = replace(header, league="OTHER", game_id="x", season=1999, home_team_id="HERE", away_team_id="THERE")
    return replace(game, header=renamed, roster=roster, plays=plays)


def test_swapping_identities_changes_no_tensor_and_no_distribution(passing_release: Release, releases: Path) -> None:
    simulated = simulate_game(3, 0)
    other = replace(simulated, game=with_other_people(simulated.game))
    one, swapped = of_simulated(simulated, "one"), of_simulated(other, "other")
    assert len(one) > 30
    assert set(one.passers) != set(swapped.passers)
    np.testing.assert_array_equal(swapped.frames, one.frames)
    np.testing.assert_array_equal(swapped.statics, one.statics)
    session = graph.session(releases / MODEL / str(passing_release.version) / GRAPH)
    np.testing.assert_array_equal(graph_cdf(session, swapped), graph_cdf(session, one))
