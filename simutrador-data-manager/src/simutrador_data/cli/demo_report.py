"""How the demo shows what it found: five short sections for people, one document for programs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from simutrador_core.interfaces.data_provider import CorporateAction
from simutrador_core.models.enums import GapReason
from simutrador_data.cli.gaps import COLOURS
from simutrador_data.cli.ledgers import gap_document, ledger_document
from simutrador_data.cli.resample import resample_document
from simutrador_data.cli.validate import show_ledgers
from simutrador_data.demo.tour import STOCKS, Tour
from simutrador_data.services.serving.gap_spans import GapSpan, joined_gaps
from simutrador_service.cli import table

# Closures that come back every year are counted; the others are told one by one.
YEARLY: Final = 5


def show_tour(console: Console, tour: Tour) -> None:
    """Print the tour."""
    _heading(console, 1, "Import: real bars that come with this package")
    for file in tour.imported.files:
        stored = f"{file.added:,} bars stored" if file.added else "already stored"
        described = file.description
        kind = f" {described.timeframe}, {' and '.join(described.adjustments)}" if described else ""
        console.print(f"   {Path(file.path).name}:{kind}; {file.rows:,} rows, {stored}")
    _heading(console, 2, "Validate: every bar the exchange's calendar expects")
    show_ledgers(console, tour.ledgers)
    _heading(console, 3, "Gap ledger: every absent bar has one reason")
    _show_gaps(console, tour)
    _heading(console, 4, "Splits: found where raw and adjusted prices part")
    for split in tour.splits:
        console.print(f"   {split.effective}  {split.symbol:5} {split_text(split)}")
    _heading(console, 5, "Resample: on the exchange's sessions, whole bars only")
    for symbol, report in tour.resampled.items():
        made = ", ".join(f"{one.bars:,} {one.timeframe}" for one in report.results)
        console.print(f"   {symbol:8} {report.source} -> {made}")


def tour_document(tour: Tour, *, store: Path) -> dict[str, Any]:
    """Return the tour as plain values."""
    return {
        "store": str(store),
        "import": tour.imported.to_json(),
        "series": [ledger_document(ledger) for ledger in tour.ledgers],
        "gaps": [
            gap_document(span.gap) | {"last_session": span.last_session, "runs": span.runs}
            for ledger in tour.ledgers
            for span in joined_gaps(ledger)
        ],
        "splits": [
            {
                "symbol": split.symbol,
                "effective": split.effective,
                "ratio": str(split.ratio),
                "text": split_text(split),
            }
            for split in tour.splits
        ],
        "resampled": [resample_document(report) for report in tour.resampled.values()],
    }


def split_text(split: CorporateAction) -> str:
    """Return a split in words: `2-for-1 split`, `1-for-10 reverse split`."""
    if split.ratio is None:
        return str(split.kind)
    new, old = split.ratio.as_integer_ratio()
    return f"{new}-for-{old} {'split' if new > old else 'reverse split'}"


def _heading(console: Console, number: int, text: str) -> None:
    console.print(f"\n[bold]{number}. {text}[/]")


def _show_gaps(console: Console, tour: Tour) -> None:
    shown = table("", ["days", "symbol", "bars", "reason", "evidence"], right=["bars"])
    spans = _distinct(tour)
    named = Counter(span.gap.evidence for span in spans if _is_for_all_stocks(span))
    for span in spans:
        gap, everyone = span.gap, _is_for_all_stocks(span)
        if everyone and named[gap.evidence] >= YEARLY:
            continue
        shown.add_row(
            span.days,
            "stocks" if everyone else gap.symbol,
            f"{gap.expected:,}" if gap.expected else "-",
            f"[{COLOURS[gap.reason]}]{gap.reason}[/]",
            gap.evidence,
        )
    console.print(shown)
    yearly = [f"{name} ({count} x)" for name, count in named.items() if count >= YEARLY]
    console.print(f"stocks were also closed for {', '.join(yearly)}")


def _is_for_all_stocks(span: GapSpan) -> bool:
    return span.gap.reason is GapReason.CLOSED and span.gap.symbol in STOCKS


def _distinct(tour: Tour) -> list[GapSpan]:
    """Return the gaps of all series by start; what one exchange's stocks share, once."""
    found: dict[tuple[Any, ...], GapSpan] = {}
    for ledger in tour.ledgers:
        for span in joined_gaps(ledger):
            gap = span.gap
            whose = "" if _is_for_all_stocks(span) else gap.symbol
            found.setdefault((gap.start, gap.end, gap.reason, gap.evidence, whose), span)
    return sorted(found.values(), key=lambda span: span.gap.start)
