"""What is absent from a series and why, and how complete each session is."""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Depends, Query

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, GapReason
from simutrador_data.api.dependencies import (
    PROBLEMS,
    AdjustmentParam,
    BoundText,
    Services,
    ServicesDep,
    SymbolDep,
    TimeframeDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.models.responses import (
    Closure,
    CoverageColumns,
    GapEntry,
    GapGrouping,
    GapLedger,
    LedgerSummary,
    ReasonCount,
)
from simutrador_data.services.serving.gap_spans import GapSpan, joined_gaps, spans_of
from simutrador_data.services.serving.ledgers import ledger_of
from simutrador_data.services.serving.ranges import parse_range
from simutrador_data.services.validation.ledger import EXCUSED, Ledger
from simutrador_data.services.validation.reasons import PRECEDENCE, code_of
from simutrador_service.auth import require

_EXCUSED_CODES: Final = [code_of(reason) for reason in EXCUSED]

router = APIRouter(
    prefix="/trading-data",
    tags=["Validation"],
    responses=PROBLEMS,
    dependencies=[require("bars:read"), Depends(known_parameters)],
)


@router.get("/gaps")
def get_gaps(
    services: ServicesDep,
    symbol: SymbolDep,
    timeframe: TimeframeDep,
    start: BoundText = None,
    end: BoundText = None,
    adjustment: AdjustmentParam = Adjustment.RAW,
    reason: Annotated[
        list[GapReason] | None, Query(description="Only these reasons; may be repeated.")
    ] = None,
    group: Annotated[
        GapGrouping, Query(description="`span` joins runs that follow each other.")
    ] = GapGrouping.RUN,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> GapLedger:
    """Return every absent run with its one reason, and the counts they add up to.

    Without `start` and `end` the range is that of the stored bars. A holiday or an early close is
    `closed`, with its name as evidence.
    """
    ledger = _ledger(services, SeriesKey(symbol, timeframe, adjustment), (start, end))
    spans = joined_gaps(ledger) if group is GapGrouping.SPAN else spans_of(ledger.gaps)
    wanted = [span for span in spans if not reason or span.gap.reason in reason]
    first = (page - 1) * page_size
    return GapLedger(
        summary=summary_of(ledger, services),
        total=len(wanted),
        page=page,
        page_size=page_size,
        gaps=[gap_entry(span) for span in wanted[first : first + page_size]],
    )


@router.get("/coverage")
def get_coverage(
    services: ServicesDep,
    symbol: SymbolDep,
    timeframe: TimeframeDep,
    start: BoundText = None,
    end: BoundText = None,
    adjustment: AdjustmentParam = Adjustment.RAW,
) -> CoverageColumns:
    """Return bars expected and stored per session, as columns, with the days that were closed."""
    ledger = _ledger(services, SeriesKey(symbol, timeframe, adjustment), (start, end))
    counts = ledger.counts
    # The reason most bars of a session are absent for; none where every bar is there.
    leading: list[int] = np.argmax(counts.reasons, axis=1).tolist()
    absent = (counts.reasons.sum(axis=1) > 0).tolist()
    return CoverageColumns(
        summary=summary_of(ledger, services),
        session=counts.sessions.tolist(),
        expected=counts.expected.tolist(),
        present=counts.present.tolist(),
        excused=counts.reasons[:, _EXCUSED_CODES].sum(axis=1).tolist(),
        reason=[
            PRECEDENCE[code] if lacks else None for code, lacks in zip(leading, absent, strict=True)
        ],
        closures=[Closure(session=one.session, name=one.name) for one in ledger.closures],
    )


def summary_of(ledger: Ledger, services: Services) -> LedgerSummary:
    """Return the counts of a ledger."""
    query = ledger.query
    return LedgerSummary(
        symbol=query.symbol,
        timeframe=query.timeframe,
        adjustment=query.adjustment,
        calendar=services.registry.get(query.symbol).calendar,
        alignment=ledger.alignment,
        start=query.start,
        end=query.end,
        rows=ledger.rows,
        expected=ledger.expected,
        present=ledger.present,
        completeness=ledger.completeness,
        is_explained=ledger.is_explained,
        reasons={
            str(reason): ReasonCount(bars=total.bars, runs=total.runs)
            for reason, total in ledger.by_reason().items()
        },
        outside_hours=ledger.strays.outside,
        off_grid=ledger.strays.off_grid,
    )


def gap_entry(span: GapSpan) -> GapEntry:
    """Return a gap as it stands on the wire."""
    gap = span.gap
    return GapEntry(
        symbol=gap.symbol,
        timeframe=gap.timeframe,
        session=gap.session,
        last_session=span.last_session,
        start=gap.start,
        end=gap.end,
        expected=gap.expected,
        runs=span.runs,
        reason=gap.reason,
        evidence=gap.evidence,
    )


def _ledger(services: Services, key: SeriesKey, ends: tuple[str | None, str | None]) -> Ledger:
    return ledger_of(services.store, key, parse_range(*ends), registry=services.registry)
