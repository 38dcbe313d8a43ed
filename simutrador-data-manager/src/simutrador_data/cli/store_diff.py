"""`simutrador-data store diff`: what changed between two versions of a series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from simutrador_data.cli.options import AdjustmentOption, DataOption, EndOption, StartOption
from simutrador_data.cli.parsing import parse_adjustment
from simutrador_data.cli.session import Session, open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.bars import BarQuery, Bars
    from simutrador_data.services.storage.differences import Difference


def diff(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Whose bars.")],
    from_commit: Annotated[
        int, typer.Option("--from", metavar="COMMIT", help="Earlier version; see store history.")
    ],
    to_commit: Annotated[
        int | None,
        typer.Option("--to", metavar="COMMIT", help="Later version. Default: the newest."),
    ] = None,
    timeframe: Annotated[str, typer.Option("--timeframe", "-t", metavar="TF")] = "1min",
    adjustment: AdjustmentOption = None,
    start: StartOption = None,
    end: EndOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show; --json holds every one.")] = 20,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show which bars were added, removed and changed between two versions."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_data.services.serving.differences import difference_document
        from simutrador_data.services.storage.differences import together

        latest = session.store.status().latest_commit
        later = latest if to_commit is None else to_commit
        query = _query(session, symbol, timeframe, adjustment, (start, end))
        query = replace(query, as_of=later)
        found = together(session.store.diff(query, from_commit=from_commit), query.series)
        write(
            difference_document(found, query.series, from_commit=from_commit, to_commit=later),
            as_json=as_json,
            show=lambda console: _show(console, found, limit),
        )


def _query(
    session: Session,
    symbol: str,
    timeframe: str,
    adjustment: str | None,
    ends: tuple[str | None, str | None],
) -> BarQuery:
    from simutrador_core.models.bars import SeriesKey
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.serving.ranges import parse_range
    from simutrador_data.services.serving.reading import to_query

    key = SeriesKey(parse_symbol(symbol), parse_timeframe(timeframe), parse_adjustment(adjustment))
    return to_query(key, parse_range(*ends), registry=session.registry)


def _show(console: Console, found: Difference, limit: int) -> None:
    console.print(
        f"{len(found.added):,} bars added, {len(found.removed):,} removed, "
        f"{len(found.after):,} changed"
    )
    names = ["open", "high", "low", "close", "volume"]
    shown = table("", ["what", "time", *names], right=names)
    kinds = (
        ("added", found.added, None),
        ("removed", found.removed, None),
        ("changed", found.before, found.after),
    )
    for what, bars, after in kinds:
        for i in range(min(len(bars), limit)):
            shown.add_row(what, *_row(bars, after, i, names))
    if shown.row_count:
        console.print(shown)


def _row(bars: Bars, after: Bars | None, i: int, names: list[str]) -> list[str]:
    from simutrador_core.models.bars import from_us

    cells = [f"{from_us(int(bars.opened_at[i])):%Y-%m-%d %H:%M}"]
    for name in names:
        old = repr(float(getattr(bars, name)[i]))
        new = old if after is None else repr(float(getattr(after, name)[i]))
        cells.append(old if old == new else f"{old} -> {new}")
    return cells
