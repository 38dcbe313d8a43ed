"""Which series a page of the overview shows: filtered, sorted and cut. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias
from urllib.parse import urlencode

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InvalidSymbolError
from simutrador_core.interfaces.storage import SeriesInfo
from simutrador_core.models.enums import AssetType, Timeframe

PAGE_SIZE: Final = 100

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_TIMEFRAMES: Final = list(Timeframe)

Sortable: TypeAlias = tuple[str | int | datetime, ...]


class SortBy(StrEnum):
    """A column the overview can be sorted by."""

    SYMBOL = "symbol"
    ASSET = "class"
    TIMEFRAME = "timeframe"
    ROWS = "rows"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the overview is asked for.

    Attributes:
        text: Words that symbol, class, timeframe or adjustment hold, in any letter case; a row is
            shown when it holds all of them.
        sort: The column.
        descending: Largest first.
        page: From 1; a page after the last one gives the last one.
    """

    text: str = ""
    sort: SortBy = SortBy.SYMBOL
    descending: bool = False
    page: int = 1

    @classmethod
    def read(cls, text: str, sort: str, order: str, page: str) -> Wish:
        """Return the wish that the words of an address mean; nonsense means the default."""
        column = SortBy(sort) if sort in set(SortBy) else SortBy.SYMBOL
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 1
        return cls(text.strip()[:100], column, order == "desc", max(1, number))

    def url(self, *, sort: SortBy | None = None, page: int = 1) -> str:
        """Return the address of another page, or of another order; the same column turns round."""
        descending = self.descending
        if sort is not None:
            descending = not descending if sort is self.sort else False
        words = {
            "q": self.text,
            "sort": str(sort or self.sort),
            "order": "desc" if descending else "asc",
            "page": page,
        }
        return "/?" + urlencode({name: value for name, value in words.items() if value != ""})


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series and the class of its asset."""

    info: SeriesInfo
    asset_type: AssetType

    @property
    def id(self) -> str:
        """Text that names the series in the page and in addresses: `daily:raw:AAPL`."""
        series = self.info.series
        return f"{series.timeframe}:{series.adjustment}:{series.symbol}"


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the overview.

    Attributes:
        wish: What was asked for, its page being one that exists.
        rows: The series of this page.
        found: How many series the filter leaves.
        pages: How many pages they fill, at least 1.
        series: How many series are stored.
        symbols: How many symbols are stored.
        bars: How many bars are stored.
    """

    wish: Wish
    rows: Sequence[SeriesRow]
    found: int
    pages: int
    series: int
    symbols: int
    bars: int


_KEYS: Final[dict[SortBy, Callable[[SeriesRow], Sortable]]] = {
    SortBy.SYMBOL: lambda row: (),
    SortBy.ASSET: lambda row: (row.asset_type,),
    SortBy.TIMEFRAME: lambda row: (_TIMEFRAMES.index(row.info.series.timeframe),),
    SortBy.ROWS: lambda row: (row.info.rows,),
    SortBy.FIRST: lambda row: (row.info.first or _NEVER,),
    SortBy.LAST: lambda row: (row.info.last or _NEVER,),
}


def to_row(info: SeriesInfo, registry: AssetRegistry) -> SeriesRow:
    """Return the row of a series, be its name a symbol or not: another hand may have written it."""
    try:
        return SeriesRow(info, registry.get(info.symbol).asset_type)
    except InvalidSymbolError:
        return SeriesRow(info, AssetType.UNKNOWN)


def list_series(infos: Sequence[SeriesInfo], registry: AssetRegistry, wish: Wish) -> Listing:
    """Return the page of the overview that is wished for."""
    rows = [to_row(info, registry) for info in infos]
    words = wish.text.casefold().split()
    kept = [row for row in rows if all(word in _searched(row) for word in words)]
    kept.sort(key=_natural)
    kept.sort(key=_KEYS[wish.sort], reverse=wish.descending)
    if wish.sort is SortBy.SYMBOL and wish.descending:
        kept.sort(key=lambda row: row.info.symbol, reverse=True)
    pages = max(1, -(-len(kept) // PAGE_SIZE))
    page = min(wish.page, pages)
    return Listing(
        wish=Wish(wish.text, wish.sort, wish.descending, page),
        rows=kept[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        found=len(kept),
        pages=pages,
        series=len(rows),
        symbols=len({row.info.symbol for row in rows}),
        bars=sum(row.info.rows for row in rows),
    )


def _natural(row: SeriesRow) -> Sortable:
    """Symbol, then the shortest bars, then raw before adjusted."""
    series = row.info.series
    return (series.symbol, _TIMEFRAMES.index(series.timeframe), series.adjustment)


def _searched(row: SeriesRow) -> str:
    series = row.info.series
    words = (series.symbol, row.asset_type.replace("_", " "), series.timeframe, series.adjustment)
    return " ".join(words).casefold()
