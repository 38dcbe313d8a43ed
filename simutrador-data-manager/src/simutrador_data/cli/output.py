"""How commands speak: results on standard output, everything else on standard error.

With `--json` standard output holds exactly one JSON document, also when the command fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simutrador_core.errors import InputError, SimutradorError

if TYPE_CHECKING:
    from simutrador_data.services.progress.progress import QuietProgress


class ExitCode(IntEnum):
    """What the exit code says."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    PARTLY = 3
    INTERRUPTED = 130


def stdout() -> Console:
    """Return the console results are written to; as wide as the terminal, or 120 columns."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for progress and errors."""
    return _console(stderr=True)


def progress(*, as_json: bool = False) -> QuietProgress:
    """Return a bar with the time left on standard error, or nothing where nobody looks."""
    from simutrador_data.services.progress.progress import QuietProgress, RichProgress

    return RichProgress(stderr()) if sys.stderr.isatty() and not as_json else QuietProgress()


@contextmanager
def watching(
    unit: str, label: str, *, as_json: bool = False
) -> Generator[Callable[[int, int], None]]:
    """Lend a function that is told how much of how much is done and shows the time left.

    Args:
        unit: What is counted.
        label: What is being done.
        as_json: Whether nobody looks.
    """
    bar = progress(as_json=as_json)
    started: list[int] = []

    def watch(done: int, total: int) -> None:
        if not started:
            started.append(total)
            bar.start(total, unit, label)
        bar.advance(done)

    try:
        yield watch
    finally:
        bar.finish()


def write(document: object, *, as_json: bool, show: Callable[[Console], None]) -> None:
    """Write a result: the document as JSON, or what `show` prints.

    Args:
        document: What `orjson` can write, numpy arrays and dates included.
        as_json: Whether JSON was asked for.
        show: Prints the same for people.
    """
    if as_json:
        import orjson

        options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_INDENT_2
        sys.stdout.buffer.write(orjson.dumps(document, option=options, default=str) + b"\n")
        sys.stdout.buffer.flush()
    else:
        show(stdout())


def table(title: str, columns: Sequence[str], *, right: Sequence[str] = ()) -> Table:
    """Return an empty table; the columns named in `right` hold numbers."""
    made = Table(
        title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False
    )
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


@contextmanager
def reporting(*, as_json: bool, debug: bool) -> Generator[None]:
    """Turn an error into one clear line and an exit code; `debug` lets its traceback through."""
    try:
        yield
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is left to say, also not while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.OK) from None
    except KeyboardInterrupt:
        fail("interrupted", "interrupted; what was finished is kept", as_json=as_json)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (SimutradorError, OSError) as e:
        if debug:
            raise
        fail(_code(e), _text(e), as_json=as_json, field=getattr(e, "field", None))
        usage = isinstance(e, InputError)
        raise typer.Exit(ExitCode.USAGE if usage else ExitCode.PROBLEMS) from None
    except Exception as e:
        if debug or isinstance(e, (typer.Exit, typer.Abort)):
            raise
        text = (
            f"unforeseen {type(e).__name__}: {e}; run again with --debug and report what it shows"
        )
        fail("internal_error", text, as_json=as_json)
        raise typer.Exit(ExitCode.PROBLEMS) from None


def fail(code: str, message: str, *, as_json: bool, field: str | None = None) -> None:
    """Write an error: a JSON document on standard output, or one line on standard error."""
    error: dict[str, Any] = {"code": code, "message": message}
    if field is not None:
        error["field"] = field
    if as_json:
        write({"error": error}, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, SimutradorError) else "os_error"


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, SimutradorError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check the path, its permissions and free space"
    return str(error)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 120
    return Console(stderr=stderr, width=width, highlight=False)
