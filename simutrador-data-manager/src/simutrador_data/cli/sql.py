"""`simutrador-data sql`: one read-only query over all stored bars."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.errors import InputError
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, stderr, table, write

if TYPE_CHECKING:
    from simutrador_data.services.sql.query import SqlAnswer


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="SELECT ... FROM bars, as DuckDB takes it.")
    ],
    as_of: Annotated[
        int | None,
        typer.Option("--as-of", min=0, metavar="COMMIT", help="Read the store as it was then."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows to return.")] = 10_000,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest time to take.")] = 30.0,
    memory: Annotated[
        int, typer.Option(min=50, metavar="MB", help="Most memory to take, millions of bytes.")
    ] = 2_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV to standard output.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask the stored bars in SQL: the view is `bars`, every row of one version once."""
    with reporting(as_json=as_json, debug=debug):
        if as_csv and as_json:
            raise InputError("choose --csv or --json, not both", field="csv")
        from simutrador_data.services.sql.child import prepare

        prepare()
        with open_session(data) as session:
            from simutrador_data.services.sql.query import query_sql

            found = query_sql(
                session.store,
                query,
                as_of=as_of,
                max_rows=limit,
                timeout_s=timeout,
                memory_mb=memory,
            )
        if as_csv:
            _write_csv(found)
        else:
            write(_document(found), as_json=as_json, show=lambda console: _show(found, console))
        if found.is_cut and not as_json:
            stderr().print(f"only the first {limit:,} rows are shown; for more: --limit")


def _document(found: SqlAnswer) -> dict[str, Any]:
    return {
        "as_of": found.as_of,
        "columns": found.columns,
        "rows": [[_plain(value) for value in row] for row in found.rows],
        "is_cut": found.is_cut,
    }


def _show(found: SqlAnswer, console: Console) -> None:
    numbers = [
        escape(name)
        for place, name in enumerate(found.columns)
        if found.rows and isinstance(found.rows[0][place], (int, float))
    ]
    shown = table("", [escape(name) for name in found.columns], right=numbers)
    for row in found.rows:
        shown.add_row(*(escape(_cell(value)) for value in row))
    console.print(shown)


def _write_csv(found: SqlAnswer) -> None:
    from simutrador_data.services.serving.text_formats import neutral

    out = csv.writer(sys.stdout)
    out.writerow(map(neutral, found.columns))
    for row in found.rows:
        out.writerow(neutral(value) if isinstance(value, str) else _cell(value) for value in row)


def _plain(value: object) -> object:
    """Return a value that JSON has: text for whole numbers and keys that it has not."""
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        return {str(key): _plain(inner) for key, inner in entries.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in cast("list[object]", value)]
    is_large = isinstance(value, int) and not -(2**63) <= value < 2**64
    return str(value) if is_large else value


def _cell(value: object) -> str:
    """Return a value as text: nothing for NULL, instants in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
