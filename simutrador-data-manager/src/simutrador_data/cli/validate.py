"""`simutrador-data validate`: is every expected bar there, or its absence explained?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console

from simutrador_data.cli.ledgers import Selection, ledger_document, ledgers
from simutrador_data.cli.options import (
    AdjustmentOption,
    DataOption,
    EndOption,
    JunitOption,
    StartOption,
    SymbolsArgument,
    TimeframeOption,
)
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.services.validation.ledger import Ledger


def validate(
    symbols: SymbolsArgument = None,
    timeframe: TimeframeOption = None,
    start: StartOption = None,
    end: EndOption = None,
    adjustment: AdjustmentOption = None,
    junit: JunitOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Count expected and stored bars of each series; exit code 1 when a gap is unexplained."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        wanted = Selection(symbols, timeframe, adjustment, start, end)
        found = list(ledgers(session, wanted))
        explained = all(ledger.is_explained for ledger in found)
        if junit is not None:
            junit.write_bytes(_report(found))
        document = {"explained": explained, "series": [ledger_document(one) for one in found]}
        write(document, as_json=as_json, show=lambda console: show_ledgers(console, found))
        if not explained:
            raise typer.Exit(ExitCode.PROBLEMS)


def show_ledgers(console: Console, found: list[Ledger]) -> None:
    """Print a line for each series: expected, present, completeness, and why the rest is absent."""
    right = ["expected", "present", "complete"]
    shown = table("", ["series", *right, "absent because"], right=right)
    for ledger in found:
        shown.add_row(
            str(ledger.query.series),
            f"{ledger.expected:,}",
            f"{ledger.present:,}",
            percent(ledger.completeness),
            _reasons(ledger),
        )
    console.print(shown)
    unexplained = sum(not ledger.is_explained for ledger in found)
    if unexplained:
        console.print(
            f"[red]{unexplained} series with unexplained gaps[/]; see simutrador-data gaps"
        )
    else:
        console.print(f"[green]every absent bar of {len(found)} series has a reason[/]")


def percent(fraction: float) -> str:
    """Return a percentage with two decimals that says 100 only when nothing is absent."""
    return "100 %" if fraction == 1.0 else f"{min(fraction * 100, 99.99):.2f} %"


def _reasons(ledger: Ledger) -> str:
    parts = [
        f"{reason} {total.bars:,}" if total.bars else f"{reason} ({total.runs:,} x)"
        for reason, total in ledger.by_reason().items()
    ]
    strays = ledger.strays
    if strays.outside:
        parts.append(f"{strays.outside:,} bars outside hours")
    if strays.off_grid:
        parts.append(f"{strays.off_grid:,} bars off the grid")
    return ", ".join(parts) or "-"


def _report(found: list[Ledger]) -> bytes:
    from simutrador_core.models.enums import GapReason
    from simutrador_data.services.analysis.junit import Case, junit_report

    cases: list[Case] = []
    for ledger in found:
        failures: list[str] = []
        if not ledger.is_explained:
            failures = [
                f"{gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M}, {gap.expected} bars: "
                f"{gap.reason}: {gap.evidence}"
                for gap in ledger.gaps
                if gap.reason is GapReason.UNEXPLAINED
            ]
        note = f"{ledger.present} of {ledger.expected} bars; absent: {_reasons(ledger)}"
        cases.append(Case(str(ledger.query.series), "gaps", tuple(failures), (note,)))
    return junit_report("simutrador-data validate", cases)
