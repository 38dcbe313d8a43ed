"""`simutrador-data compare`: do two vendors, or two timeframes, tell the same?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import (
    AdjustmentOption,
    DataOption,
    EndOption,
    StartOption,
    TimeframeOption,
)
from simutrador_data.cli.parsing import parse_adjustment
from simutrador_data.cli.session import Session, open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.bars import BarQuery, Bars
    from simutrador_data.services.comparing import Tolerance
    from simutrador_data.services.comparing.accounts import Comparison

DAYS: Final = 7


def compare(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Whose bars.")],
    providers: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Two providers; `stored` is what the store holds."),
    ] = None,
    timeframes: Annotated[
        str | None,
        typer.Option(
            metavar="TF,TF", help="Stored bars of the second, against those the first make."
        ),
    ] = None,
    timeframe: TimeframeOption = None,
    start: StartOption = None,
    end: EndOption = None,
    adjustment: AdjustmentOption = None,
    price_tolerance: Annotated[
        float, typer.Option(metavar="FRACTION", help="Prices may lie so far apart.")
    ] = 0.0001,
    volume_tolerance: Annotated[
        float, typer.Option(metavar="FRACTION", help="Volumes may lie so far apart.")
    ] = 0.01,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show; --json holds every one.")] = 20,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare two accounts of a symbol's bars, by default those of the last seven days.

    Exit code 1 when bars differ beyond the tolerance or one side lacks some, 3 when a provider did
    not give all it was asked for.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.comparing import Tolerance
        from simutrador_data.services.comparing.documents import comparison_document

        tolerance = Tolerance(price_tolerance, volume_tolerance)
        names, frames = _pair("providers", providers), _pair("timeframes", timeframes)
        _check(names, frames, timeframe)
        with open_session(data, create=True) as session:
            coarse = timeframe if frames is None else frames[1]
            query = _query(session, symbol, coarse, adjustment, (start, end))
            if names is not None:
                found = asyncio.run(_of_providers(session, query, names, tolerance))
            else:
                assert frames is not None
                found = _of_timeframes(session, query, frames[0], tolerance)
        write(
            comparison_document(found, tolerance),
            as_json=as_json,
            show=lambda console: show_comparison(console, found, limit),
        )
        if not found.is_whole:
            raise typer.Exit(ExitCode.PARTLY)
        if not found.found.is_empty:
            raise typer.Exit(ExitCode.PROBLEMS)


def show_comparison(console: Console, comparison: Comparison, limit: int) -> None:
    """Print the counts, then the bars that differ, as both sides have them."""
    found, (first, second) = comparison.found, comparison.names
    console.print(
        f"{comparison.series}: {found.both:,} bars in both, {len(found.one):,} differ, "
        f"{len(found.only_one):,} only {escape(first)}, {len(found.only_other):,} only "
        f"{escape(second)}"
    )
    names = ["open", "high", "low", "close", "volume"]
    shown = table("", ["time", "what", *names], right=names)
    for at in range(min(len(found.one), limit)):
        cells = [_cell(found.one, found.other, at, name) for name in names]
        shown.add_row(_time(found.one, at), f"{escape(first)} -> {escape(second)}", *cells)
    for name, bars in ((first, found.only_one), (second, found.only_other)):
        for at in range(min(len(bars), limit)):
            cells = [repr(float(getattr(bars, column)[at])) for column in names]
            shown.add_row(_time(bars, at), f"only {escape(name)}", *cells)
    if shown.row_count:
        console.print(shown)
    for report in comparison.reports:
        for one in report.symbols:
            for failure in one.failures[:limit]:
                text = f"{failure.provider}: {failure.start} to {failure.end}: {failure.reason}"
                console.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)


def _pair(field: str, text: str | None) -> tuple[str, str] | None:
    from simutrador_core.errors import InputError

    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) != 2 or parts[0] == parts[1]:
        raise InputError(
            f"--{field} {text!r} does not name two; write {_EXAMPLES[field]}", field=field
        )
    return parts[0], parts[1]


_EXAMPLES: Final = {
    "providers": "--providers polygon,alpaca",
    "timeframes": "--timeframes 1min,daily",
}


def _check(
    names: tuple[str, str] | None, frames: tuple[str, str] | None, timeframe: str | None
) -> None:
    from simutrador_core.errors import InputError

    if (names is None) == (frames is None):
        raise InputError(
            "say what to compare: --providers polygon,alpaca or --timeframes 1min,daily",
            field="providers",
        )
    if frames is not None and timeframe is not None:
        raise InputError("--timeframes names them; leave --timeframe out", field="timeframe")


def _query(
    session: Session,
    symbol: str,
    timeframe: str | None,
    adjustment: str | None,
    ends: tuple[str | None, str | None],
) -> BarQuery:
    from datetime import UTC, datetime, timedelta

    from simutrador_core.models.bars import SeriesKey
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.serving.ranges import Range, parse_range
    from simutrador_data.services.serving.reading import to_query

    now = datetime.now(UTC)
    wanted = parse_range(*ends)
    wanted = Range(wanted.start or (now - timedelta(days=DAYS)).date(), wanted.end or now)
    key = SeriesKey(
        parse_symbol(symbol),
        Timeframe.MINUTE_1 if timeframe is None else parse_timeframe(timeframe),
        parse_adjustment(adjustment),
    )
    return to_query(key, wanted, registry=session.registry)


async def _of_providers(
    session: Session, query: BarQuery, names: tuple[str, str], tolerance: Tolerance
) -> Comparison:
    from datetime import UTC, datetime

    from simutrador_data.services.comparing.accounts import STORED, Fetching, compare_accounts
    from simutrador_data.services.opening_providers import opened_providers

    asked = [name for name in names if name != STORED]
    async with opened_providers(asked, session.settings, registry=session.registry) as opened:
        return await compare_accounts(
            query.series,
            query.start,
            query.end,
            names=names,
            providers=opened,
            store=session.store,
            tolerance=tolerance,
            fetching=Fetching(session.registry, lambda: datetime.now(UTC)),
        )


def _of_timeframes(
    session: Session, query: BarQuery, shorter: str, tolerance: Tolerance
) -> Comparison:
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_data.services.comparing.accounts import compare_timeframes
    from simutrador_data.services.serving.reading import calendar_of

    return compare_timeframes(
        session.store,
        query,
        made_of=parse_timeframe(shorter),
        calendar=calendar_of(query.symbol, session.registry),
        tolerance=tolerance,
    )


def _time(bars: Bars, at: int) -> str:
    from simutrador_core.models.bars import from_us

    return f"{from_us(int(bars.opened_at[at])):%Y-%m-%d %H:%M}"


def _cell(one: Bars, other: Bars, at: int, name: str) -> str:
    first, second = repr(float(getattr(one, name)[at])), repr(float(getattr(other, name)[at]))
    return first if first == second else f"{first} -> {second}"
