"""`RemoteBars`: the bars of a data manager elsewhere, read over HTTP as Arrow."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Final, Self

from simutrador_core.errors import (
    InvalidBarsError,
    InvalidRangeError,
    UnknownSymbolError,
    UnreachableError,
)
from simutrador_core.interfaces.storage import SeriesInfo
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, concat, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.remote.asking import Asker
from simutrador_core.remote.parts import in_parts, read_batches
from simutrador_core.utils.serialization import format_instant

EARLIEST: Final = datetime(1800, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""The service serves bars between these."""

_ROWS: Final = 65_536


class RemoteBars:
    """The bars of a running data manager; satisfies `VersionedSource`.

    Threads may share one. Requests that may succeed later (no connection, 429, 502, 503, 504) are
    sent again, `Retry-After` is respected, and a stream that breaks off goes on behind its last
    bar, of the same version.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout_s: float = 30.0, attempts: int = 5
    ) -> None:
        """Keep where to read; nothing is sent yet.

        Args:
            url: Address of the service, `http://127.0.0.1:8002`.
            api_key: Key or token, sent as `Authorization: Bearer`; None sends none.
            timeout_s: Longest wait for the next bytes of an answer, seconds.
            attempts: How often one request is sent at most, at least 1.

        Raises:
            InputError: the address is not http or https, or holds a password.
            MissingExtraError: the extra `remote` is not installed.
        """
        self._asker = Asker(url, api_key=api_key, timeout_s=timeout_s, attempts=attempts)

    def __repr__(self) -> str:
        """Return the address; never the key."""
        return f"RemoteBars({self._asker.url!r})"

    def close(self) -> None:
        """Close every connection; bars read before stay valid."""
        self._asker.close()

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self.close()

    def read(self, query: BarQuery, /) -> Bars:
        """Return the bars that open in the query's range, oldest first; see `BarSource.read`.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet.
            InvalidBarsError: the service sends bars nobody asked for.
            UnreachableError: the service does not answer.
            AuthenticationError: the key is wrong or may not read bars.
            RateLimitError: the service wants us to wait longer than we do.
        """
        _check(query)
        parts = list(self._batches(query))
        return concat(parts) if parts else _nothing(query.series)

    def stream(self, query: BarQuery, *, rows: int = _ROWS) -> Iterator[Bars]:
        """Yield the same bars in parts of `rows`, the last one shorter, all of one version.

        No more than a few parts and a batch of the service (65,536 bars) are held in memory.

        Raises:
            InvalidRangeError: `rows` is below 1, or there is no such version yet.
            UnknownSymbolError: no such series is stored at that version.
            UnreachableError: the service does not answer, also not when asked to go on.
        """
        if rows < 1:
            raise InvalidRangeError(f"rows {rows} is below the limit of 1", field="rows")
        _check(query)
        return in_parts(self._batches(query), rows)

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every series (of a timeframe) that can be read, sorted by symbol.

        Raises:
            UnreachableError: the service does not answer.
        """
        answer = self._asker.json("GET", "/trading-data/series")
        with self._understood():
            listed = [_info(entry) for entry in answer]
        return [info for info in listed if timeframe in {None, info.series.timeframe}]

    def latest_commit(self) -> int:
        """Return the id of the newest commit, 0 before the first.

        Raises:
            UnreachableError: the service does not answer, or not as a data manager does.
        """
        found = self._asker.header("/trading-data/series", "x-as-of")
        with self._understood():
            return int(found)

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; the service computes it.

        Raises:
            UnknownSymbolError: a series is not stored.
            InvalidBarsError: two queries read rows of one series and month.
            UnreachableError: the service does not answer.
        """
        for query in queries:
            _check(query)
        asked = {"queries": [_document(query) for query in queries]}
        answer = self._asker.json("POST", "/trading-data/dataset-id", body=asked)
        with self._understood():
            return str(answer["dataset_id"])

    @contextmanager
    def _understood(self) -> Generator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError) as e:
            raise self._asker.stranger() from e

    def _batches(self, query: BarQuery) -> Iterator[Bars]:
        """Yield the service's batches; where a connection breaks, the next goes on behind them."""
        failures = 0
        start, end = max(query.start, EARLIEST), min(query.end, LATEST)
        if start > end:
            start = end = min(max(query.start, EARLIEST), LATEST)
        query = replace(query, start=start, end=end)
        while True:
            answer = self._asker.open("/trading-data/bars", _params(query))
            try:
                given = answer.headers.get("x-as-of", "")
                query = replace(query, as_of=int(given)) if given.isdecimal() else query
                for bars in read_batches(self._asker.pieces(answer)):
                    _check_given(bars, query, url=self._asker.url)
                    query = replace(query, start=from_us(int(bars.opened_at[-1]) + 1))
                    failures = 0
                    yield bars
            except UnreachableError:
                failures += 1
                if failures >= self._asker.attempts:
                    raise
            else:
                return
            finally:
                answer.close()


def _check_given(bars: Bars, query: BarQuery, *, url: str) -> None:
    """Refuse bars that were not asked for: taken, they would also be asked for again for ever."""
    if bars.series != query.series:
        raise InvalidBarsError(f"{url} was asked for bars of {query.series}, sent {bars.series}")
    if bars.first is None or bars.last is None:
        raise InvalidBarsError(f"{url} sent a part of {query.series} without bars")
    if bars.first < query.start or bars.last >= query.end:
        raise InvalidBarsError(
            f"{url} was asked for bars of {query.series} from {query.start.isoformat()} until "
            f"{query.end.isoformat()}, sent {bars.first.isoformat()} to {bars.last.isoformat()}"
        )


def _check(query: BarQuery) -> None:
    if query.as_of is not None and query.as_of < 0:
        raise InvalidRangeError(f"as_of {query.as_of} is no version", field="as_of")
    if query.as_of == 0:
        hint = "version 0 is the store before its first commit"
        raise UnknownSymbolError(query.symbol, hint=hint)
    # The service takes a symbol in any letter case; a source answers to its exact name only.
    upper = query.symbol.upper()
    if query.symbol != upper:
        raise UnknownSymbolError(query.symbol, hint=f"did you mean {upper}?")


def _params(query: BarQuery) -> dict[str, str]:
    params = {
        "symbols": query.symbol,
        "timeframe": str(query.timeframe),
        "adjustment": str(query.adjustment),
        "start": format_instant(query.start),
        "end": format_instant(query.end),
        "format": "arrow",
    }
    if query.actions_as_of is not None:
        params["actions_as_of"] = str(query.actions_as_of)
    return params if query.as_of is None else params | {"as_of": str(query.as_of)}


def _document(query: BarQuery) -> dict[str, object]:
    return {
        "symbol": query.symbol,
        "timeframe": str(query.timeframe),
        "adjustment": str(query.adjustment),
        "start": format_instant(query.start),
        "end": format_instant(query.end),
        "actions_as_of": None if query.actions_as_of is None else str(query.actions_as_of),
        "as_of": query.as_of,
    }


def _nothing(series: SeriesKey) -> Bars:
    return Bars.empty(series.symbol, series.timeframe, series.adjustment)


def _info(entry: dict[str, Any]) -> SeriesInfo:
    key = SeriesKey(entry["symbol"], Timeframe(entry["timeframe"]), Adjustment(entry["adjustment"]))
    return SeriesInfo(
        key,
        _instant(entry["first"]),
        _instant(entry["last"]),
        entry["rows"],
        _day(entry.get("first_session")),
        _day(entry.get("last_session")),
        derived=bool(entry.get("derived")),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


__all__ = ["RemoteBars"]
