"""What is asked of a vendor and what it answers, before and after it is written as HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.columns import D64, F64, I64
from simutrador_core.models.enums import Timeframe

JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it arrived; header names are in lower case."""

    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query; the last of several values counts."""
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def origin(self) -> str:
        """Scheme and host by which the client reached us."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    @property
    def keys(self) -> list[str]:
        """Whatever the client shows as a key, in its headers and in its query."""
        shown = [self.headers.get(name, "") for name in _KEY_HEADERS]
        bearer = self.headers.get("authorization", "").partition(" ")[2]
        asked = [self.query.get(name, "") for name in _KEY_PARAMETERS]
        return [key for key in (*shown, bearer, *asked) if key]


_KEY_HEADERS: Final = ("apikey", "x-api-key", "x-mbx-apikey", "apca-api-secret-key")
_KEY_PARAMETERS: Final = ("apiKey", "apikey", "token")


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """One HTTP answer; serve your own with `FaultServer.inject`."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})

    @classmethod
    def of(cls, document: object, status: int = 200) -> Reply:
        """Return a reply that carries a JSON document."""
        return cls(json.dumps(document).encode(), status)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whether the vendor has a symbol, and its answer either way."""

    symbol: str
    known: Reply
    unknown: Reply


@dataclass(frozen=True, slots=True)
class Question:
    """Bars asked of a vendor: those labelled within `[start, end)`, in microseconds UTC.

    `limit` is the most rows of one answer; `request` the HTTP request it was read from.
    """

    vendor: str
    symbol: str
    timeframe: Timeframe
    start: int
    end: int
    limit: int
    request: Request

    @property
    def text(self) -> str:
        """The question as one word, the same whenever it is asked again."""
        return f"{self.vendor} {self.symbol} {self.timeframe} {self.start}"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Bars in any order and with any double, as a failing vendor sends them; `at` is the label."""

    at: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    sessions: D64

    @classmethod
    def of(cls, bars: Bars) -> Rows:
        """Return bars as rows; the session is the UTC date where the bars name none."""
        days = bars.opened_at.view("datetime64[us]").astype("datetime64[D]")
        sessions = days if bars.sessions is None else bars.sessions
        prices = (bars.open, bars.high, bars.low, bars.close)
        return cls(bars.opened_at, *prices, bars.volume, sessions)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.at)

    def take(self, index: slice | I64) -> Rows:
        """Return some of the rows."""
        return Rows(*(getattr(self, one.name)[index] for one in fields(self)))

    def relabelled(self, at: I64) -> Rows:
        """Return the same rows with other labels."""
        return replace(self, at=at)

    def __add__(self, other: Rows) -> Rows:
        """Return these rows, then the others."""
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return Rows(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One answer before it is written: whose rows, and where the next page starts, if any.

    `elsewhere` sends the client to another host for it.
    """

    symbol: str
    rows: Rows
    next_start: int | None = None
    elsewhere: bool = False
