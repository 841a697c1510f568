"""Alerts that follow from no budget: something is broken, or about to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.observability.rules import Alert, Severity

JOBS: Final = ("featurizer", "scorer", "aggregator", "worker", "triton")
"""What Prometheus must call its scrape jobs. With the Prometheus operator they are named after the Services."""
DRAWN_TOGETHER: Final = 0.03
"""How far the mean play score may be from 0.5 before that matters."""
_SURE: Final = 4
"""Standard deviations from what is expected that are no accident."""


def alerts() -> Iterator[Alert]:
    """All of them."""
    yield from _absent()
    yield from _serving()
    yield from _load()
    yield from _feed()
    yield from _files()
    yield from _models()


def _absent() -> Iterator[Alert]:
    names: dict[str, tuple[Severity, str]] = {
        "featurizer": ("page", "No play can be made into a tensor: nothing new is rated."),
        "scorer": ("page", "No play can be scored: nothing new is rated."),
        "aggregator": ("page", "Ratings can neither be read nor written."),
        "worker": ("page", "Nobody plays the games of the live feed: nothing new is rated."),
        "triton": ("page", "No model runs: nothing new is rated, unless scorers run with --inference onnxruntime."),
    }
    for job, (severity, effect) in names.items():
        yield Alert(
            name=f"Playscore{job.capitalize()}Absent",
            expression=f'absent(up{{job="{job}"}} == 1)',
            wait="1m",
            severity=severity,
            summary=f"no {job} answers Prometheus",
            description=f"No target of job {job} has been up for a minute. {effect}",
        )
    yield Alert(
        name="PlayscoreTargetDown",
        expression=f'up{{job=~"{"|".join(JOBS)}"}} == 0',
        wait="5m",
        severity="ticket",
        summary="{{ $labels.job }} {{ $labels.instance }} does not answer Prometheus",
        description="One replica has not been scraped for five minutes; others may go on.",
    )


def _serving() -> Iterator[Alert]:
    yield Alert(
        name="PlayscoreNotServing",
        expression='playscore_serving{part=""} == 0',
        wait="2m",
        severity="page",
        summary="{{ $labels.job }} {{ $labels.instance }} is NOT_SERVING",
        description="It runs, and its health has said NOT_SERVING for two minutes: no call reaches it.",
    )
    yield Alert(
        name="PlayscoreWritesFail",
        expression="playscore_aggregator_writes_taken == 0",
        wait="1m",
        severity="page",
        summary="{{ $labels.instance }}: the store takes no writes",
        description="Ratings can still be read. Workers wait and lose nothing, but no new play counts.",
    )
    yield Alert(
        name="PlayscoreStoreDiskFilling",
        expression="(playscore_aggregator_store_free_bytes >= 0\n"
        " and playscore_aggregator_store_free_bytes < 1073741824)\n"
        "or (playscore_aggregator_store_free_bytes > 0\n"
        " and predict_linear(playscore_aggregator_store_free_bytes[6h], 86400) < 67108864)",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.instance }}: the disk of the store is filling",
        description="{{ $value | humanize1024 }}B are free; writes are refused below 64 MiB. It is under 1 GiB now, or"
        " will be full within a day at the pace of the last six hours.",
    )
    yield Alert(
        name="PlayscoreModelNotReady",
        expression="playscore_scorer_model_ready == 0",
        wait="2m",
        severity="page",
        summary="{{ $labels.instance }}: {{ $labels.model }} {{ $labels.version }} cannot be used",
        description="Triton does not serve this model, is away, or serves something else than was released.",
    )


def _load() -> Iterator[Alert]:
    refused = 'rate(playscore_admission_calls_total{outcome!="admitted"}[5m])'
    yield Alert(
        name="PlayscoreCallsRefused",
        expression=f"sum by (namespace, job) ({refused})\n"
        " / sum by (namespace, job) (rate(playscore_admission_calls_total[5m])) > 0.01",
        wait="5m",
        severity="ticket",
        summary="{{ $labels.job }} refuses {{ $value | humanizePercentage }} of its calls",
        description="There is more to do than the replicas can do in time. Callers retry, and see RESOURCE_EXHAUSTED.",
    )
    yield Alert(
        name="PlayscoreEventLoopLag",
        expression="histogram_quantile(0.99, sum by (namespace, job, instance, le)\n"
        " (rate(playscore_event_loop_lag_seconds_bucket[5m]))) > 0.1",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.job }} {{ $labels.instance }}: p99 of event loop lag is {{ $value }} s",
        description="Every caller of this replica waits that long, whatever they ask. Its CPU is taken or limited.",
    )
    yield Alert(
        name="PlayscoreMemoryNearLimit",
        expression="process_resident_memory_bytes / playscore_memory_limit_bytes > 0.9",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.job }} {{ $labels.instance }} takes {{ $value | humanizePercentage }} of its memory limit",
        description="At the limit it is killed, and what it was doing is done again elsewhere.",
    )


def _feed() -> Iterator[Alert]:
    yield Alert(
        name="PlayscoreBrokerLost",
        expression="playscore_work_broker_connected == 0",
        wait="1m",
        severity="page",
        summary="worker {{ $labels.instance }} has no connection to NATS",
        description="It plays nothing until NATS is back. Publishers give up after a minute by default.",
    )
    yield Alert(
        name="PlayscoreAllFeedsSilent",
        expression="sum by (namespace) (rate(playscore_work_messages_total[3m])) == 0\n"
        "and sum by (namespace) (playscore_work_games_live) >= 2",
        wait="1m",
        severity="page",
        summary="{{ $labels.namespace }} no game has had a message for three minutes",
        description="At least two games are being played, and nothing comes of any of them: the source, the publisher"
        " or the broker has stopped.",
    )
    yield Alert(
        name="PlayscoreFeedSilentInPlay",
        expression='max by (namespace, instance) (playscore_work_feed_silence_seconds{during="play"}) > 60',
        severity="page",
        summary="a game has had no message for {{ $value | humanizeDuration }} in the middle of a play",
        description="A play was announced and its film has stopped: the feed of that game is broken off.",
    )
    yield Alert(
        name="PlayscoreFeedSilent",
        expression='max by (namespace, instance) (playscore_work_feed_silence_seconds{during="break"}) > 1200',
        severity="ticket",
        summary="a game has had no message for {{ $value | humanizeDuration }}, and its end was not told",
        description="No break of a game lasts that long. The feed of that game ended early, or its end was lost.",
    )
    yield Alert(
        name="PlayscoreGamesWaiting",
        expression="max by (namespace) (playscore_work_games_waiting) > 0",
        wait="2m",
        severity="page",
        summary="{{ $value }} games wait for a worker",
        description="Every worker holds as many games as it may (--games-at-once), or none takes any.",
    )
    yield Alert(
        name="PlayscoreWorkersBehind",
        expression="sum by (namespace) (playscore_work_messages_behind) > 1000",
        wait="5m",
        severity="page",
        summary="{{ $value }} messages of games that are held have not been read",
        description="Ratings lag behind the games: workers or services are too slow, or one of them hangs.",
    )
    yield Alert(
        name="PlayscoreGameSetAside",
        expression='increase(playscore_work_runs_total{ending="set_aside"}[1h]) > 0',
        severity="page",
        summary="a game was set aside and is no longer played",
        description="Every try to play it failed. Nobody tries again until somebody says so.",
    )
    yield Alert(
        name="PlayscoreGameRunsFail",
        expression='sum by (namespace) (increase(playscore_work_runs_total{ending="failed"}[15m])) > 3',
        severity="ticket",
        summary="{{ $value | humanize }} runs of games failed within 15 minutes",
        description="They are tried again; after five failures in a row a game is set aside.",
    )
    yield Alert(
        name="PlayscoreUnreadableMessages",
        expression="sum by (namespace) (increase(playscore_work_unreadable_messages_total[15m])) > 0",
        severity="ticket",
        summary="messages of the feed cannot be read",
        description="They are passed over, and what they said is missing from the ratings.",
    )


def _files() -> Iterator[Alert]:
    yield Alert(
        name="PlayscoreReloadFailed",
        expression="playscore_reload_successful == 0",
        wait="5m",
        severity="ticket",
        summary="{{ $labels.job }} {{ $labels.instance }} cannot use its new {{ $labels.what }} file",
        description="What was read before stays in force: a certificate may expire, a removed caller may still call.",
    )
    yield Alert(
        name="PlayscoreCertificateExpires",
        expression="playscore_tls_certificate_expiry_timestamp_seconds > 0\n"
        "and playscore_tls_certificate_expiry_timestamp_seconds - time() < 7 * 86400",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.job }} {{ $labels.instance }}: the certificate expires within a week",
        description="After that nobody can connect. Whatever renews certificates has not done so.",
    )


def _models() -> Iterator[Alert]:
    yield Alert(
        name="PlayscorePlayScoresDrift",
        expression=f"abs(playscore:model_play_score:mean7d - 0.5) > {DRAWN_TOGETHER}\n"
        "and abs(playscore:model_play_score:mean7d - 0.5)"
        f" * sqrt(12 * playscore:model_play_score:count7d) > {_SURE}",
        wait="1h",
        severity="ticket",
        summary="{{ $labels.model }} {{ $labels.version }}: the mean play score is {{ $value }} from 0.5",
        description="Plays of the last seven days came out better or worse than predicted, by more than chance.",
    )
    yield Alert(
        name="PlayscoreChancesDrift",
        expression=f"abs(playscore:model_chances:ratio7d - 1) > 0.2\nand abs(playscore:model_chances:z7d) > {_SURE}",
        wait="1h",
        severity="ticket",
        summary="{{ $labels.model }} {{ $labels.version }}: {{ $value | humanizePercentage }} from its chances",
        description="Over the last seven days goals, or face-offs won, were not as many as predicted, by more than"
        " chance.",
    )
    yield Alert(
        name="PlayscorePlaysRejected",
        expression='sum by (namespace) (rate(playscore_plays_total{job="featurizer",outcome="rejected",'
        'reason=~"SAMPLE_NOT_FINITE|POSITION_OFF_FIELD|COLUMNS_INCONSISTENT|GAP_TOO_LONG|TOO_FEW_PLAYERS|'
        'MOTION_CONTRADICTED|SAMPLES_CONTRADICTED|TIMES_CONTRADICTED|PLAYER_JUMPED"}[30m]))\n'
        ' / sum by (namespace) (rate(playscore_plays_total{job="featurizer"}[30m])) > 0.1',
        wait="15m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of plays are rejected for what is wrong with their tracking",
        description="A source's tracking is damaged: its plays count in no rating.",
    )
