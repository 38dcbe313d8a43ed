"""The web pages: what is stored, how complete it is, and each series at a glance.

Pages are rendered here; what they draw they ask of the same REST interface that programs use.
"""

from __future__ import annotations

from shlex import quote
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from simutrador_core.errors import InputError, SimutradorError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_data.api.dependencies import PathSymbolDep, Services, ServicesDep
from simutrador_data.api.gaps import summary_of
from simutrador_data.models.responses import LedgerSummary
from simutrador_data.services.serving.ledgers import ledger_of
from simutrador_data.services.serving.ranges import Range
from simutrador_data.web.facts import read_facts
from simutrador_data.web.listing import Wish, list_series, to_row
from simutrador_data.web.splits import stored_splits
from simutrador_data.web.summaries import Summaries
from simutrador_service.auth import require
from simutrador_service.web import PageRoute, SharedPageRoute, pages_of

MOST_ROWS: Final = 50

_READS: Final = [require("bars:read")]

shared_router = APIRouter(route_class=SharedPageRoute, include_in_schema=False, dependencies=_READS)
router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=_READS)


@shared_router.get("/")
def overview(
    request: Request,
    services: ServicesDep,
    q: str = "",
    sort: str = "",
    order: str = "",
    page_number: Annotated[str, Query(alias="page")] = "1",
) -> HTMLResponse:
    """Show the stored series, a page at a time."""
    wish = Wish.read(q, sort, order, page_number)
    listing = list_series(services.store.symbols(), services.registry, wish)
    summaries = _summaries(request, services)
    known = {row.id: summaries.known(row.info.series) for row in listing.rows}
    folder = quote(str(services.settings.data_storage.root))
    return pages_of(request).page(
        "overview.html",
        here="/",
        listing=listing,
        known=known,
        most_rows=MOST_ROWS,
        folder=folder,
    )


@router.get("/pages/rows")
def rows(
    request: Request,
    services: ServicesDep,
    series: Annotated[list[str], Query(min_length=1, max_length=MOST_ROWS)],
) -> HTMLResponse:
    """Return rows of the overview with their completeness, for the page to put in place."""
    stored = (to_row(info, services.registry) for info in services.store.symbols())
    held = {row.id: row for row in stored}
    shown = [held[name] for name in series if name in held]
    summaries = _summaries(request, services)
    known: dict[str, LedgerSummary] = {}
    failed: dict[str, str] = {}
    for row in shown:
        try:
            known[row.id] = summaries.of(row.info.series)
        except SimutradorError as e:
            failed[row.id] = str(e)
    return pages_of(request).page("rows.html", rows=shown, known=known, failed=failed)


@router.get("/symbols/{symbol:path}")
def symbol_page(
    request: Request,
    services: ServicesDep,
    symbol: PathSymbolDep,
    timeframe: str = "",
    adjustment: str = "",
) -> HTMLResponse:
    """Show one series: its coverage, its bars and its gaps."""
    facts = read_facts(
        services.store,
        services.registry,
        symbol,
        timeframe=parse_timeframe(timeframe) if timeframe else None,
        adjustment=_adjustment(adjustment or Adjustment.RAW),
    )
    splits = stored_splits(services.store, symbol)
    return pages_of(request).page("symbol.html", facts=facts, splits=splits)


def _summaries(request: Request, services: Services) -> Summaries:
    """Return the summaries of the running application, made at first use."""
    kept: Summaries | None = getattr(request.app.state, "summaries", None)
    if kept is None:

        def judge(key: SeriesKey) -> LedgerSummary:
            ledger = ledger_of(services.store, key, Range(), registry=services.registry)
            return summary_of(ledger, services)

        kept = request.app.state.summaries = Summaries(judge, services.store)
    return kept


def _adjustment(text: str) -> Adjustment:
    if text not in set(Adjustment):
        raise InputError(
            f"adjustment {text[:40]!r} is none of {', '.join(Adjustment)}", field="adjustment"
        )
    return Adjustment(text)
