"""`simutrador-data bars`: show or export stored bars."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from simutrador_core.errors import InputError
from simutrador_data.cli.options import (
    ActionsAsOfOption,
    AdjustmentOption,
    DataOption,
    EndOption,
    StartOption,
)
from simutrador_data.cli.parsing import parse_adjustment, parse_day
from simutrador_data.cli.session import Session, adjusting_bars, open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, stderr, table, write

if TYPE_CHECKING:
    from simutrador_core.models.bars import BarQuery, Bars
    from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
    from simutrador_data.services.serving.answer import Answer
    from simutrador_data.services.serving.paging import Page


class Names(StrEnum):
    """Under which names bars are read."""

    SYMBOL = "symbol"
    COMPANY = "company"


class BarsFormat(StrEnum):
    """How `bars` writes."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    ARROW = "arrow"
    PARQUET = "parquet"


_BINARY: Final = (BarsFormat.ARROW, BarsFormat.PARQUET)


def bars(
    symbol: Annotated[str, typer.Argument(help="A symbol, in any letter case.")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-t", metavar="TF")] = "daily",
    start: StartOption = None,
    end: EndOption = None,
    adjustment: AdjustmentOption = None,
    actions_as_of: ActionsAsOfOption = None,
    names: Annotated[
        Names,
        typer.Option(help="What stands under the symbol, or its company under all of its names."),
    ] = Names.SYMBOL,
    format: Annotated[  # noqa: A002 - the option's own name
        BarsFormat, typer.Option("--format", "-f", help="How to write the bars.")
    ] = BarsFormat.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Newest bars to show in a table; exports hold all.")
    ] = 20,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the bars of a symbol, or export them as CSV, JSON, Arrow or Parquet.

    Adjusted bars are made of the raw ones and the recorded corporate actions, unless a vendor's
    adjusted series is stored.
    """
    with (
        reporting(as_json=as_json, debug=debug),
        open_session(data) as session,
        adjusting_bars(session) as store,
    ):
        day = parse_day("actions_as_of", actions_as_of)
        query = _query(session, symbol, timeframe, adjustment, (start, end))
        query = replace(query, actions_as_of=day)
        wanted = _format(format, as_json=as_json, out=out)
        if wanted is BarsFormat.TABLE:
            _show(_newest(store, query, limit, names), query)
        else:
            head, parts = _all(store, query, names)
            _export(head, parts, wanted, out, as_json=as_json)


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


def _format(chosen: BarsFormat, *, as_json: bool, out: Path | None) -> BarsFormat:
    """Return the format to write; `--json` and the file's suffix count where none was chosen."""
    if chosen is BarsFormat.TABLE and out is not None:
        chosen = _format_of(out)
    elif chosen is BarsFormat.TABLE and as_json:
        chosen = BarsFormat.JSON
    if chosen in _BINARY and out is None and (sys.stdout.isatty() or as_json):
        raise InputError(f"{chosen} is binary: name a file with --out FILE", field="format")
    return chosen


def _format_of(out: Path) -> BarsFormat:
    suffix = out.suffix.lower().removeprefix(".")
    named = {"csv", "json", "parquet", "arrow"} & {suffix, suffix.removesuffix("s")}
    if not named:
        raise InputError(
            f"the name {out} says no format; end it with .csv, .json, .arrow or .parquet, "
            "or choose one with --format",
            field="out",
        )
    return BarsFormat(named.pop())


def _newest(store: AdjustedStore, query: BarQuery, limit: int, names: Names) -> Page:
    from simutrador_data.services.serving.paging import Page, read_page

    if names is Names.SYMBOL:
        return read_page(store, query, page=1, page_size=limit, newest_first=True)
    from simutrador_data.services.corporate_actions.company_bars import CompanyBars

    whole = CompanyBars(store).read(query)
    return Page(whole.take(slice(max(0, len(whole) - limit), len(whole))), len(whole))


def _all(store: AdjustedStore, query: BarQuery, names: Names) -> tuple[Answer, Iterator[Bars]]:
    from simutrador_data.services.serving.answer import Answer
    from simutrador_data.services.serving.reading import pinned, stream_parts, to_answer

    if names is Names.SYMBOL:
        queries = pinned(store, [query])
        return to_answer(store, queries), stream_parts(store, queries)
    from simutrador_data.services.corporate_actions.company_bars import CompanyBars

    company = CompanyBars(store)
    query = company.pinned(query)
    head = Answer(
        (query.symbol,),
        query.timeframe,
        query.adjustment,
        company.dataset_id(query),
        query.as_of or 0,
    )
    return head, company.stream(query)


def _show(page: Page, query: BarQuery) -> None:
    def show(console: Console) -> None:
        names = ["open", "high", "low", "close", "volume"]
        label = "session" if page.bars.sessions is not None else "opened at (UTC)"
        shown = table(str(query.series), [label, *names], right=names)
        for row in _rows(page.bars):
            shown.add_row(*row)
        console.print(shown)
        console.print(
            f"{len(page.bars):,} of {page.total:,} bars; for all: --format csv --out FILE"
        )

    write({}, as_json=False, show=show)


def _rows(bars: Bars) -> Iterator[tuple[str, ...]]:
    from simutrador_core.utils.serialization import format_decimal, to_decimal
    from simutrador_data.services.serving.text_formats import dates, instants

    labels = instants(bars.opened_at) if bars.sessions is None else dates(bars.sessions)
    columns = [getattr(bars, name).tolist() for name in ("open", "high", "low", "close")]
    for label, volume, *prices in zip(labels, bars.volume.tolist(), *columns, strict=True):
        yield (label, *(format_decimal(to_decimal(price)) for price in prices), f"{volume:,.0f}")


def _export(
    head: Answer, parts: Iterator[Bars], chosen: BarsFormat, out: Path | None, *, as_json: bool
) -> None:
    from simutrador_data.services.serving.formats import ExportFormat, write_parts

    rows = 0

    def counted() -> Iterator[Bars]:
        nonlocal rows
        for part in parts:
            rows += len(part)
            yield part

    chunks = write_parts(head, counted(), to=ExportFormat(chosen))
    if out is None:
        sys.stdout.buffer.writelines(chunks)
        if chosen is BarsFormat.JSON:
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
        return
    _write_whole(out, chunks)
    document = {
        "file": str(out),
        "format": str(chosen),
        "rows": rows,
        "dataset_id": head.dataset_id,
    }
    if as_json:
        write(document, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"wrote {rows:,} bars to {out} (dataset {head.dataset_id[:12]})")


def _write_whole(out: Path, chunks: Iterator[bytes]) -> None:
    """Write beside the file and rename, so that a failure leaves no half export."""
    if out.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(out))
    draft = out.with_name(f".{out.name}.part")
    try:
        with draft.open("wb") as file:
            file.writelines(chunks)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
