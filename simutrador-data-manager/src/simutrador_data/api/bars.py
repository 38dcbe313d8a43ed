"""Many bars at once: columns as JSON, Arrow, CSV or Parquet, streamed in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator
from starlette.concurrency import run_in_threadpool

from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.api.dependencies import (
    PROBLEMS,
    ActionsAsOfParam,
    AdjustmentParam,
    BoundText,
    Services,
    ServicesDep,
    TimeframeDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.api.sending import head_only, send
from simutrador_data.models.responses import BarColumns
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.formats import (
    MEDIA_TYPES,
    SUFFIXES,
    ExportFormat,
    write_parts,
)
from simutrador_data.services.serving.ranges import parse_range
from simutrador_data.services.serving.reading import (
    Extent,
    extent_of,
    pinned,
    read_small,
    stream_parts,
    to_answer,
    to_query,
)
from simutrador_service.auth import require
from simutrador_service.problems import BoundError
from simutrador_service.web import HEAD_ASKED, matches

MAX_SYMBOLS: Final = 500
SMALL_SYMBOLS: Final = 8
SMALL_ROWS: Final = 65_536
"""Answers of more symbols or bars than this are made among the long work."""

router = APIRouter(
    prefix="/trading-data",
    tags=["Trading Data"],
    dependencies=[require("bars:read"), Depends(known_parameters)],
)

_EXAMPLE: Final = {
    "timeframe": "daily",
    "adjustment": "raw",
    "dataset_id": "5f0c7be1f8a2c7d1b8f3f1f4e7b9a6d2c3e4f5061728394a5b6c7d8e9fa0b1c2",
    "as_of": 1,
    "series": [
        {
            "symbol": "AAPL",
            "opened_at": [1357137000000000, 1357223400000000],
            "session": ["2013-01-02", "2013-01-03"],
            "open": [553.82, 547.88],
            "high": [555.0, 549.67],
            "low": [541.63, 541.0],
            "close": [549.03, 542.1],
            "volume": [20018500.0, 12605900.0],
        }
    ],
}

_CONTENT: Final[dict[str, Any]] = {
    "application/json": {"example": _EXAMPLE},
    MEDIA_TYPES[ExportFormat.ARROW]: {"schema": {"type": "string", "format": "binary"}},
    "text/csv": {"schema": {"type": "string"}},
    MEDIA_TYPES[ExportFormat.PARQUET]: {"schema": {"type": "string", "format": "binary"}},
}


@router.get(
    "/bars",
    response_model=BarColumns,
    responses={
        200: {"description": "The bars, in the format asked for", "content": _CONTENT},
        304: {"description": "Nothing changed since the answer with that ETag"},
        **PROBLEMS,
    },
)
async def get_bars(
    request: Request,
    services: ServicesDep,
    symbols: Annotated[
        list[str],
        Query(description="Symbols, separated by commas or repeated.", examples=["AAPL,MSFT"]),
    ],
    timeframe: TimeframeDep,
    start: BoundText = None,
    end: BoundText = None,
    adjustment: AdjustmentParam = Adjustment.RAW,
    actions_as_of: ActionsAsOfParam = None,
    as_of: Annotated[
        int | None,
        BeforeValidator(lambda text: text or None),  # a form sends an empty text for nothing
        Query(ge=1, le=2**62, description="A commit id: read that version."),
    ] = None,
    format: Annotated[  # noqa: A002 - the documented name
        ExportFormat, Query(description="How to write the bars.")
    ] = ExportFormat.JSON,
) -> Response:
    """Return the bars that open in `[start, end)` as columns, symbol after symbol, oldest first.

    All rows are of one version of the store, `X-As-Of`; their hash is in `dataset_id`,
    `X-Dataset-Id` and `ETag`.
    """

    def ask() -> list[BarQuery]:
        wanted = parse_range(start, end)
        queries = [
            replace(
                to_query(
                    SeriesKey(symbol, timeframe, adjustment), wanted, registry=services.registry
                ),
                actions_as_of=actions_as_of,
            )
            for symbol in parse_symbols(symbols)
        ]
        return _of_version(services, queries, as_of)

    def answer_if_small() -> Response | list[BarQuery]:
        queries = ask()
        if len(queries) > SMALL_SYMBOLS:
            return queries
        small = read_small(services.store, queries, ids=services.ids, most_rows=SMALL_ROWS)
        if small is not None:
            return _send(small.head, small.commit, small.bars, format, request)
        extents = [extent_of(services.bars, query) for query in queries]
        if sum(extent.rows for extent in extents) > SMALL_ROWS:
            return queries
        return _answer(services, queries, extents, format, request)

    found = await services.turns.run(answer_if_small)
    if isinstance(found, Response):
        return found
    return await run_in_threadpool(_answer, services, found, None, format, request)


def parse_symbols(texts: list[str]) -> list[str]:
    """Return the symbols of comma-separated or repeated parameters, each once, in order.

    Raises:
        InvalidSymbolError: one is no symbol.
        BoundError: none is named, or too many are.
    """
    names = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not names:
        raise BoundError(
            "symbols names no symbol; give at least one", field="symbols", bound="ge 1"
        )
    if len(names) > MAX_SYMBOLS:
        raise BoundError(
            f"symbols names {len(names)} symbols, above the limit of {MAX_SYMBOLS} a request",
            field="symbols",
            bound=f"le {MAX_SYMBOLS}",
        )
    return list(dict.fromkeys(parse_symbol(name) for name in names))


def _of_version(services: Services, queries: list[BarQuery], as_of: int | None) -> list[BarQuery]:
    if as_of is None:
        # What changes raw bars is known without looking through the corporate actions.
        is_raw = queries[0].adjustment is Adjustment.RAW
        return pinned(services.store if is_raw else services.bars, queries)
    return [replace(query, as_of=as_of) for query in queries]


def _answer(
    services: Services,
    queries: list[BarQuery],
    extents: list[Extent] | None,
    to: ExportFormat,
    request: Request,
) -> Response:
    head = to_answer(services.bars, queries, ids=services.ids)
    if extents is None:
        extents = [extent_of(services.bars, query) for query in queries]
    newest = max(extent.commit for extent in extents)
    parts = stream_parts(services.bars, queries, extents=extents)
    return _send(head, newest, parts, to, request)


def _send(
    head: Answer, newest: int, parts: Iterable[Bars], to: ExportFormat, request: Request
) -> Response:
    etag = f'"{head.dataset_id}-{newest}-{to}"'
    headers = {
        "ETag": etag,
        "X-Dataset-Id": head.dataset_id,
        "X-As-Of": str(head.as_of),
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if to is not ExportFormat.JSON:
        name = f"bars{SUFFIXES[to]}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if request.scope.get(HEAD_ASKED):
        return head_only(media_type=MEDIA_TYPES[to], headers=headers)
    chunks = write_parts(head, parts, to=to)
    return send(request, chunks, media_type=MEDIA_TYPES[to], headers=headers)
