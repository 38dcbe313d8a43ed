"""Loggers of ours: to standard error even before logging is set up, as standard output is data."""

from __future__ import annotations

import sys
from typing import Any

import structlog


def get_logger(name: str) -> Any:
    """Return a structlog logger of this name, for a module.

    Until `configure_logging` was called it writes text to what standard error is at that moment: a
    command that logs nothing as a rule keeps its results, `--json` among them, apart.
    """
    if not structlog.is_configured():
        structlog.configure(logger_factory=_to_standard_error)
    return structlog.get_logger(name)


def _to_standard_error(*_names: str) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


__all__ = ["get_logger"]
