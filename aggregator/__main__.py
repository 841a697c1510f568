"""`python -m aggregator`: settings and wiring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, DirectoryPath, Field, PositiveInt

from aggregator.core.fields import PASSING
from aggregator.core.records import ModelVersion, check_released
from aggregator.service import AggregatorService
from aggregator.sqlite import SqliteStore
from playscore.errors import PlayscoreError, Reason
from playscore.release import list_releases
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort

_SQLITE = "sqlite:///"


def _store_url(url: str) -> str:
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ValueError(
            f"{url!r} is no store; {_SQLITE}scores.sqlite is one, {_SQLITE}/var/scores.sqlite an absolute one"
        )
    return url


class AggregatorSettings(ServiceSettings, env_prefix="PLAYSCORE_AGGREGATOR_"):
    """Rolls scores of plays up into ratings of any split: scores in, ratings out."""

    listen: HostAndPort = Field(default="127.0.0.1:50053", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:9103", description="where metrics are shown over HTTP, host:port"
    )
    store: Annotated[str, AfterValidator(_store_url)] = Field(
        default="sqlite:///playscore.sqlite",
        description="where scores are kept: sqlite:///PATH, four slashes for an absolute path",
    )
    releases: DirectoryPath = Field(
        default=Path("models/releases"), description="folder of <model>/<version>/ releases"
    )
    model_version: PositiveInt | None = Field(
        default=None, description="version to rate by where a request names none; the newest release where not set"
    )


def build(settings: AggregatorSettings) -> AggregatorService:
    """The service over the store that the settings name."""
    releases = list_releases(settings.releases, PASSING.model)
    if not releases:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND, f"no release of {PASSING.model} in {settings.releases / PASSING.model}"
        )
    populations = {ModelVersion(release.model, release.version): release.reference_population for release in releases}
    version = settings.model_version or releases[-1].version
    check_released(ModelVersion(PASSING.model, version), populations)
    return AggregatorService(SqliteStore(Path(settings.store.removeprefix(_SQLITE))), populations, version)


if __name__ == "__main__":
    run(AggregatorSettings, build)
