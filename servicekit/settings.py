"""Settings every service has: typed, from environment and flags, refused when half set."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from playscore.release import parse_models
from servicekit.addresses import Address
from servicekit.tracing import DEFAULT_RATIO, Endpoint


def _host_and_port(text: str) -> str:
    return str(Address.parse(text))


HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
"""`host:port`, `[host]:port` for IPv6; port 0 lets the system choose."""


def _models(text: str) -> str:
    parse_models(text)
    return text


ModelVersions = Annotated[str, AfterValidator(_models)]
"""`name:version`, several with commas between; `playscore.release.parse_models` reads them."""


class ServiceSettings(BaseSettings):
    """Settings of the chassis. A service adds its own, its defaults and its prefix in a subclass:

    `class FeaturizerSettings(ServiceSettings, env_prefix="PLAYSCORE_FEATURIZER_")`

    Each setting is an environment variable (`PLAYSCORE_FEATURIZER_LISTEN`) and a flag (`--listen`); the flag wins.
    The docstring of the subclass opens its `--help`. Secrets are `SecretStr`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_avoid_json=True,
        cli_hide_none_type=True,
        cli_show_env_vars=True,
    )

    listen: HostAndPort = Field(default="127.0.0.1:0", description="where calls are taken, host:port")
    metrics_listen: HostAndPort = Field(
        default="127.0.0.1:0", description="where metrics are shown over HTTP, host:port"
    )
    health_listen: HostAndPort | None = Field(
        default=None,
        description="where health alone is told too, without TLS, for probes that have no certificate, host:port",
    )
    plaintext: bool = Field(default=False, description="take calls without TLS from other machines too")
    tls_certificate: FilePath | None = Field(default=None, description="certificate chain of the service, PEM")
    tls_key: FilePath | None = Field(default=None, description="private key of the certificate, PEM")
    tls_client_authority: FilePath | None = Field(
        default=None, description="authority whose certificates callers must show, PEM: mutual TLS"
    )
    callers: FilePath | None = Field(
        default=None,
        description="who may call and do what, YAML, read again when it changes; without it everybody who can connect "
        "may make every call",
    )
    max_plays_in_progress: int = Field(
        default=64,
        ge=1,
        description="plays or records of the calls being answered; more wait for their turn, or are refused where "
        "their deadline would pass",
    )
    max_bytes_in_progress: int = Field(
        default=128 * 2**20,
        ge=1024,
        description="bytes of the requests being answered; one that is not read yet counts as --max-message-bytes",
    )
    max_waiting_calls: int = Field(
        default=1_000, ge=0, description="calls that may wait for their turn, unread, before more are refused"
    )
    max_concurrent_streams: int = Field(
        default=256, ge=1, description="streams of requests open before more are refused"
    )
    max_concurrent_watches: int = Field(default=2_000, ge=1, description="watches open before more are refused")
    max_message_bytes: int = Field(default=16 * 2**20, ge=1024, description="largest message taken or sent, bytes")
    stream_idle_seconds: float = Field(
        default=900.0, gt=0, description="without a message after which a stream of requests is ended"
    )
    max_connection_idle_seconds: float = Field(
        default=600.0, gt=0, description="without a call after which a connection is closed"
    )
    max_connection_age_seconds: float = Field(
        default=1_800.0,
        gt=0,
        description="after which a connection takes no new calls, give or take a tenth, so that callers connect anew "
        "and find replicas that were added",
    )
    max_connection_age_grace_seconds: float = Field(
        default=600.0, ge=0, description="for calls and streams of a connection of that age to end before it is closed"
    )
    require_deadline: bool = Field(default=True, description="refuse calls without a deadline, but for lasting streams")
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        description="between saying NOT_SERVING and taking no more calls, for load balancers to notice",
    )
    grace_seconds: float = Field(default=10.0, ge=0, description="for calls in flight to finish before they are ended")
    otlp_endpoint: Endpoint | None = Field(
        default=None,
        description="where spans are sent, OTLP over gRPC: http://host:port, or https://host:port for TLS; without it "
        "there are no traces (docs/observability.md)",
    )
    trace_ratio: float = Field(
        default=DEFAULT_RATIO,
        ge=0,
        le=1,
        description="part of the traces that begin here that is recorded; others are where their traceparent says so",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")

    @property
    def address(self) -> Address:
        """Where calls are taken."""
        return Address.parse(self.listen)

    @property
    def metrics_address(self) -> Address:
        """Where metrics are shown."""
        return Address.parse(self.metrics_listen)

    @property
    def health_address(self) -> Address | None:
        """Where health alone is told, if it is."""
        return None if self.health_listen is None else Address.parse(self.health_listen)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            there, missing = ("key", "certificate") if self.tls_certificate is None else ("certificate", "key")
            raise ValueError(f"TLS is half set: --tls-{there} without --tls-{missing}; set both or neither")
        if self.tls_client_authority is not None and self.tls_certificate is None:
            raise ValueError(
                "TLS is half set: --tls-client-authority without --tls-certificate and --tls-key; set all three"
            )
        if self.plaintext and self.tls_certificate is not None:
            raise ValueError("--plaintext and --tls-certificate contradict each other; set one of them")
        if self.tls_certificate is None and not self.plaintext and not self.address.is_loopback:
            raise ValueError(
                f"--listen {self.listen} can be reached from other machines: set --tls-certificate and --tls-key, "
                "or say --plaintext where the network itself is trusted"
            )
        if self.callers is not None and self.tls_certificate is None and not self.address.is_loopback:
            raise ValueError(
                "--callers without TLS: callers cannot prove who they are; set --tls-certificate and --tls-key"
            )
        return self


S = TypeVar("S", bound=ServiceSettings)


def parse_settings(settings_type: type[S], arguments: Sequence[str] | None = None) -> S:
    """Settings from flags (those of the process where `arguments` is None), environment and defaults, in this order.

    Wrong ones end the process with 2 and a line each on stderr.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"python -m {spec.parent}" if spec is not None and spec.parent else None
    sources: dict[str, Any] = {
        "_cli_parse_args": True if arguments is None else list(arguments),
        "_cli_prog_name": program,
    }
    try:
        return settings_type(**sources)
    except ValidationError as error:
        prefix = settings_type.model_config.get("env_prefix", "")
        for problem in error.errors(include_url=False, include_input=False):
            print(_explain(problem["loc"], problem["msg"], prefix), file=sys.stderr)
        raise SystemExit(2) from None


def _explain(location: tuple[int | str, ...], message: str, prefix: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return f"settings refused: {message}"
    name = str(location[0])
    return f"settings refused: --{name.replace('_', '-')} ({(prefix + name).upper()}): {message}"
