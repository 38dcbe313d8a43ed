"""`simutrador-data gaps`: every absent run with its one reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.ledgers import Selection, gap_document, ledger_document, ledgers
from simutrador_data.cli.options import (
    AdjustmentOption,
    DataOption,
    EndOption,
    StartOption,
    SymbolsArgument,
    TimeframeOption,
)
from simutrador_data.cli.parsing import parse_reason
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.enums import GapReason
    from simutrador_data.services.serving.gap_spans import GapSpan
    from simutrador_data.services.validation.ledger import Ledger

COLOURS: Final = {
    "closed": "dim",
    "not_listed": "dim",
    "delisted": "dim",
    "halted": "cyan",
    "no_trade": "cyan",
    "vendor_hole": "yellow",
    "not_fetched": "magenta",
    "unexplained": "bold red",
}


def gaps(
    symbols: SymbolsArgument = None,
    timeframe: TimeframeOption = None,
    start: StartOption = None,
    end: EndOption = None,
    adjustment: AdjustmentOption = None,
    reason: Annotated[
        list[str] | None, typer.Option(metavar="REASON", help="Only this reason; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show; --json holds every run.")] = 50,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List every gap with its reason; exit code 1 when one is unexplained."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        reasons = {parse_reason(text) for text in reason or []}
        found = list(ledgers(session, Selection(symbols, timeframe, adjustment, start, end)))
        wanted = [
            gap for ledger in found for gap in ledger.gaps if not reasons or gap.reason in reasons
        ]
        explained = all(ledger.is_explained for ledger in found)
        document = {
            "explained": explained,
            "series": [ledger_document(ledger) for ledger in found],
            "gaps": [gap_document(gap) for gap in wanted],
        }
        write(document, as_json=as_json, show=lambda console: _show(console, found, reasons, limit))
        if not explained:
            raise typer.Exit(ExitCode.PROBLEMS)


def _show(console: Console, found: list[Ledger], reasons: set[GapReason], limit: int) -> None:
    from simutrador_data.services.serving.gap_spans import joined_gaps

    spans = [span for ledger in found for span in joined_gaps(ledger)]
    show_gaps(console, [s for s in spans if not reasons or s.gap.reason in reasons], limit)


def show_gaps(console: Console, spans: list[GapSpan], limit: int) -> None:
    """Print the first `limit` gaps, joined where they follow each other, and how many are left."""
    columns = ["symbol", "timeframe", "sessions", "from (UTC)", "to (UTC)", "bars", "reason"]
    shown = table("", [*columns, "evidence"], right=["bars"])
    for span in spans[:limit]:
        gap = span.gap
        shown.add_row(
            gap.symbol,
            str(gap.timeframe),
            span.days,
            f"{gap.start:%Y-%m-%d %H:%M}",
            f"{gap.end:%Y-%m-%d %H:%M}",
            f"{gap.expected:,}" if gap.expected else "-",
            f"[{COLOURS[gap.reason]}]{gap.reason}[/]",
            escape(gap.evidence),
        )
    console.print(shown)
    hidden = len(spans) - limit
    if hidden > 0:
        console.print(f"{hidden:,} more; --limit {len(spans)} shows them, --reason picks")
    elif not spans:
        console.print("no gaps")
