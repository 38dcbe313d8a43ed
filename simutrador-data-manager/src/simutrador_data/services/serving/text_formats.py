"""Bars as JSON columns and as CSV. Numbers have the fewest digits that read back exactly."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import orjson

from simutrador_core.models.bars import D64, I64, OHLCV, Bars
from simutrador_data.services.serving.answer import Answer

SECOND_US: Final = 1_000_000
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def json_parts(answer: Answer, parts: Iterable[Bars]) -> Iterator[bytes]:
    """Yield one JSON document of columns.

    `{"timeframe", "adjustment", "dataset_id", "as_of", "series": [{"symbol", "opened_at",
    "session", "open", "high", "low", "close", "volume", "synthetic"}]}`: `opened_at` int
    microseconds since 1970 UTC, `session` where each bar has one (daily bars and longer always),
    `synthetic` booleans where any bar was generated or filled, the rest numbers. A long series
    comes as several entries in time order.
    """
    head = {
        "timeframe": str(answer.timeframe),
        "adjustment": str(answer.adjustment),
        "dataset_id": answer.dataset_id,
        "as_of": answer.as_of,
    }
    yield orjson.dumps(head)[:-1] + b',"series":['
    separator = b""
    for bars in parts:
        yield separator + orjson.dumps(columns(bars), option=orjson.OPT_SERIALIZE_NUMPY)
        separator = b","
    yield b"]}"


def columns(bars: Bars) -> dict[str, Any]:
    """Return the columns of bars by their names in JSON; numpy arrays but for `session`."""
    found: dict[str, Any] = {"symbol": bars.symbol, "opened_at": bars.opened_at}
    if bars.sessions is not None:
        found["session"] = dates(bars.sessions)
    found |= {name: getattr(bars, name) for name in OHLCV}
    return found if bars.synthetic is None else found | {"synthetic": bars.synthetic}


def csv_parts(answer: Answer, parts: Iterable[Bars]) -> Iterator[bytes]:
    r"""Yield CSV with a header: `symbol,opened_at[,session],open,high,low,close,volume`.

    Instants are ISO 8601 with `Z`, lines end with `\r\n`. A symbol that a spreadsheet would run as
    a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets a `'` in front.
    """
    names = ["symbol", "opened_at", *(["session"] if answer.has_sessions else []), *OHLCV]
    yield (",".join(names) + "\r\n").encode()
    for bars in parts:
        held: list[list[Any]] = [[neutral(bars.symbol)] * len(bars), instants(bars.opened_at)]
        if answer.has_sessions and bars.sessions is not None:
            held.append(dates(bars.sessions))
        held += [getattr(bars, name).tolist() for name in OHLCV]
        out = io.StringIO(newline="")
        csv.writer(out).writerows(zip(*held, strict=True))
        yield out.getvalue().encode()


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def instants(opened_at: I64) -> list[str]:
    """Return instants as ISO 8601 text with `Z`, each to the second unless it stands within one."""
    exact = opened_at.view("datetime64[us]")
    texts = np.datetime_as_string(exact.astype("datetime64[s]")).tolist()
    for row in np.flatnonzero(opened_at % SECOND_US):
        texts[row] = np.datetime_as_string(exact[row : row + 1]).tolist()[0]
    return [f"{text}Z" for text in texts]


def dates(sessions: D64) -> list[str]:
    """Return session dates as ISO text."""
    return np.datetime_as_string(sessions).tolist()
