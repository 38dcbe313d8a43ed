"""Logging helpers of earlier releases. Nothing happens at import, and no file is made unasked.

SimuTrador's libraries log through `logging.getLogger(__name__)` with a `NullHandler`; the
application decides where records go, with these functions or with its own configuration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

LINE_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NOISY_LOGGERS: Final = ("uvicorn.access", "httpx", "urllib3", "requests", "asyncio", "websockets")


def setup_logger(
    name: str,
    log_level: int = logging.INFO,
    log_dir: str | Path | None = None,
    console_level: int = logging.INFO,
    file_level: int = logging.ERROR,
    max_bytes: int = 5 * 1024 * 1024,
    backup_count: int = 3,
) -> logging.Logger:
    """Return the named logger with a console handler and, if `log_dir` is given, a rotating file.

    Calling again changes the levels and adds no second handler. Only the logger's own handlers
    count, not the root's.

    Args:
        name: The logger; its file is the name with underscores for dots, plus `.log`.
        log_level: Least severe record the logger passes on.
        log_dir: Folder for the file, made if absent; None writes no file.
        console_level: Least severe record shown on standard error.
        file_level: Least severe record written to the file.
        max_bytes: Size at which the file is rotated, in bytes.
        backup_count: How many rotated files are kept.
    """
    logger = logging.getLogger(name)
    logger.setLevel(log_level)
    console = _console_handler(logger.handlers) or _added(logger, logging.StreamHandler())
    console.setLevel(console_level)
    if log_dir is not None:
        path = Path(log_dir).absolute() / f"{name.replace('.', '_')}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _file_handler(logger.handlers, path) or _added(
            logger,
            RotatingFileHandler(
                path, maxBytes=max_bytes, backupCount=backup_count, encoding="utf-8", delay=True
            ),
        )
        file.setLevel(file_level)
    return logger


def get_default_logger(component: str, log_dir: str | Path | None = None) -> logging.Logger:
    """Return the logger of a component, set up with the defaults; a file only where asked."""
    return setup_logger(component, log_dir=log_dir)


def configure_third_party_loggers(level: int = logging.WARNING) -> None:
    """Let the chatty libraries log from `level` on: HTTP clients and servers, asyncio, sockets."""
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(level)


def _added(logger: logging.Logger, handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(logging.Formatter(LINE_FORMAT))
    logger.addHandler(handler)
    return handler


def _console_handler(handlers: Iterable[logging.Handler]) -> logging.Handler | None:
    for handler in handlers:
        kind: object = type(handler)
        if kind is logging.StreamHandler:  # a file handler is one too, so no isinstance
            return handler
    return None


def _file_handler(handlers: Iterable[logging.Handler], path: Path) -> logging.Handler | None:
    for handler in handlers:
        if isinstance(handler, RotatingFileHandler) and Path(handler.baseFilename) == path:
            return handler
    return None
