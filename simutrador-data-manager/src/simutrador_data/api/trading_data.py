"""Pages of candles and lists of symbols, in the documented shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from simutrador_core.errors import InvalidRangeError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.models.price_data import PaginationInfo, PriceDataSeries
from simutrador_data.api.dependencies import (
    PROBLEMS,
    ActionsAsOfParam,
    AdjustmentParam,
    PathSymbolDep,
    ServicesDep,
    TimeframeDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.api.sending import send
from simutrador_data.models.responses import SeriesEntry
from simutrador_data.services.serving.candle_text import candle_page
from simutrador_data.services.serving.paging import Page, read_page
from simutrador_data.services.serving.ranges import LATEST, Range, next_day, parse_bound
from simutrador_data.services.serving.reading import to_query
from simutrador_service.auth import require
from simutrador_service.problems import problem_answers

MAX_PAGE: Final = 1_000_000_000

router = APIRouter(
    prefix="/trading-data",
    tags=["Trading Data"],
    responses=problem_answers(422),
    dependencies=[require("bars:read"), Depends(known_parameters)],
)

DayText = Annotated[
    str | None,
    Query(
        description="A trading day, 2013-01-02; the time of an instant is dropped.", max_length=64
    ),
]


@router.get(
    "/data/{symbol:path}",
    response_model=PriceDataSeries,
    responses=PROBLEMS,
)
def get_data(
    request: Request,
    services: ServicesDep,
    symbol: PathSymbolDep,
    timeframe: TimeframeDep,
    start_date: DayText = None,
    end_date: DayText = None,
    order_by: Annotated[str, Query(description="`asc`; anything else is newest first.")] = "desc",
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    adjustment: AdjustmentParam = Adjustment.RAW,
    actions_as_of: ActionsAsOfParam = None,
) -> Response:
    """Return one page of candles; `end_date` is included.

    Prices are decimal text at full precision. For many bars `/trading-data/bars` is far faster.
    """
    query = replace(
        to_query(
            SeriesKey(symbol, timeframe, adjustment),
            _whole_days(start_date, end_date),
            registry=services.registry,
        ),
        actions_as_of=actions_as_of,
    )
    newest_first = order_by != "asc"
    found = read_page(
        services.bars, query, page=page, page_size=page_size, newest_first=newest_first
    )
    pagination = _pagination(found, page=page, page_size=page_size)
    body = candle_page(found.bars, pagination, newest_first=newest_first)
    headers = {"Cache-Control": "no-cache"}
    return send(request, iter([body]), media_type="application/json", headers=headers)


@router.get("/symbols")
def get_symbols(services: ServicesDep, timeframe: TimeframeDep) -> list[str]:
    """Return the symbols stored in a timeframe, sorted."""
    return sorted({info.symbol for info in services.store.symbols(timeframe)})


@router.get("/series", response_model=list[SeriesEntry])
def get_series(services: ServicesDep, request: Request) -> Response:
    """Return every series that can be read: its first and last bar and how many there are.

    `X-As-Of` names the newest version, which has all of them.
    """
    entries = [
        {
            "symbol": info.symbol,
            "timeframe": info.series.timeframe,
            "adjustment": info.series.adjustment,
            "rows": info.rows,
            "first": info.first,
            "last": info.last,
            "first_session": info.first_session,
            "last_session": info.last_session,
            "derived": info.derived,
        }
        for info in services.bars.symbols()
    ]
    body = orjson.dumps(entries, option=orjson.OPT_UTC_Z)
    headers = {"Cache-Control": "no-cache", "X-As-Of": str(services.store.latest_commit())}
    return send(request, iter([body]), media_type="application/json", headers=headers)


def _whole_days(start: str | None, end: str | None) -> Range:
    """Return the range of two days, both included; a time of day in either is dropped."""
    first = parse_bound(start[:10], field="start_date") if start else None
    last = parse_bound(end[:10], field="end_date") if end else None
    if first is not None and last is not None and first > last:
        raise InvalidRangeError(f"start_date {first} is after end_date {last}", field="start_date")
    return Range(first, None if last is None or last == LATEST else next_day(last))


def _pagination(found: Page, *, page: int, page_size: int) -> PaginationInfo:
    pages = -(-found.total // page_size)
    return PaginationInfo(
        page=page,
        page_size=page_size,
        total_items=found.total,
        total_pages=pages,
        has_next=page < pages,
        has_previous=page > 1,
    )
