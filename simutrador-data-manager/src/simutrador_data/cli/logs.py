"""Where logs of a command go: standard output holds results alone."""

from __future__ import annotations

import sys


def logs_to_stderr() -> None:
    """Send what libraries log to standard error, unless logging is set up already."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
