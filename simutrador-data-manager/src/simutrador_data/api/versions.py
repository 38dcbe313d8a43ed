"""Which versions a series has, and what changed between two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from simutrador_core.errors import InputError
from simutrador_core.interfaces.storage import Commit
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_data.api.dependencies import (
    PROBLEMS,
    AdjustmentParam,
    BoundText,
    PathSymbolDep,
    ServicesDep,
    TimeframeDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.api.sending import send
from simutrador_data.models.responses import CommitEntry, DifferencePage, History
from simutrador_data.services.serving.differences import difference_page
from simutrador_data.services.serving.ranges import parse_range
from simutrador_data.services.serving.reading import explain_unknown, explained, to_query
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_service.auth import require

MOST_COMMITS: Final = 1_000_000
"""Older commits than the newest so many are not paged through."""
MOST_CHANGES: Final = 65_536

router = APIRouter(
    prefix="/trading-data",
    tags=["Versions"],
    responses=PROBLEMS,
    dependencies=[require("bars:read"), Depends(known_parameters)],
)

_VERSION: Final = 2**62


@router.get("/history/{symbol:path}")
def get_history(
    services: ServicesDep,
    symbol: PathSymbolDep,
    timeframe: TimeframeDep,
    page: Annotated[int, Query(ge=1, le=MOST_COMMITS // 100)] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> History:
    """Return the commits that touched a symbol and timeframe, newest first.

    Each is a version: give its `id` as `as_of` to read the bars as they stood then.
    """
    last = page * page_size
    # One more than the page ends with says whether another follows; older ones are not looked at.
    found = services.store.history(symbol, timeframe, newest=last + 1)
    if not found:
        raise explain_unknown(services.store, SeriesKey(symbol, timeframe))
    newest_first = found[::-1]
    return History(
        symbol=symbol,
        timeframe=timeframe,
        page=page,
        page_size=page_size,
        has_next=len(found) > last,
        commits=[_entry(one, symbol) for one in newest_first[last - page_size : last]],
    )


@router.get("/diff/{symbol:path}", response_model=DifferencePage)
def get_difference(
    request: Request,
    services: ServicesDep,
    symbol: PathSymbolDep,
    timeframe: TimeframeDep,
    from_commit: Annotated[
        int, Query(ge=0, le=_VERSION, description="The earlier version; 0 is the empty store.")
    ],
    to_commit: Annotated[
        int | None, Query(ge=0, le=_VERSION, description="The later one; the newest by default.")
    ] = None,
    start: BoundText = None,
    end: BoundText = None,
    adjustment: AdjustmentParam = Adjustment.RAW,
    page_size: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = 1000,
) -> Response:
    """Return the bars that were added, removed and changed between two versions, as columns.

    In time order, `page_size` at a time: where more follow, `next_start` is the `start` to go on
    with, at the same `to_commit`.
    """
    store = services.store
    if not isinstance(store, LocalBars):
        raise InputError("this store compares no versions; read both with as_of", field="to_commit")
    later = store.latest_commit() if to_commit is None else to_commit
    key = SeriesKey(symbol, timeframe, adjustment)
    query = to_query(key, parse_range(start, end), registry=services.registry)
    with explained(store, [query]):
        parts = store.diff(replace(query, as_of=later), from_commit=from_commit)
        page = difference_page(parts, key, from_commit=from_commit, to_commit=later, most=page_size)
    body = orjson.dumps(page, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z)
    headers = {"Cache-Control": "no-cache", "X-As-Of": str(later)}
    return send(request, iter([body]), media_type="application/json", headers=headers)


def _entry(commit: Commit, symbol: str) -> CommitEntry:
    own: list[Any] = [
        {"timeframe": key.timeframe, "adjustment": key.adjustment}
        for key in commit.series
        if key.symbol == symbol
    ]
    return CommitEntry(
        id=commit.id,
        at=commit.at,
        series=own,
        other_series=len(commit.series) - len(own),
        added=commit.added,
        replaced=commit.replaced,
        removed=commit.removed,
        source=commit.source,
        request=commit.request,
        fetched_at=commit.fetched_at,
        code_version=commit.code_version,
    )
