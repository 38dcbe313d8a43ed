"""Logs: JSON where no person looks, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from simutrador_data.core.logger_config import hide_secrets, setup_logging
from simutrador_data.core.settings import LoggingSettings


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_is_json_when_nobody_looks() -> None:
    stream = io.StringIO()
    setup_logging(LoggingSettings(), stream=stream)
    structlog.get_logger("ours").info("stored", rows=390)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["rows"], line["level"], line["logger"]) == (
        "stored",
        390,
        "info",
        "ours",
    )
    assert line["timestamp"].endswith("Z")


def test_lines_of_other_libraries_have_the_same_form() -> None:
    stream = io.StringIO()
    setup_logging(LoggingSettings(), stream=stream)
    logging.getLogger("uvicorn.error").warning("port %s", 8002)
    assert json.loads(stream.getvalue())["event"] == "port 8002"


def test_a_traceback_is_one_json_field() -> None:
    stream = io.StringIO()
    setup_logging(LoggingSettings(), stream=stream)
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
    assert "RuntimeError: boom" in json.loads(stream.getvalue())["exception"]


def test_a_terminal_gets_text() -> None:
    stream = Terminal()
    setup_logging(LoggingSettings(), stream=stream)
    structlog.get_logger("ours").info("stored")
    assert "stored" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_lines_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    setup_logging(LoggingSettings(level="ERROR"), stream=stream)
    structlog.get_logger("ours").info("stored")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["api_key", "Authorization", "client_secret", "x_token", "cookie"])
def test_a_secret_is_masked_by_its_name(name: str) -> None:
    assert hide_secrets(None, "info", {"event": "e", name: "s3cret"})[name] == "********"
