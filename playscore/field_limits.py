"""Generated from protos/: the limits that the contracts state, by the full name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from playscore.errors import Reason
from playscore.limits import FieldLimits, TextKind

FIELD_LIMITS: Mapping[str, FieldLimits] = MappingProxyType(
    {
        "playscore.common.v1.Subject.role": FieldLimits(required=True),
        "playscore.common.v1.Subject.subject_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.common.v1.Subject.subject_name": FieldLimits(text=TextKind.NAME),
        "playscore.common.v1.Subject.team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.common.v1.GameKey.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.common.v1.GameKey.game_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.common.v1.PlayKey.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.common.v1.PlayKey.game_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.common.v1.PlayKey.play_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.common.v1.ModelVersion.name": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.common.v1.ModelVersion.version": FieldLimits(minimum=1.0),
        "playscore.common.v1.Rejection.revision": FieldLimits(minimum=0.0),
        "playscore.common.v1.Rejection.detail": FieldLimits(max_characters=4096),
        "playscore.common.v1.Rejection.subjects": FieldLimits(max_items=16),
        "playscore.common.v1.RevisionToken.value": FieldLimits(required=True, max_characters=2048),
        "playscore.distribution.v1.Support.support_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.distribution.v1.Support.edges_yards": FieldLimits(required=True, max_items=4096),
        "playscore.distribution.v1.Support.lower_tail_probability": FieldLimits(
            minimum=0.0, exclusive_minimum=True, reason=Reason.DISTRIBUTION_INVALID
        ),
        "playscore.distribution.v1.Support.upper_tail_probability": FieldLimits(
            minimum=0.0, exclusive_minimum=True, reason=Reason.DISTRIBUTION_INVALID
        ),
        "playscore.distribution.v1.SplicedBinnedPareto.support_id": FieldLimits(
            required=True, text=TextKind.IDENTIFIER
        ),
        "playscore.distribution.v1.SplicedBinnedPareto.probabilities": FieldLimits(required=True, max_items=4095),
        "playscore.distribution.v1.SplicedBinnedPareto.lower_scale_yards": FieldLimits(
            minimum=0.0, exclusive_minimum=True, reason=Reason.DISTRIBUTION_INVALID
        ),
        "playscore.distribution.v1.SplicedBinnedPareto.upper_scale_yards": FieldLimits(
            minimum=0.0, exclusive_minimum=True, reason=Reason.DISTRIBUTION_INVALID
        ),
        "playscore.distribution.v1.SplicedBinnedPareto.ceiling_yards": FieldLimits(
            minimum=1.0, maximum=100.0, reason=Reason.DISTRIBUTION_INVALID
        ),
        "playscore.distribution.v1.Bernoulli.probability": FieldLimits(minimum=0.0, maximum=1.0),
        "playscore.football.v1.FootballSituation.quarter": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.football.v1.FootballSituation.game_clock_seconds": FieldLimits(minimum=0.0, maximum=900.0),
        "playscore.football.v1.FootballSituation.down": FieldLimits(minimum=1.0, maximum=4.0),
        "playscore.football.v1.FootballSituation.yards_to_go": FieldLimits(
            minimum=0.0, maximum=100.0, exclusive_minimum=True
        ),
        "playscore.football.v1.FootballSituation.yards_to_end_zone": FieldLimits(minimum=0.0, maximum=100.0),
        "playscore.football.v1.FootballSituation.home_score": FieldLimits(minimum=0.0, maximum=300.0),
        "playscore.football.v1.FootballSituation.away_score": FieldLimits(minimum=0.0, maximum=300.0),
        "playscore.football.v1.FootballSituation.passer_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.football.v1.FootballSituation.target_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.football.v1.FootballSituation.charted_air_yards": FieldLimits(minimum=-110.0, maximum=110.0),
        "playscore.football.v1.PassOutcome.yards_gained": FieldLimits(
            minimum=-100.0, maximum=110.0, reason=Reason.YARDS_OUT_OF_RANGE
        ),
        "playscore.football.v1.PassOutcome.outcome_revision": FieldLimits(minimum=0.0),
        "playscore.football.v1.PassAttributes.season": FieldLimits(minimum=1850.0, maximum=2200.0),
        "playscore.football.v1.PassAttributes.week": FieldLimits(minimum=1.0, maximum=60.0),
        "playscore.football.v1.PassAttributes.quarter": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.football.v1.PassAttributes.game_clock_seconds": FieldLimits(minimum=0.0, maximum=900.0),
        "playscore.football.v1.PassAttributes.down": FieldLimits(minimum=1.0, maximum=4.0),
        "playscore.football.v1.PassAttributes.yards_to_go": FieldLimits(
            minimum=0.0, maximum=100.0, exclusive_minimum=True
        ),
        "playscore.football.v1.PassAttributes.yards_to_end_zone": FieldLimits(minimum=0.0, maximum=100.0),
        "playscore.football.v1.PassAttributes.score_difference": FieldLimits(minimum=-300.0, maximum=300.0),
        "playscore.football.v1.PassAttributes.team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.football.v1.PassAttributes.opponent_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.football.v1.PassAttributes.time_to_throw_seconds": FieldLimits(minimum=0.0, maximum=60.0),
        "playscore.football.v1.PassAttributes.air_yards": FieldLimits(minimum=-110.0, maximum=110.0),
        "playscore.football.v1.PassAttributes.target_separation_yards": FieldLimits(minimum=0.0, maximum=200.0),
        "playscore.football.v1.PassAttributes.defenders_near_target": FieldLimits(minimum=0.0, maximum=11.0),
        "playscore.football.v1.PassAttributes.passer_depth_yards": FieldLimits(minimum=-150.0, maximum=150.0),
        "playscore.football.v1.PassAttributes.passer_lateral_yards": FieldLimits(minimum=-150.0, maximum=150.0),
        "playscore.football.v1.PassAttributes.passer_speed_yards_per_second": FieldLimits(minimum=0.0, maximum=100.0),
        "playscore.football.v1.PassAttributes.target_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.PrecedingEvent.kind": FieldLimits(required=True),
        "playscore.hockey.v1.PrecedingEvent.seconds_before": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.PrecedingEvent.team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.PrecedingEvent.x": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.PrecedingEvent.y": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.ShotSituation.period": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.hockey.v1.ShotSituation.game_clock_seconds": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.ShotSituation.shooting_skaters": FieldLimits(minimum=0.0, maximum=6.0),
        "playscore.hockey.v1.ShotSituation.defending_skaters": FieldLimits(minimum=0.0, maximum=6.0),
        "playscore.hockey.v1.ShotSituation.shooter_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotSituation.goalie_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotSituation.x": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.ShotSituation.y": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.ShotSituation.shooting_score": FieldLimits(minimum=0.0, maximum=99.0),
        "playscore.hockey.v1.ShotSituation.defending_score": FieldLimits(minimum=0.0, maximum=99.0),
        "playscore.hockey.v1.ShotSituation.shooter_seconds_on_ice": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.ShotSituation.shooting_seconds_on_ice": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.ShotSituation.defending_seconds_on_ice": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.ShotSituation.preceding_events": FieldLimits(max_items=16),
        "playscore.hockey.v1.ShotOutcome.outcome_revision": FieldLimits(minimum=0.0),
        "playscore.hockey.v1.ShotAttributes.season": FieldLimits(minimum=1850.0, maximum=2200.0),
        "playscore.hockey.v1.ShotAttributes.period": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.hockey.v1.ShotAttributes.shooting_team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotAttributes.defending_team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotAttributes.distance_feet": FieldLimits(minimum=0.0, maximum=300.0),
        "playscore.hockey.v1.ShotAttributes.angle_degrees": FieldLimits(minimum=0.0, maximum=180.0),
        "playscore.hockey.v1.ShotAttributes.game_clock_seconds": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.ShotAttributes.screens": FieldLimits(minimum=0.0, maximum=12.0),
        "playscore.hockey.v1.ShotAttributes.score_difference": FieldLimits(minimum=-99.0, maximum=99.0),
        "playscore.hockey.v1.ShotAttributes.shooter_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotAttributes.goalie_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.ShotAttributes.x_feet": FieldLimits(minimum=-150.0, maximum=150.0),
        "playscore.hockey.v1.ShotAttributes.y_feet": FieldLimits(minimum=-100.0, maximum=100.0),
        "playscore.hockey.v1.FaceoffSituation.period": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.hockey.v1.FaceoffSituation.game_clock_seconds": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.FaceoffSituation.taker_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.FaceoffSituation.opponent_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.FaceoffSituation.x": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.FaceoffSituation.y": FieldLimits(minimum=-1000.0, maximum=1000.0),
        "playscore.hockey.v1.FaceoffSituation.taker_skaters": FieldLimits(minimum=0.0, maximum=6.0),
        "playscore.hockey.v1.FaceoffSituation.opponent_skaters": FieldLimits(minimum=0.0, maximum=6.0),
        "playscore.hockey.v1.FaceoffSituation.taker_score": FieldLimits(minimum=0.0, maximum=99.0),
        "playscore.hockey.v1.FaceoffSituation.opponent_score": FieldLimits(minimum=0.0, maximum=99.0),
        "playscore.hockey.v1.FaceoffSituation.taker_faceoffs": FieldLimits(minimum=0.0, maximum=100000.0),
        "playscore.hockey.v1.FaceoffSituation.taker_wins": FieldLimits(minimum=0.0, maximum=100000.0),
        "playscore.hockey.v1.FaceoffSituation.opponent_faceoffs": FieldLimits(minimum=0.0, maximum=100000.0),
        "playscore.hockey.v1.FaceoffSituation.opponent_wins": FieldLimits(minimum=0.0, maximum=100000.0),
        "playscore.hockey.v1.FaceoffOutcome.outcome_revision": FieldLimits(minimum=0.0),
        "playscore.hockey.v1.FaceoffAttributes.season": FieldLimits(minimum=1850.0, maximum=2200.0),
        "playscore.hockey.v1.FaceoffAttributes.period": FieldLimits(minimum=1.0, maximum=20.0),
        "playscore.hockey.v1.FaceoffAttributes.game_clock_seconds": FieldLimits(minimum=0.0, maximum=1200.0),
        "playscore.hockey.v1.FaceoffAttributes.team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.FaceoffAttributes.opponent_team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.FaceoffAttributes.opponent_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.hockey.v1.FaceoffAttributes.score_difference": FieldLimits(minimum=-99.0, maximum=99.0),
        "playscore.aggregator.v1.PassMeasure.play_score": FieldLimits(
            required=True, minimum=0.0, maximum=1.0, reason=Reason.SCORE_OUT_OF_RANGE
        ),
        "playscore.aggregator.v1.PassMeasure.yards_gained": FieldLimits(
            required=True, minimum=-100.0, maximum=110.0, reason=Reason.YARDS_OUT_OF_RANGE
        ),
        "playscore.aggregator.v1.PassMeasure.expected_yards": FieldLimits(
            required=True, minimum=-100.0, maximum=110.0, reason=Reason.YARDS_OUT_OF_RANGE
        ),
        "playscore.aggregator.v1.ShotMeasure.goal_probability": FieldLimits(
            required=True, minimum=0.0, maximum=1.0, reason=Reason.SCORE_OUT_OF_RANGE
        ),
        "playscore.aggregator.v1.ShotMeasure.result": FieldLimits(required=True),
        "playscore.aggregator.v1.FaceoffMeasure.win_probability": FieldLimits(
            required=True, minimum=0.0, maximum=1.0, reason=Reason.SCORE_OUT_OF_RANGE
        ),
        "playscore.aggregator.v1.FaceoffMeasure.result": FieldLimits(required=True),
        "playscore.aggregator.v1.ScoreRecord.key": FieldLimits(required=True),
        "playscore.aggregator.v1.ScoreRecord.subject": FieldLimits(required=True),
        "playscore.aggregator.v1.ScoreRecord.model": FieldLimits(required=True),
        "playscore.aggregator.v1.ScoreRecord.revision": FieldLimits(minimum=1.0),
        "playscore.aggregator.v1.ScoreRecord.outcome_revision": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.PlayRecord.outcome_revision": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.RecordScoresRequest.request_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.RecordScoresRequest.records": FieldLimits(max_items=10000, max_parts=160000),
        "playscore.aggregator.v1.RecordScoresRequest.supports": FieldLimits(max_items=16),
        "playscore.aggregator.v1.Split.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.Split.role": FieldLimits(required=True),
        "playscore.aggregator.v1.Split.filter": FieldLimits(max_characters=2048),
        "playscore.aggregator.v1.GetRatingRequest.split": FieldLimits(required=True),
        "playscore.aggregator.v1.GetRatingRequest.subject_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.GetRatingRequest.min_plays": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListRatingsRequest.split": FieldLimits(required=True),
        "playscore.aggregator.v1.ListRatingsRequest.group_by": FieldLimits(text=TextKind.IDENTIFIER, max_items=8),
        "playscore.aggregator.v1.ListRatingsRequest.order_by": FieldLimits(max_characters=256),
        "playscore.aggregator.v1.ListRatingsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListRatingsRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.ListRatingsRequest.min_plays": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ComparedSubject.split": FieldLimits(required=True),
        "playscore.aggregator.v1.ComparedSubject.subject_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.CompareRatingsRequest.first": FieldLimits(required=True),
        "playscore.aggregator.v1.CompareRatingsRequest.second": FieldLimits(required=True),
        "playscore.aggregator.v1.ListPlaysRequest.split": FieldLimits(required=True),
        "playscore.aggregator.v1.ListPlaysRequest.subject_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.ListPlaysRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListPlaysRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.GetCoverageRequest.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.GetCoverageRequest.role": FieldLimits(required=True),
        "playscore.aggregator.v1.GetCoverageRequest.game_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.WatchToken.value": FieldLimits(required=True, max_characters=4096),
        "playscore.aggregator.v1.WatchRatingsRequest.split": FieldLimits(required=True),
        "playscore.aggregator.v1.WatchRatingsRequest.subject_ids": FieldLimits(
            text=TextKind.IDENTIFIER, max_items=1000
        ),
        "playscore.aggregator.v1.WatchRatingsRequest.min_plays": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.WatchRatingsRequest.group_by": FieldLimits(text=TextKind.IDENTIFIER, max_items=8),
        "playscore.aggregator.v1.DescribeSplitsRequest.role": FieldLimits(required=True),
        "playscore.aggregator.v1.DescribeSplitsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.DescribeSplitsRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.ListSubjectsRequest.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.ListSubjectsRequest.role": FieldLimits(required=True),
        "playscore.aggregator.v1.ListSubjectsRequest.name_contains": FieldLimits(text=TextKind.NAME),
        "playscore.aggregator.v1.ListSubjectsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListSubjectsRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.ListLeaguesRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListLeaguesRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.ListModelsRequest.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.ListModelsRequest.role": FieldLimits(required=True),
        "playscore.aggregator.v1.ListModelsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListModelsRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.aggregator.v1.SwitchModelRequest.request_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.SwitchModelRequest.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.SwitchModelRequest.task": FieldLimits(required=True),
        "playscore.aggregator.v1.SwitchModelRequest.model": FieldLimits(required=True),
        "playscore.aggregator.v1.EraseRecordsRequest.request_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.EraseRecordsRequest.league": FieldLimits(required=True, text=TextKind.LEAGUE),
        "playscore.aggregator.v1.EraseRecordsRequest.subject_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.aggregator.v1.EraseRecordsRequest.justification": FieldLimits(required=True, text=TextKind.NAME),
        "playscore.aggregator.v1.ListOperationsRequest.league": FieldLimits(text=TextKind.LEAGUE),
        "playscore.aggregator.v1.ListOperationsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.aggregator.v1.ListOperationsRequest.page_token": FieldLimits(max_characters=4096),
        "playscore.tracking.v1.CoordinateSystem.length_unit": FieldLimits(
            required=True, reason=Reason.COORDINATES_UNDECLARED
        ),
        "playscore.tracking.v1.CoordinateSystem.origin": FieldLimits(
            required=True, reason=Reason.COORDINATES_UNDECLARED
        ),
        "playscore.tracking.v1.GameHeader.key": FieldLimits(required=True),
        "playscore.tracking.v1.GameHeader.sport": FieldLimits(required=True, reason=Reason.SPORT_UNSUPPORTED),
        "playscore.tracking.v1.GameHeader.season": FieldLimits(minimum=1850.0, maximum=2200.0),
        "playscore.tracking.v1.GameHeader.week": FieldLimits(minimum=1.0, maximum=60.0),
        "playscore.tracking.v1.GameHeader.home_team_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.GameHeader.away_team_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.GameHeader.frame_rate_hertz": FieldLimits(
            minimum=0.0, maximum=1000.0, exclusive_minimum=True
        ),
        "playscore.tracking.v1.GameHeader.home_games_remaining": FieldLimits(minimum=0.0, maximum=200.0),
        "playscore.tracking.v1.GameHeader.away_games_remaining": FieldLimits(minimum=0.0, maximum=200.0),
        "playscore.tracking.v1.GameHeader.revision": FieldLimits(minimum=0.0),
        "playscore.tracking.v1.Player.player_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.Player.team_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.Player.display_name": FieldLimits(text=TextKind.NAME),
        "playscore.tracking.v1.Player.position": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.Roster.players": FieldLimits(max_items=200),
        "playscore.tracking.v1.Roster.revision": FieldLimits(minimum=0.0),
        "playscore.tracking.v1.TrackingEvent.name": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.FrameBatch.segment_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.FrameBatch.frame_numbers": FieldLimits(
            minimum=0.0, maximum=10000000.0, max_items=100000
        ),
        "playscore.tracking.v1.FrameBatch.times_unix_micros": FieldLimits(max_items=100000),
        "playscore.tracking.v1.FrameBatch.player_ids": FieldLimits(text=TextKind.IDENTIFIER, max_items=64),
        "playscore.tracking.v1.FrameBatch.events": FieldLimits(max_items=256),
        "playscore.tracking.v1.TrackBatch.segment_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.tracking.v1.TrackBatch.object": FieldLimits(required=True),
        "playscore.tracking.v1.TrackBatch.rate_hertz": FieldLimits(minimum=0.0, maximum=1000.0, exclusive_minimum=True),
        "playscore.tracking.v1.TrackBatch.sample_numbers": FieldLimits(
            minimum=0.0, maximum=1000000000.0, max_items=100000
        ),
        "playscore.feed.v1.PlayContext.play_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.feed.v1.PlayContext.revision": FieldLimits(minimum=1.0),
        "playscore.feed.v1.PlayContext.segment_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.feed.v1.PlayContext.opens_at_frame": FieldLimits(minimum=0.0, maximum=10000000.0),
        "playscore.feed.v1.PlayContext.attacking_team_id": FieldLimits(text=TextKind.IDENTIFIER),
        "playscore.feed.v1.PlayContext.release_frame": FieldLimits(minimum=0.0, maximum=10000000.0),
        "playscore.feed.v1.EndPlay.play_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.feed.v1.EndPlay.last_frame_number": FieldLimits(minimum=0.0, maximum=10000000.0),
        "playscore.feed.v1.OfficialResult.play_id": FieldLimits(required=True, text=TextKind.IDENTIFIER),
        "playscore.feed.v1.FeedMessage.game": FieldLimits(required=True),
        "playscore.featurizer.v1.PlayTensor.key": FieldLimits(required=True),
        "playscore.featurizer.v1.PlayTensor.revision": FieldLimits(minimum=1.0),
        "playscore.featurizer.v1.PlayTensor.subjects": FieldLimits(max_items=16),
        "playscore.featurizer.v1.ResumeToken.value": FieldLimits(
            required=True, max_characters=4096, reason=Reason.RESUME_TOKEN_INVALID
        ),
        "playscore.featurizer.v1.StreamPlaysRequest.frames": FieldLimits(max_numbers=200000, max_parts=1000),
        "playscore.featurizer.v1.StreamPlaysRequest.track": FieldLimits(max_numbers=200000),
        "playscore.featurizer.v1.StreamPlayBatchesRequest.messages": FieldLimits(
            max_items=256, max_numbers=1000000, max_parts=64000
        ),
        "playscore.featurizer.v1.OpenGame.header": FieldLimits(required=True),
        "playscore.featurizer.v1.WholePlay.context": FieldLimits(required=True),
        "playscore.featurizer.v1.FeaturizePlaysRequest.header": FieldLimits(required=True),
        "playscore.featurizer.v1.FeaturizePlaysRequest.plays": FieldLimits(
            max_items=200, max_numbers=1000000, max_parts=600000
        ),
        "playscore.featurizer.v1.DescribeFeaturesRequest.task": FieldLimits(
            required=True, reason=Reason.TASK_UNSUPPORTED
        ),
        "playscore.scorer.v1.PassToScore.tensor": FieldLimits(required=True),
        "playscore.scorer.v1.ScorePassesRequest.passes": FieldLimits(max_items=256, max_numbers=65536, max_parts=8192),
        "playscore.scorer.v1.PassToGrade.key": FieldLimits(required=True),
        "playscore.scorer.v1.PassToGrade.revision": FieldLimits(minimum=1.0),
        "playscore.scorer.v1.PassToGrade.distribution": FieldLimits(required=True),
        "playscore.scorer.v1.PassToGrade.outcome": FieldLimits(required=True),
        "playscore.scorer.v1.GradePassesRequest.passes": FieldLimits(
            max_items=1024, max_numbers=262144, max_parts=8192
        ),
        "playscore.scorer.v1.GradePassesRequest.supports": FieldLimits(max_items=16),
        "playscore.scorer.v1.ShotToScore.tensor": FieldLimits(required=True),
        "playscore.scorer.v1.ScoreShotsRequest.shots": FieldLimits(max_items=256, max_numbers=65536, max_parts=8192),
        "playscore.scorer.v1.ShotToGrade.key": FieldLimits(required=True),
        "playscore.scorer.v1.ShotToGrade.revision": FieldLimits(minimum=1.0),
        "playscore.scorer.v1.ShotToGrade.distribution": FieldLimits(required=True),
        "playscore.scorer.v1.ShotToGrade.outcome": FieldLimits(required=True),
        "playscore.scorer.v1.GradeShotsRequest.shots": FieldLimits(max_items=1024, max_numbers=262144, max_parts=8192),
        "playscore.scorer.v1.FaceoffToScore.tensor": FieldLimits(required=True),
        "playscore.scorer.v1.ScoreFaceoffsRequest.faceoffs": FieldLimits(
            max_items=256, max_numbers=65536, max_parts=8192
        ),
        "playscore.scorer.v1.FaceoffToGrade.key": FieldLimits(required=True),
        "playscore.scorer.v1.FaceoffToGrade.revision": FieldLimits(minimum=1.0),
        "playscore.scorer.v1.FaceoffToGrade.distribution": FieldLimits(required=True),
        "playscore.scorer.v1.FaceoffToGrade.outcome": FieldLimits(required=True),
        "playscore.scorer.v1.GradeFaceoffsRequest.faceoffs": FieldLimits(
            max_items=1024, max_numbers=262144, max_parts=8192
        ),
        "playscore.scorer.v1.StreamScoreBatchesRequest.requests": FieldLimits(
            max_items=256, max_numbers=65536, max_parts=8192
        ),
        "playscore.scorer.v1.ListModelsRequest.page_size": FieldLimits(minimum=0.0),
        "playscore.scorer.v1.ListModelsRequest.page_token": FieldLimits(max_characters=4096),
    }
)
