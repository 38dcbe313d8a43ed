"""How commands speak: results on standard output, everything else on standard error.

With `--json` standard output holds exactly one JSON document, also when the command fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.errors import InputError, SimutradorError


class ExitCode(IntEnum):
    """What the exit code says."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    INTERRUPTED = 130


def stderr() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def stdout() -> Console:
    """Return the console for results."""
    return Console(soft_wrap=True, highlight=False)


def write(document: object, *, as_json: bool, show: Callable[[Console], None]) -> None:
    """Write a result: the document as JSON, or what `show` prints."""
    if as_json:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str)
        sys.stdout.write(text.decode() + "\n")
        sys.stdout.flush()
    else:
        show(stdout())


@contextmanager
def reporting(*, as_json: bool, debug: bool) -> Generator[None]:
    """Turn an error into one clear line and an exit code; `debug` lets its traceback through."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (SimutradorError, OSError) as e:
        if debug:
            raise
        code = e.code if isinstance(e, SimutradorError) else "os_error"
        _fail(code, _text(e), as_json=as_json)
        usage = isinstance(e, InputError)
        raise typer.Exit(ExitCode.USAGE if usage else ExitCode.PROBLEMS) from None


def _fail(code: str, text: str, *, as_json: bool) -> None:
    error: dict[str, Any] = {"error": {"code": code, "message": text}}
    if as_json:
        write(error, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"[bold red]error:[/] {escape(text)}")


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, SimutradorError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check the path and its permissions"
    return str(error)
