"""`python -m aggregator`: settings and wiring."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, DirectoryPath, Field, FilePath, PlainSerializer

from aggregator.postgres import CONNECTIONS, without_password
from aggregator.service import AggregatorService
from aggregator.stores import check_store_url, make_store
from aggregator.tasks import make_tasks
from playscore.release import list_releases, parse_models
from playscore.shipped import RELEASES
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort, ModelVersions
from servicekit.token_keys import TokenKeyFile


class AggregatorSettings(ServiceSettings, env_prefix="PLAYSCORE_AGGREGATOR_"):
    """Rolls scores of plays up into ratings of any split: scores in, ratings out."""

    listen: HostAndPort = Field(default="127.0.0.1:50053", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:9103", description="where metrics are shown over HTTP, host:port"
    )
    store: Annotated[str, AfterValidator(check_store_url), PlainSerializer(without_password)] = Field(
        default="sqlite:///playscore.sqlite",
        description="where scores are kept: sqlite:///PATH, four slashes for an absolute path, or "
        "postgresql://USER@HOST/DATABASE, with the password in PGPASSWORD or PGPASSFILE",
    )
    store_connections: int = Field(
        default=CONNECTIONS, ge=1, description="connections to PostgreSQL at most; one more follows what changes"
    )
    releases: DirectoryPath = Field(
        default=RELEASES,
        description="folder of <model>/<version>/ releases; those of tasks that the aggregator knows are rated by",
    )
    default_models: ModelVersions = Field(
        default="",
        description="models to rate by where a request names none, as name:version, several with commas between; "
        "the newest of a task for which none is set",
    )
    token_keys: FilePath | None = Field(
        default=None,
        description="file with the keys of tokens, one a line in base64, read again when it changes; where it is not"
        " set, the key follows from a secret in the store (docs/tokens.md)",
    )
    max_watched_splits: int = Field(
        default=256,
        ge=1,
        description="different splits watched before more are refused; each is read once a tick, whoever watches it",
    )
    max_leagues: int = Field(
        default=1_000,
        ge=1,
        description="leagues recorded before plays of more are refused; each takes memory of its own",
    )


def build(settings: AggregatorSettings, *, read_only: bool = False) -> AggregatorService:
    """The service over the store that the settings name.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND, there is nothing to rate by, or not what is to be the default.
        OSError, ValueError: the file of token keys is wrong.
    """
    tasks = make_tasks(list_releases(settings.releases), parse_models(settings.default_models))
    roles = [role for each in tasks for role in each.task.roles]
    store = make_store(settings.store, roles, connections=settings.store_connections, read_only=read_only)
    token_keys = None if settings.token_keys is None else TokenKeyFile(settings.token_keys)
    return AggregatorService(
        store,
        tasks,
        max_watched_splits=settings.max_watched_splits,
        max_leagues=settings.max_leagues,
        token_keys=token_keys,
    )


if __name__ == "__main__":
    run(AggregatorSettings, build)
