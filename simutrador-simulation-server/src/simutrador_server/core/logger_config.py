"""Structured logs on standard error: lines for people at a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from simutrador_server.core.settings import LoggingSettings

_SECRET_KEY: Final = re.compile(r"key|secret|token|password|authorization|cookie", re.IGNORECASE)
# A token in a query or header, and anything that looks like a JWT or an API key of ours.
_SECRET_TEXT: Final = re.compile(
    r"(?<=token=)[^\s\"'&]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|\bsk_[0-9a-f]{12}\.[\w-]+"
)
_QUIET: Final = ("uvicorn.access", "httpx", "asyncio", "watchfiles")


def setup_logging(settings: LoggingSettings, *, stream: TextIO | None = None) -> None:
    """Send every log, ours and the standard library's, to one stream in one format.

    Args:
        settings: Level and format.
        stream: Where to write; standard error when None.
    """
    out = stream or sys.stderr
    as_json = settings.format == "json" or (settings.format == "auto" and not out.isatty())
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    handler = logging.StreamHandler(out)
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        last.append(structlog.processors.format_exc_info)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*last, renderer])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def hide_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace every field whose name says that it is a secret, and every token inside a text."""
    for name, value in event.items():
        if _SECRET_KEY.search(name):
            event[name] = "********"
        elif isinstance(value, str):
            event[name] = _SECRET_TEXT.sub("********", value)
    return event
