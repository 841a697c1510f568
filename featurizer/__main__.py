"""`python -m featurizer`: the featurizer as a service."""

from __future__ import annotations

from pydantic import Field, FilePath

from featurizer.service import FeaturizerService
from servicekit import ServiceSettings, run
from servicekit.settings import HostAndPort
from servicekit.token_keys import TokenKeyFile


class FeaturizerSettings(ServiceSettings, env_prefix="PLAYSCORE_FEATURIZER_"):
    """Turns tracking frames into play tensors."""

    listen: HostAndPort = Field(default="127.0.0.1:50051", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:9101", description="where metrics are shown over HTTP, host:port"
    )
    token_keys: FilePath | None = Field(
        default=None,
        description="file with the keys of resume tokens, one a line in base64, read again when it changes; where it is"
        " not set, tokens are good at this process only (docs/tokens.md)",
    )


def build(settings: FeaturizerSettings) -> FeaturizerService:
    """The service with these settings. Raises OSError or ValueError where the file of keys is wrong."""
    return FeaturizerService(token_keys=None if settings.token_keys is None else TokenKeyFile(settings.token_keys))


if __name__ == "__main__":
    run(FeaturizerSettings, build)
