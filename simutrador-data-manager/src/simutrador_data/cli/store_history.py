"""`simutrador-data store history`: every commit of a symbol, with where its bars came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption, TimeframeOption
from simutrador_data.cli.session import Session, open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.interfaces.storage import Commit


def history(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Whose commits.")],
    timeframe: TimeframeOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Only so many of the newest.")] = 20,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the commits of a symbol: when, what changed, from which source and request."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        commits = _commits(session, symbol, timeframe, limit)
        write(
            {"symbol": symbol, "commits": [_document(commit) for commit in commits]},
            as_json=as_json,
            show=lambda console: _show(console, commits),
        )


def _commits(session: Session, symbol: str, timeframe: str | None, limit: int) -> list[Commit]:
    from simutrador_core.errors import UnknownSymbolError
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol

    name = parse_symbol(symbol)
    wanted = [parse_timeframe(timeframe)] if timeframe else list(Timeframe)
    found = {
        commit.id: commit
        for one in wanted
        for commit in session.store.history(name, one, newest=limit)
    }
    if not found:
        raise UnknownSymbolError(name)
    return [found[number] for number in sorted(found)][-limit:]


def _document(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.id,
        "at": commit.at,
        "series": [
            {
                "symbol": key.symbol,
                "timeframe": str(key.timeframe),
                "adjustment": str(key.adjustment),
            }
            for key in commit.series
        ],
        "added": commit.added,
        "replaced": commit.replaced,
        "removed": commit.removed,
        "source": commit.source,
        "request": commit.request,
        "fetched_at": commit.fetched_at,
        "code_version": commit.code_version,
    }


def _show(console: Console, commits: list[Commit]) -> None:
    right = ["commit", "added", "replaced", "removed"]
    shown = table("", ["commit", "at", "series", *right[1:], "source", "request"], right=right)
    for commit in commits:
        keys = [f"{key.timeframe} {key.adjustment}" for key in commit.series[:3]]
        more = f" +{len(commit.series) - 3}" if len(commit.series) > 3 else ""
        shown.add_row(
            f"{commit.id}",
            f"{commit.at:%Y-%m-%d %H:%M:%S}",
            ", ".join(dict.fromkeys(keys)) + more,
            f"{commit.added:,}",
            f"{commit.replaced:,}",
            f"{commit.removed:,}",
            escape(commit.source),
            escape(commit.request),
        )
    console.print(shown)
