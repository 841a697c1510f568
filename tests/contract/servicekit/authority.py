"""Certificates for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """Signs certificates with the openssl command."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.certificate = folder / "authority.pem"
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=authority",
            "-keyout", folder / "authority.key", "-out", self.certificate,
        )  # fmt: skip

    def sign(self, name: str, *, subject: str = "CN", alternative: str | None = None) -> tuple[Path, Path]:
        """Certificate and key of somebody."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text("" if alternative is None else f"subjectAltName={alternative}")
        self._openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/{subject}={name}", "-keyout", key, "-out", request
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-days", "1", "-in", request, "-CA", self.certificate,
            "-CAkey", self._folder / "authority.key", "-CAcreateserial", "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return certificate, key

    @staticmethod
    def _openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
