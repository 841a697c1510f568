"""The audit log, whatever the log level is."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import structlog
from servicekit.logs import configure_logs
configure_logs("echo", "error")
from servicekit import audit
structlog.get_logger().warning("not logged")
audit._log.info("write", logger="audit", method="echo.v1.EchoService/Collect")
"""


def test_a_write_is_logged_even_where_only_errors_are() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    (line,) = ran.stderr.splitlines()
    assert json.loads(line).items() >= {"event": "write", "logger": "audit", "service": "echo", "level": "info"}.items()
