"""Applications of the tests, called without a network."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import structlog
from fastapi import FastAPI

from simutrador_service.logging import configure_logging


def client(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of the application; its errors become answers, as with a server."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service.example")


class Log(io.StringIO):
    """A stream whose lines are JSON."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@contextmanager
def logged(level: str = "INFO") -> Iterator[Log]:
    """Collect what is logged, and give logging back as it was."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    before = structlog.get_config()
    stream = Log()
    configure_logging(level, "json", stream=stream)
    try:
        yield stream
    finally:
        root.handlers[:] = kept[0]
        root.setLevel(kept[1])
        sys.excepthook, threading.excepthook = kept[2:]
        logging.captureWarnings(capture=False)
        structlog.configure(**before)
        structlog.contextvars.clear_contextvars()
