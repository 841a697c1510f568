"""`python -m featurizer`: the featurizer as a service."""

from __future__ import annotations

from pydantic import Field

from featurizer.service import FeaturizerService
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort


class FeaturizerSettings(ServiceSettings, env_prefix="PLAYSCORE_FEATURIZER_"):
    """Turns tracking frames into play tensors."""

    listen: HostAndPort = Field(default="127.0.0.1:50051", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:9101", description="where metrics are shown over HTTP, host:port"
    )


if __name__ == "__main__":
    run(FeaturizerSettings, lambda settings: FeaturizerService())
