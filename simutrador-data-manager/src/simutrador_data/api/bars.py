"""Many bars at once: columns as JSON, Arrow, CSV or Parquet, streamed in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BeforeValidator

from simutrador_core.models.bars import BarQuery, SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.api.dependencies import (
    PROBLEMS,
    AdjustmentParam,
    BoundText,
    Services,
    ServicesDep,
    TimeframeDep,
)
from simutrador_data.api.problems import BoundError
from simutrador_data.models.responses import BarColumns
from simutrador_data.services.serving.formats import (
    MEDIA_TYPES,
    SUFFIXES,
    ExportFormat,
    write_parts,
)
from simutrador_data.services.serving.ranges import parse_range
from simutrador_data.services.serving.reading import pinned, stream_parts, to_answer, to_query

MAX_SYMBOLS: Final = 500
WHOLE_ANSWER_BYTES: Final = 4_000_000

router = APIRouter(prefix="/trading-data", tags=["Trading Data"])

_EXAMPLE: Final = {
    "timeframe": "daily",
    "adjustment": "raw",
    "dataset_id": "5f0c7be1f8a2c7d1b8f3f1f4e7b9a6d2c3e4f5061728394a5b6c7d8e9fa0b1c2",
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
        404: PROBLEMS[404],
        422: PROBLEMS[422],
    },
)
def get_bars(
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

    All rows are of one version of the store; their hash is in `dataset_id`, `X-Dataset-Id` and
    `ETag`.
    """
    wanted = parse_range(start, end)
    queries = [
        to_query(SeriesKey(symbol, timeframe, adjustment), wanted, registry=services.registry)
        for symbol in parse_symbols(symbols)
    ]
    return _answer(services, _of_version(services, queries, as_of), format, request)


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
        return pinned(services.store, queries)
    return [replace(query, as_of=as_of) for query in queries]


def _answer(
    services: Services, queries: list[BarQuery], to: ExportFormat, request: Request
) -> Response:
    head = to_answer(services.store, queries)
    headers = {
        "ETag": f'"{head.dataset_id}-{to}"',
        "X-Dataset-Id": head.dataset_id,
        "Cache-Control": "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if to is not ExportFormat.JSON:
        name = f"bars{SUFFIXES[to]}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    chunks = write_parts(head, stream_parts(services.store, queries), to=to)
    return _sized_or_streamed(chunks, media_type=MEDIA_TYPES[to], headers=headers)


def _sized_or_streamed(
    chunks: Iterator[bytes], *, media_type: str, headers: dict[str, str]
) -> Response:
    """Return a plain answer when it is small, else one that is sent while it is read.

    What fails before the first bytes leave is a proper problem; later the connection is cut.
    """
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size > WHOLE_ANSWER_BYTES:
            rest = chain(held, chunks)
            return StreamingResponse(rest, media_type=media_type, headers=headers)
    return Response(b"".join(held), media_type=media_type, headers=headers)
