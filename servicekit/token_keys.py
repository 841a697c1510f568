"""The file that the keys of a service's tokens are in, read again as it changes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from servicekit.following import Followed, Read, follow
from servicekit.tokens import MIN_SECRET_BYTES, Keyring

_log = structlog.get_logger()


def parse_keys(text: str) -> Sequence[bytes]:
    """The secrets of a file, the signing one first. Raises ValueError, which never tells what a line holds.

    Each line is a key in base64, as `openssl rand -base64 32` writes one. Empty lines and comments (#) are passed over.
    """
    keys: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            key = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"line {number} is not base64; write one key a line (openssl rand -base64 32)") from None
        if len(key) < MIN_SECRET_BYTES:
            raise ValueError(
                f"the key in line {number} has {len(key)} bytes; it must have {MIN_SECRET_BYTES} or more"
                " (openssl rand -base64 32)"
            )
        if key in keys:
            raise ValueError(f"the key in line {number} is there twice")
        keys.append(key)
    if not keys:
        raise ValueError("it holds no key; write one a line (openssl rand -base64 32)")
    return keys


class TokenKeyFile:
    """A keyring that follows a file. Raises OSError and ValueError where the file is no use at the start.

    A file that cannot be used later changes nothing: the keys that were read last go on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.keyring = Keyring.random()
        self._followed = Followed("token keys", self._load)
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Follow the file from now on."""
        self._task = asyncio.create_task(follow(self._followed))

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _load(self, read: Read) -> Keyring:
        try:
            keys = parse_keys(read(self._path).decode())
        except ValueError as error:
            raise ValueError(f"--token-keys {self._path}: {error}") from None
        self.keyring.turn_to(*keys)
        _log.info("token keys", keys=self.keyring.identifiers)
        return self.keyring
