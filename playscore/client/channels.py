"""The channel to a service: TLS, and certificates that may be exchanged while it is used."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import grpc
import grpc.aio

LOOK_EVERY_SECONDS: Final = 1.0
"""How often files are looked at, where calls are made."""
KEEP_SECONDS: Final = 3600.0
"""How long a channel is kept for the calls that it has when another takes its place."""

_OPTIONS = (
    ("grpc.enable_retries", 0),  # retries are made here, where their budget and their reasons are known
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.max_send_message_length", 64 * 2**20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # how long one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
)
_SERVICE_CONFIG: Final = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [{"name": [{}], "waitForReady": True}],
}
_BALANCED = (
    *_OPTIONS,
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
)
"""Calls go in turn to all servers that an address stands for, but for those that say they are not serving.

Where all that are known say so, as the only one of an update does, calls wait until others are found.
"""
_OF_MANY = ("dns:", "ipv4:", "ipv6:")
_Files: TypeAlias = tuple[bytes | None, bytes | None, bytes | None]
"""Contents of authority, key and certificate."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How to trust a service, and how to show who is calling. Files are PEM, and may be exchanged."""

    authority: Path | None = None
    """Certificates of the authorities trusted; None: those of this machine."""
    certificate: Path | None = None
    """The caller's own chain, for mutual TLS."""
    key: Path | None = None
    """The private key of `certificate`."""
    token: Path | None = None
    """A signed token that says who calls. Read again for every call: it may be exchanged before it expires."""

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel. Raises OSError; of the token's file only calls do, as ConnectionError."""
        return self._credentials(self._read())

    def _credentials(self, files: _Files) -> grpc.ChannelCredentials:
        channel = grpc.ssl_channel_credentials(*files)
        if self.token is None:
            return channel
        return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(_BearerToken(self.token)))

    def _read(self) -> _Files:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS is half set: certificate and key go together")

        def content(file: Path | None) -> bytes | None:
            return None if file is None else file.read_bytes()

        return content(self.authority), content(self.key), content(self.certificate)

    def _fit(self) -> bool:
        """Whether certificate and key are there and belong together: while they are exchanged they may not."""
        if self.certificate is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(self.certificate, self.key)
            except (OSError, ValueError):
                return False
        return True


class Channels:
    """Gives the channel for the next call: another one once the files of `tls` were exchanged.

    Calls stay on the channel that they began on.
    """

    def __init__(self, address: str, tls: Tls | None) -> None:
        self._address = address
        self._tls = tls
        self._files: _Files = (None, None, None) if tls is None else tls._read()
        self._looked_at = time.monotonic()
        self._channel = self._connect()
        self._earlier: set[grpc.aio.Channel] = set()

    def newest(self) -> grpc.aio.Channel:
        """The channel for the next call."""
        if self._tls is not None and time.monotonic() >= self._looked_at + LOOK_EVERY_SECONDS:
            self._looked_at = time.monotonic()
            self._look(self._tls)
        return self._channel

    async def close(self) -> None:
        """Ends the calls in flight and the connections."""
        await asyncio.gather(*(channel.close(grace=None) for channel in (self._channel, *self._earlier)))

    def _look(self, tls: Tls) -> None:
        try:
            files = tls._read()
        except OSError:
            return
        if files != self._files and tls._fit():
            self._earlier.add(self._channel)
            asyncio.get_running_loop().call_later(KEEP_SECONDS, self._let_go, self._channel)
            self._files = files
            self._channel = self._connect()

    def _let_go(self, channel: grpc.aio.Channel) -> None:
        self._earlier.discard(channel)  # which closes it

    def _connect(self) -> grpc.aio.Channel:
        options = _BALANCED if self._address.startswith(_OF_MANY) else _OPTIONS
        if self._tls is None:
            return grpc.aio.insecure_channel(self._address, options=options)
        return grpc.aio.secure_channel(self._address, self._tls._credentials(self._files), options=options)


class _BearerToken(grpc.AuthMetadataPlugin):
    """Puts the token of a file into each call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            callback((), error)
        else:
            callback((("authorization", f"Bearer {token}"),), None)
