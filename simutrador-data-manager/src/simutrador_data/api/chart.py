"""Bars for a chart: never more points than asked for, whatever the range."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_data.api.dependencies import (
    PROBLEMS,
    AdjustmentParam,
    BoundText,
    ServicesDep,
    SymbolDep,
    TimeframeDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.api.sending import send
from simutrador_data.models.responses import ChartColumns
from simutrador_data.services.serving.level_of_detail import to_points
from simutrador_data.services.serving.ranges import parse_range
from simutrador_data.services.serving.reading import read_bars, to_query
from simutrador_data.services.serving.text_formats import columns
from simutrador_service.auth import require

router = APIRouter(
    prefix="/trading-data",
    tags=["Web page"],
    dependencies=[require("bars:read"), Depends(known_parameters)],
)


@router.get("/chart", response_model=ChartColumns, responses=PROBLEMS)
def get_chart(
    request: Request,
    services: ServicesDep,
    symbol: SymbolDep,
    timeframe: TimeframeDep,
    start: BoundText = None,
    end: BoundText = None,
    adjustment: AdjustmentParam = Adjustment.RAW,
    points: Annotated[
        int, Query(ge=1, le=10_000, description="Most points wanted: the width in pixels.")
    ] = 1000,
) -> Response:
    """Return the bars that open in `[start, end)`, joined where there are more than `points`.

    A point has the first open, the highest high, the lowest low, the last close and the sum of the
    volumes of its bars.
    """
    key = SeriesKey(symbol, timeframe, adjustment)
    query = to_query(key, parse_range(start, end), registry=services.registry)
    found = to_points(read_bars(services.bars, query), most=points)
    answer = {
        "symbol": symbol,
        "timeframe": timeframe,
        "adjustment": adjustment,
        "bars_per_point": found.bars_per_point,
        "total_bars": found.total,
        "ended_at": found.ends,
        **columns(found.bars),
    }
    body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {"Cache-Control": "no-cache"}
    return send(request, iter([body]), media_type="application/json", headers=headers)
