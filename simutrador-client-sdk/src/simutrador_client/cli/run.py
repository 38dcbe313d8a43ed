"""`simutrador-client run`: a strategy from a file, from the first bar to the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from simutrador_client.cli.credentials import signed_in
from simutrador_client.cli.live import LiveProgress
from simutrador_client.cli.loading import load_strategy
from simutrador_client.cli.options import (
    DebugOption,
    JsonOption,
    KeyFileOption,
    ServerUrlOption,
    WsUrlOption,
)
from simutrador_client.cli.output import reporting, stderr, table, wait_for, write
from simutrador_client.payloads import End
from simutrador_client.recording import Record, Recorder
from simutrador_client.report import RunFacts, metrics, page
from simutrador_client.settings import get_settings
from simutrador_client.websocket import SimutradorClientSession
from simutrador_core.errors import InputError

_EARLIEST = "1900-01-01"
_LATEST = "2100-01-01"


@dataclass(frozen=True, slots=True)
class _Order:
    """What the user asked for."""

    target: str
    symbols: list[str]
    start: datetime
    end: datetime
    timeframe: str
    capital: Decimal
    warmup: int
    costs: dict[str, Decimal]
    ws_url: str | None


def run(
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY.py[:CLASS]", help="File that defines the strategy.")
    ],
    symbols: Annotated[
        list[str],
        typer.Option("--symbols", "-s", metavar="SYMBOL", help="Repeat it, or use commas."),
    ],
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="DATE", help="First day or instant. Default: all bars."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="DATE", help="First one no longer simulated.")
    ] = None,
    timeframe: Annotated[
        str, typer.Option("--timeframe", "-t", metavar="TF", help="1min ... daily 1w 1mo.")
    ] = "daily",
    capital: Annotated[
        str | None, typer.Option("--capital", metavar="CASH", help="Default: 100000.")
    ] = None,
    commission: Annotated[
        str | None,
        typer.Option("--commission", metavar="FEE", help="A unit. Default: the server's."),
    ] = None,
    slippage_bps: Annotated[
        str | None, typer.Option("--slippage-bps", metavar="BPS", help="Default: the server's.")
    ] = None,
    warmup: Annotated[
        int, typer.Option("--warmup", min=0, metavar="N", help="Bars before the start.")
    ] = 0,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Default: .simutrador/reports/NAME.html."),
    ] = None,
    api_key_file: KeyFileOption = None,
    server_url: ServerUrlOption = None,
    ws_url: WsUrlOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Run a strategy at the venue, show how it goes, and write a report."""
    with reporting(as_json=as_json, debug=debug):
        order = _Order(
            strategy,
            [s.strip() for each in symbols for s in each.split(",") if s.strip()],
            _instant(start or _EARLIEST, "start"),
            _instant(end or _LATEST, "end"),
            timeframe,
            _capital(capital),
            warmup,
            _costs(commission_per_share=commission, slippage_bps=slippage_bps),
            ws_url,
        )
        name, made = load_strategy(order.target)
        with LiveProgress(stderr()) as live:
            recorder = Recorder(made, capital=order.capital, on_step=live.step)
            session_id = wait_for(_simulate(order, recorder, server_url, api_key_file))
        facts = RunFacts(name, order.symbols, timeframe, *_span(order, recorder.record), session_id)
        path = report or Path(".simutrador/reports") / f"{name}-{'-'.join(order.symbols)}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(facts, recorder.record), encoding="utf-8")
        _show(recorder.record, session_id, path, as_json=as_json)


async def _simulate(
    order: _Order, recorder: Recorder, server_url: str | None, key_file: Path | None
) -> str:
    auth = await signed_in(server_url, key_file)
    async with SimutradorClientSession(
        strategy=recorder, auth=auth, base_ws_url=order.ws_url
    ) as session:
        return await session.run(
            symbols=order.symbols,
            start_date=order.start,
            end_date=order.end,
            initial_capital=order.capital,
            timeframe=order.timeframe,
            warmup_bars=order.warmup,
            **order.costs,
        )


def _show(record: Record, session_id: str, path: Path, *, as_json: bool) -> None:
    end = record.end or End({})
    document: dict[str, Any] = {
        **{name: value for name, value in end.items() if name != "seq"},
        "session_id": session_id,
        "fills": len(record.fills),
        "warnings": record.notes(),
        "report": str(path),
    }

    def show(console: Console) -> None:
        console.print(table(("", ""), metrics(end)))
        for warning in document["warnings"][:10]:
            stderr().print(f"[yellow]warning:[/] {warning}", soft_wrap=True)
        console.print(f"report: {path}", soft_wrap=True)

    write(document, as_json=as_json, show=show)


def _span(order: _Order, record: Record) -> tuple[str, str]:
    """Return first and last day of the bars replayed; of what was asked when it is not known."""
    actual = record.info.data_range_actual or {}
    asked = {"start": order.start.isoformat(), "end": order.end.isoformat()}
    first, last = (str(actual.get(name, asked[name]))[:10] for name in asked)
    return first, last


def _instant(text: str, field: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            text = f"{field} {text!r} is no date such as 2013-01-02 or 2013-01-02T14:30Z"
            raise InputError(text, field=field) from None
        return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _capital(text: str | None) -> Decimal:
    if text is None:
        return get_settings().session.default_initial_capital
    capital = _number(text, "capital")
    if capital <= 0:
        raise InputError(f"capital {text} is not above zero", field="capital")
    return capital


def _costs(**given: str | None) -> dict[str, Decimal]:
    return {name: _number(text, name) for name, text in given.items() if text is not None}


def _number(text: str, field: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "").replace("_", ""))
    except InvalidOperation:
        raise InputError(f"{field} {text!r} is not a number", field=field) from None
    if not number.is_finite() or number < 0:
        raise InputError(f"{field} {text} is not a number of zero or more", field=field)
    return number
