"""`simutrador-data actions import`: corporate actions from files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.errors import InputError
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.parsing import parse_day, parse_word
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from datetime import date

    from simutrador_data.services.corporate_actions.records import ActionCommit


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON or Lean.")],
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Whose they are, where no column says it.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's own name
        str | None,
        typer.Option(
            metavar="csv|json|lean-factors|lean-map", help="Default: what the file looks like."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="With --end: the file says all there is from here..."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="... until before here; what it lacks is taken back."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Record corporate actions of files; names first: give map files of Lean before factor files.

    A CSV file has the columns symbol, kind (split, dividend, rename, delisting), effective, ratio
    (2 or 2:1), amount, successor, known_on.
    """
    with reporting(as_json=as_json, debug=debug), open_session(data, create=True) as session:
        from datetime import UTC, datetime

        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.corporate_actions.action_store import ActionStore
        from simutrador_data.services.corporate_actions.importing import (
            ActionFile,
            ActionFormat,
            import_actions,
        )
        from simutrador_data.services.serving.reading import calendar_of

        chosen = None if format is None else parse_word("format", format, ActionFormat)
        name = None if symbol is None else parse_symbol(symbol)
        settles = _range(parse_day("start", start), parse_day("end", end))
        made: list[tuple[Path, ActionCommit]] = []
        with closing(ActionStore(session.root)) as store:
            for path in files:
                commit = import_actions(
                    ActionFile(path, chosen, name, settles),
                    store,
                    calendar=lambda one: calendar_of(one, session.registry),
                    now=datetime.now(UTC),
                )
                made.append((path, commit))
        write(
            {"files": [{"file": str(path), **commit_document(c)} for path, c in made]},
            as_json=as_json,
            show=lambda console: _show(console, made),
        )


def commit_document(commit: ActionCommit) -> dict[str, Any]:
    """Return what a commit of actions did."""
    from simutrador_data.services.corporate_actions.documents import action_document

    return {
        "commit": commit.id,
        "no_op": commit.no_op,
        "added": [action_document(action) for action in commit.added],
        "removed": [action_document(action) for action in commit.removed],
    }


def _range(start: date | None, end: date | None) -> tuple[date, date] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise InputError("--start and --end go together", field="end" if end is None else "start")
    return start, end


def _show(console: Console, made: list[tuple[Path, ActionCommit]]) -> None:
    right = ["added", "taken back", "commit"]
    shown = table("", ["file", *right], right=right)
    for path, commit in made:
        counts = (f"{len(commit.added):,}", f"{len(commit.removed):,}")
        shown.add_row(escape(str(path)), *counts, "as before" if commit.no_op else f"{commit.id}")
    console.print(shown)
