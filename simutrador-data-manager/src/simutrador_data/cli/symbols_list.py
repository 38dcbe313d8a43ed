"""`simutrador-data symbols list`: what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from simutrador_data.cli.options import DataOption, TimeframeOption
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.interfaces.storage import SeriesInfo


def list_symbols(
    timeframe: TimeframeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List what is stored: every series with its first and last bar."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_core.utils.timeframe_utils import parse_timeframe

        wanted = None if timeframe is None else parse_timeframe(timeframe)
        held = session.store.symbols(wanted)

        def show(console: Console) -> None:
            shown = table(
                "", ["symbol", "timeframe", "adjustment", "bars", "first", "last"], right=["bars"]
            )
            for info in held:
                shown.add_row(
                    info.symbol,
                    str(info.series.timeframe),
                    str(info.series.adjustment),
                    f"{info.rows:,}",
                    _first(info),
                    _last(info),
                )
            console.print(shown)
            console.print(f"{len(held)} series in {session.root}", soft_wrap=True)

        write(
            {"store": str(session.root), "series": [_document(info) for info in held]},
            as_json=as_json,
            show=show,
        )


def _document(info: SeriesInfo) -> dict[str, Any]:
    return {
        "symbol": info.symbol,
        "timeframe": str(info.series.timeframe),
        "adjustment": str(info.series.adjustment),
        "rows": info.rows,
        "first": info.first,
        "last": info.last,
        "first_session": info.first_session,
        "last_session": info.last_session,
    }


def _first(info: SeriesInfo) -> str:
    if info.first_session is not None:
        return f"{info.first_session}"
    return "-" if info.first is None else f"{info.first:%Y-%m-%d %H:%M}"


def _last(info: SeriesInfo) -> str:
    if info.last_session is not None:
        return f"{info.last_session}"
    return "-" if info.last is None else f"{info.last:%Y-%m-%d %H:%M}"
