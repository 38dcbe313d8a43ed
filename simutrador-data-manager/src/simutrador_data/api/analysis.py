"""How complete and how believable stored bars are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.api.dependencies import PROBLEMS, ServicesDep
from simutrador_data.api.parameters import known_parameters
from simutrador_data.models.analysis import CompletenessRequest, CompletenessResponse
from simutrador_data.models.quality import QualityRequest, QualityResponse
from simutrador_data.services.analysis.days import Days
from simutrador_data.services.analysis.filling import fill_symbols
from simutrador_data.services.analysis.judging import judge_symbols
from simutrador_data.services.analysis.quality.checking import (
    Wish,
    check_series,
    series_to_check,
)
from simutrador_data.services.analysis.quality.documents import checked_document
from simutrador_data.services.analysis.quality.names import parse_checks
from simutrador_data.services.analysis.quality.recorded_splits import recorded_splits
from simutrador_data.services.serving.ranges import parse_range
from simutrador_service.auth import Principal, require
from simutrador_service.errors import ForbiddenError
from simutrador_service.problems import BoundError, problem_answers

MOST_DETAILS: Final = 20_000
"""Sessions an answer lists at most, of all symbols together."""

FILLING: Final = "jobs:write"
"""What a caller needs to have gaps filled, here as by a job."""

router = APIRouter(
    tags=["Data Analysis"],
    responses={**PROBLEMS, **problem_answers(403, 502)},
    dependencies=[require("bars:read"), Depends(known_parameters)],
)


@router.post("/data-analysis/completeness")
@router.post("/nightly-update/data-completeness", deprecated=True)
async def post_completeness(
    http: Request, services: ServicesDep, request: CompletenessRequest
) -> CompletenessResponse:
    """Return how complete the minutes of some symbols are, each by its own exchange's calendar.

    Minutes that are absent with evidence that there was no trade are complete. A symbol of which
    nothing is stored is 0 % complete. `/trading-data/gaps` tells the reason of every gap.
    `auto_fill_gaps` asks the providers while the request waits (scope `jobs:write`); for more than
    a few gaps start the job `fill_gaps`.
    """
    symbols = list(dict.fromkeys(parse_symbol(symbol) for symbol in request.symbols))
    days = Days(request.start_date, request.end_date, datetime.now(UTC))
    if request.include_details:
        _check_details(len(symbols), days)
    fills = None
    if request.auto_fill_gaps:
        caller: Principal = http.state.principal
        if not caller.may(FILLING):
            raise ForbiddenError(
                f"filling gaps needs the scope {FILLING}; ask an admin for it, or leave "
                "auto_fill_gaps out"
            )
        fills = await fill_symbols(
            symbols,
            days,
            most=request.max_gap_fill_attempts,
            settings=services.settings,
            store=services.store,
            registry=services.registry,
        )
    return await run_in_threadpool(
        judge_symbols,
        services.store,
        services.registry,
        symbols,
        days,
        details=request.include_details,
        fills=fills,
    )


@router.post("/data-analysis/quality", response_model=QualityResponse)
def post_quality(services: ServicesDep, request: QualityRequest) -> Response:
    """Return what checks of the stored bars of some symbols find, each with its bars and limit.

    Series are checked as they are stored; `docs/quality.md` has the rules.
    """
    timeframe = None if request.timeframe is None else parse_timeframe(request.timeframe)
    wanted = parse_range(request.start, request.end)
    wish = Wish(parse_checks(request.checks), timeframe, request.adjustment, wanted)
    symbols = list(dict.fromkeys(parse_symbol(symbol) for symbol in request.symbols))
    actions = None if services.adjusted is None else services.adjusted.recorded
    found: list[dict[str, Any]] = []
    for series in series_to_check(services.store, symbols, wish):
        splits = recorded_splits(actions, series.symbol)
        checked = check_series(services.store, services.registry, series, wish, splits=splits)
        found.append(checked_document(checked, most=request.findings_per_series))
    document = {"passed": all(one["passed"] for one in found), "series": found}
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), media_type="application/json")


def _check_details(symbols: int, days: Days) -> None:
    sessions = symbols * ((days.last - days.first).days + 1)
    if sessions > MOST_DETAILS:
        raise BoundError(
            f"{symbols} symbols over these dates have up to {sessions} days of details, above the "
            f"limit of {MOST_DETAILS}; ask for fewer symbols or a shorter period",
            field="include_details",
            bound=f"le {MOST_DETAILS}",
        )
