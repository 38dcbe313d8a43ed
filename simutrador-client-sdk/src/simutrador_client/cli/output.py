"""How commands speak: results on standard output, everything else on standard error.

With `--json` standard output holds exactly one JSON document, also when the command fails.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simutrador_core.errors import InputError, SimutradorError

T = TypeVar("T")


class ExitCode(IntEnum):
    """What the exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


def stdout() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for progress and errors."""
    return _console(stderr=True)


def write(document: object, *, as_json: bool, show: Callable[[Console], None]) -> None:
    """Write a result: the document as JSON, or what `show` prints."""
    if as_json:
        options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        sys.stdout.write(orjson.dumps(document, option=options, default=str).decode() + "\n")
        sys.stdout.flush()
    else:
        show(stdout())


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table without a frame."""
    made = Table(header_style="bold", box=None, pad_edge=False)
    for name in columns:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*(escape(str(value)) for value in row))
    return made


@contextmanager
def reporting(*, as_json: bool, debug: bool = False) -> Generator[None]:
    """Turn an error into one clear line and an exit code; `debug` lets its traceback through."""
    try:
        yield
    except KeyboardInterrupt:
        stderr().print("interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (SimutradorError, OSError) as e:
        if debug:
            raise
        _fail(e, as_json=as_json)
        usage = isinstance(e, InputError)
        raise typer.Exit(ExitCode.USAGE if usage else ExitCode.FAILED) from None


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of asynchronous work."""
    return asyncio.run(work)


def _fail(error: Exception, *, as_json: bool) -> None:
    code = getattr(error, "error_code", None) or getattr(error, "code", "os_error")
    if as_json:
        facts = {"code": code, "message": str(error), **_details(error)}
        write({"error": facts}, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        for name, fact in _details(error).get("details", {}).items():
            stderr().print(f"  {name}: {escape(orjson.dumps(fact).decode())}", soft_wrap=True)


def _details(error: Exception) -> dict[str, Any]:
    details = getattr(error, "details", None)
    return {"details": details} if details else {}


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 120, highlight=False)
