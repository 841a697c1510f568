"""The file that the keys of a service's tokens are in, read again as it changes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from servicekit.tokens import MIN_SECRET_BYTES, Keyring

READ_EVERY_SECONDS: Final = 2.0

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
    """A keyring that follows a file.

    A file that cannot be read, or that is wrong, changes nothing: the keys that were read last go on. Raises OSError
    and ValueError where that is so at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = path.read_text()
        self.keyring = Keyring(*self._parsed(self._text))
        self._problem = ""
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Follow the file from now on."""
        _log.info("token keys read", file=str(self._path), keys=self.keyring.identifiers)
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(READ_EVERY_SECONDS)
            try:
                text = await asyncio.to_thread(self._path.read_text)
                if text != self._text:
                    self.keyring.turn_to(*self._parsed(text))
                    self._text = text
                    _log.info("token keys read", file=str(self._path), keys=self.keyring.identifiers)
            except (OSError, ValueError) as error:
                if str(error) != self._problem:
                    _log.error("token keys cannot be read: those before go on", error=str(error))
                self._problem = str(error)
            else:
                self._problem = ""

    def _parsed(self, text: str) -> Sequence[bytes]:
        try:
            return parse_keys(text)
        except ValueError as error:
            raise ValueError(f"--token-keys {self._path}: {error}") from None
