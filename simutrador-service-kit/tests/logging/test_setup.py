"""Logs: JSON where no person looks, ids of the work at hand, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from kit_web import Log, logged
from simutrador_service.logging import MASK, configure_logging

KEY = "sk_0123456789ab.vGJ7_0tQx2mPzL4aB9cD1eF3gH5iJ6kK8lM0nO2pQ4s"


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    """Collect lines as JSON; give logging back as it was."""
    with logged() as stream:
        yield stream


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_is_json_when_nobody_looks(log: Log) -> None:
    structlog.get_logger("ours").info("stored", rows=390)
    (line,) = log.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "stored", "rows": 390, "level": "info", "logger": "ours"}


def test_ids_of_the_work_at_hand_are_on_every_line(log: Log) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", job_id="j1", trace_id="t1"):
        structlog.get_logger("ours").info("a")
        logging.getLogger("theirs").info("b")
    structlog.get_logger("ours").info("c")
    ids = [(line.get("request_id"), line.get("job_id"), line.get("trace_id")) for line in log.lines]
    assert ids == [("r1", "j1", "t1"), ("r1", "j1", "t1"), (None, None, None)]


def test_lines_of_other_libraries_have_the_same_form(log: Log) -> None:
    logging.getLogger("uvicorn.error").warning(
        "port %s", 8002, extra={"color_message": "x", "n": 1}
    )
    (line,) = log.lines
    assert (line["event"], line["n"], line["logger"]) == ("port 8002", 1, "uvicorn.error")
    assert "color_message" not in line


def test_uvicorn_keeps_no_handler_of_its_own() -> None:
    stray = io.StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(stray))
    configure_logging(stream=(log := Log()))
    logging.getLogger("uvicorn.error").error("down")
    assert (stray.getvalue(), log.lines[0]["event"]) == ("", "down")


def test_a_traceback_is_one_field_without_secrets(log: Log) -> None:
    try:
        raise RuntimeError(f"vendor refused {KEY}")
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed %s", KEY)
    ours, theirs = log.lines
    assert f"RuntimeError: vendor refused {MASK}" in ours["exception"]
    assert f"RuntimeError: vendor refused {MASK}" in theirs["exception"]
    assert theirs["event"] == f"failed {MASK}"


def test_a_chained_or_grouped_error_hides_its_secrets_too(log: Log) -> None:
    inner = ValueError(f"token={KEY}")
    try:
        raise ExceptionGroup("many", [inner]) from inner
    except ExceptionGroup:
        structlog.get_logger("ours").exception("failed")
    assert "ExceptionGroup" in log.lines[0]["exception"]
    assert KEY not in log.getvalue()


def test_secrets_are_masked_in_fields_and_arguments(log: Log) -> None:
    structlog.get_logger().info("used %s", KEY, api_key="x", params={"token": "y"}, count=3)
    logging.getLogger("uvicorn.error").warning('"WebSocket /ws?token=%s" [403]', "eyJa.b.c")
    first, second = log.lines
    assert (first["event"], first["api_key"], first["params"], first["count"]) == (
        f"used {MASK}",
        MASK,
        {"token": MASK},
        3,
    )
    assert second["event"] == f'"WebSocket /ws?token={MASK}" [403]'


def test_a_terminal_gets_text_without_local_variables() -> None:
    stream = Terminal()
    configure_logging(stream=stream)
    hidden = "a-local-value"
    try:
        raise RuntimeError(f"{len(hidden)} {KEY}")
    except RuntimeError:
        structlog.get_logger("ours").exception("failed", rows=3)
    assert "rows" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert "RuntimeError: 13" in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert stream.getvalue().count("a-local-value") == 0


def test_json_can_be_asked_for_at_a_terminal() -> None:
    stream = Terminal()
    configure_logging(log_format="json", stream=stream)
    structlog.get_logger("ours").info("stored")
    assert json.loads(stream.getvalue())["event"] == "stored"


def test_lines_below_the_level_are_dropped() -> None:
    configure_logging("ERROR", stream=(log := Log()))
    structlog.get_logger("ours").info("stored")
    logging.getLogger("theirs").warning("stored")
    assert log.getvalue() == ""


def test_a_line_that_cannot_be_made_shows_none_of_its_values() -> None:
    (line,), code = printed(f'logging.getLogger("theirs").info("%d bars", "{KEY}")')
    assert (line["event"], line["error"], code) == ("log_failed", "TypeError", 0)
    assert KEY not in str(line)


def test_a_warning_is_a_line(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # catch_warnings gave back what it found
        logging.captureWarnings(capture=True)
        warnings.warn(f"old {KEY}", stacklevel=1)
    assert log.lines[0]["logger"] == "py.warnings"
    assert KEY not in log.getvalue()


def test_a_line_feed_cannot_forge_a_line(log: Log) -> None:
    structlog.get_logger().info('x\n{"event": "forged"}')
    assert [line["event"] for line in log.lines] == ['x\n{"event": "forged"}']


def test_an_error_nobody_caught_is_logged_without_secrets() -> None:
    lines, code = printed(
        f"def fail(): raise RuntimeError('token={KEY}')",
        "thread = threading.Thread(target=fail)",
        "thread.start()",
        "thread.join()",
        "fail()",
    )
    assert ([line["event"] for line in lines], code) == (["uncaught", "uncaught"], 1)
    assert all(f"RuntimeError: token={MASK}" in line["exception"] for line in lines)
    assert KEY not in str(lines)


def printed(*program: str) -> tuple[list[dict[str, Any]], int]:
    """Run a program of its own, pytest looks at no line of it; return its lines and exit code."""
    start = (
        "import logging, threading, simutrador_service.logging as ours; ours.configure_logging()"
    )
    text = "\n".join((start, *program))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    return [json.loads(line) for line in done.stderr.splitlines()], done.returncode
