"""`simutrador-data quality`: can the stored bars be believed?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import (
    AdjustmentOption,
    DataOption,
    EndOption,
    JunitOption,
    StartOption,
    SymbolsArgument,
    TimeframeOption,
)
from simutrador_data.cli.parsing import parse_adjustment
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import Session, adjusting_bars, open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.bars import SeriesKey
    from simutrador_data.services.analysis.quality.checking import Checked, Wish
    from simutrador_data.services.analysis.quality.findings import Finding


def quality(
    symbols: SymbolsArgument = None,
    timeframe: TimeframeOption = None,
    start: StartOption = None,
    end: EndOption = None,
    adjustment: AdjustmentOption = None,
    check: Annotated[
        list[str] | None, typer.Option(metavar="CHECK", help="Only this check; repeatable.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER", help="Ask this provider too, and compare its bars."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show; --json holds all.")] = 50,
    junit: JunitOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check stored bars for errors of their source; exit code 1 when a check fails.

    Exit code 3 when the provider of --against did not give all it was asked for.
    """
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_data.services.analysis.quality.documents import checked_document

        wish = _wish(timeframe, (start, end), adjustment, check)
        found: list[Checked] = []
        is_whole = True
        for checked in _checked(session, symbols, wish):
            if against is None:
                found.append(checked)
                continue
            compared, gave_all = asyncio.run(_compared(session, checked, wish, against))
            found.append(compared)
            is_whole = is_whole and gave_all
        documents = [checked_document(one) for one in found]
        passed = all(document["passed"] for document in documents)
        if junit is not None:
            junit.write_bytes(_report(found))
        write(
            {"passed": passed, "whole": is_whole, "series": documents},
            as_json=as_json,
            show=lambda console: show_findings(console, found, limit),
        )
        if not passed:
            raise typer.Exit(ExitCode.PROBLEMS)
        if not is_whole:
            raise typer.Exit(ExitCode.PARTLY)


def show_findings(console: Console, found: list[Checked], limit: int) -> None:
    """Print a line for each finding, then the sums."""
    shown = table("", ["series", "from", "check", "bars", "figure", "limit", "rule"])
    rows = [(one, finding) for one in found for finding in one.findings]
    for one, finding in rows[:limit]:
        mark = "[yellow]" if finding.severity == "warning" else "[red]"
        shown.add_row(
            str(one.series),
            _time(finding),
            f"{mark}{finding.check}[/]",
            f"{len(finding.bars):,}",
            f"{finding.figure:.4g}",
            f"{finding.limit:g}",
            escape(finding.rule),
        )
    if rows:
        console.print(shown)
    errors = sum(finding.severity == "error" for _, finding in rows)
    bars = sum(one.bars for one in found)
    left = f", {len(rows) - limit:,} not shown" if len(rows) > limit else ""
    console.print(
        f"{bars:,} bars of {len(found)} series: {errors:,} errors, {len(rows) - errors:,} "
        f"warnings{left}"
    )


def _wish(
    timeframe: str | None,
    ends: tuple[str | None, str | None],
    adjustment: str | None,
    checks: list[str] | None,
) -> Wish:
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_data.services.analysis.quality.checking import Wish
    from simutrador_data.services.analysis.quality.names import parse_checks
    from simutrador_data.services.serving.ranges import parse_range

    return Wish(
        parse_checks(checks),
        None if timeframe is None else parse_timeframe(timeframe),
        parse_adjustment(adjustment),
        parse_range(*ends),
    )


def _checked(session: Session, symbols: list[str] | None, wish: Wish) -> Iterator[Checked]:
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.analysis.quality.checking import check_series, series_to_check
    from simutrador_data.services.analysis.quality.recorded_splits import recorded_splits

    names = list(dict.fromkeys(parse_symbol(symbol) for symbol in symbols or []))
    keys: list[SeriesKey] = series_to_check(session.store, names, wish)
    waiting = progress()
    waiting.start(len(keys), "series", "Checking")
    with adjusting_bars(session) as adjusted:
        try:
            for done, key in enumerate(keys):
                waiting.advance(done, str(key))
                splits = recorded_splits(adjusted.recorded, key.symbol)
                yield check_series(session.store, session.registry, key, wish, splits=splits)
        finally:
            waiting.finish()


async def _compared(
    session: Session, checked: Checked, wish: Wish, against: str
) -> tuple[Checked, bool]:
    """Return what was found together with what differs from a provider, and whether it gave all."""
    from datetime import UTC, datetime

    from simutrador_data.services.analysis.quality.checking import query_of
    from simutrador_data.services.analysis.quality.cross_vendor import (
        compare_with,
        vendor_findings,
    )
    from simutrador_data.services.analysis.quality.findings import Check
    from simutrador_data.services.comparing.accounts import Fetching
    from simutrador_data.services.opening_providers import opened_providers

    query = query_of(session.store, session.registry, checked.series, wish.range)
    fetching = Fetching(session.registry, lambda: datetime.now(UTC))
    async with opened_providers(
        [against], session.settings, registry=session.registry
    ) as providers:
        comparison = await compare_with(providers[0], query, store=session.store, fetching=fetching)
    together = replace(
        checked,
        checks=(*checked.checks, Check.CROSS_VENDOR),
        findings=(*checked.findings, *vendor_findings(comparison)),
    )
    return together, comparison.is_whole


def _report(found: list[Checked]) -> bytes:
    from simutrador_data.services.analysis.junit import Case, junit_report

    cases: list[Case] = []
    for one in found:
        for check in one.checks:
            mine = [finding for finding in one.findings if finding.check is check]
            failures = tuple(_line(f) for f in mine if f.severity == "error")
            notes = tuple(_line(f) for f in mine if f.severity == "warning")
            cases.append(Case(str(one.series), str(check), failures, notes))
    return junit_report("simutrador-data quality", cases)


def _line(finding: Finding) -> str:
    return (
        f"{_time(finding)}, {len(finding.bars)} bars: {finding.figure:.4g} is above "
        f"{finding.limit:g}: {finding.rule}"
    )


def _time(finding: Finding) -> str:
    from simutrador_core.models.bars import from_us

    if finding.bars.sessions is not None and not finding.bars.timeframe.is_intraday:
        return str(finding.bars.sessions[0])
    return f"{from_us(int(finding.bars.opened_at[0])):%Y-%m-%d %H:%M}"
