"""The options of TLS, and of saying who calls, of every command that calls a service."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from playscore.client.connection import Tls

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def tls_options(command: Command) -> Command:
    """Gives a command the options, as its argument `tls`; None where none of them is given: no TLS."""

    @functools.wraps(command)
    def with_tls(
        *,
        tls_authority: Path | None,
        tls_certificate: Path | None,
        tls_key: Path | None,
        token_file: Path | None,
        **others: Any,
    ) -> Any:
        if (tls_certificate is None) != (tls_key is None):
            raise click.UsageError("give --tls-certificate and --tls-key together")
        tls = Tls(tls_authority, tls_certificate, tls_key, token_file)
        return command(tls=None if tls == Tls() else tls, **others)

    for option in (
        click.option(
            "--token-file", type=_FILE, help="A token that says who calls, over TLS; read again for every call."
        ),
        click.option("--tls-key", type=_FILE, help="Private key of the caller, PEM."),
        click.option("--tls-certificate", type=_FILE, help="Certificate chain of the caller, PEM."),
        click.option("--tls-authority", type=_FILE, help="Authorities to trust, PEM."),
    ):
        option(with_tls)
    return with_tls  # type: ignore[return-value]
