"""Which series a page of the overview shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import SeriesInfo
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_data.web.listing import PAGE_SIZE, SortBy, Wish, list_series, to_row

START = datetime(2020, 1, 2, tzinfo=UTC)


def info(
    symbol: str, timeframe: str = "daily", adjustment: str = "raw", rows: int = 1
) -> SeriesInfo:
    key = SeriesKey(symbol, Timeframe(timeframe), Adjustment(adjustment))
    return SeriesInfo(key, START, START + timedelta(days=rows), rows)


STORED = [
    info("MSFT", rows=30),
    info("AAPL", "1mo", rows=5),
    info("AAPL", "daily", "total", rows=20),
    info("AAPL", "1h", rows=10),
    info("AAPL", "daily", rows=20),
    info("EUR/USD", "1h", rows=40),
    info("BTC-USD", "1min", rows=50),
]


def shown(wish: Wish) -> list[str]:
    listing = list_series(STORED, AssetRegistry.default(), wish)
    return [row.id for row in listing.rows]


def test_series_stand_by_symbol_then_from_short_to_long_bars_raw_first() -> None:
    assert shown(Wish()) == [
        "1h:raw:AAPL",
        "daily:raw:AAPL",
        "daily:total:AAPL",
        "1mo:raw:AAPL",
        "1min:raw:BTC-USD",
        "1h:raw:EUR/USD",
        "daily:raw:MSFT",
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("msft", ["daily:raw:MSFT"]),
        ("aapl total", ["daily:total:AAPL"]),
        ("forex", ["1h:raw:EUR/USD"]),
        ("US EQUITY 1h", ["1h:raw:AAPL"]),
        ("nothing like it", []),
    ],
)
def test_every_word_of_the_filter_must_be_held(text: str, ids: list[str]) -> None:
    assert shown(Wish(text)) == ids


def test_sorting_by_a_column_keeps_the_natural_order_among_equals() -> None:
    assert shown(Wish(sort=SortBy.ROWS, descending=True))[:5] == [
        "1min:raw:BTC-USD",
        "1h:raw:EUR/USD",
        "daily:raw:MSFT",
        "daily:raw:AAPL",
        "daily:total:AAPL",
    ]
    assert shown(Wish(sort=SortBy.TIMEFRAME))[:3] == [
        "1min:raw:BTC-USD",
        "1h:raw:AAPL",
        "1h:raw:EUR/USD",
    ]
    assert shown(Wish(descending=True))[:2] == ["daily:raw:MSFT", "1h:raw:EUR/USD"]


def test_a_page_after_the_last_gives_the_last() -> None:
    many = [info(f"S{i:04d}") for i in range(2 * PAGE_SIZE + 1)]
    listing = list_series(many, AssetRegistry.default(), Wish(page=9))
    assert (listing.wish.page, listing.pages, len(listing.rows)) == (3, 3, 1)


def test_nothing_stored_gives_one_empty_page() -> None:
    listing = list_series([], AssetRegistry.default(), Wish())
    assert (listing.pages, listing.series, listing.bars, list(listing.rows)) == (1, 0, 0, [])


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e3", "9" * 40, "²"])
def test_nonsense_in_an_address_means_the_default(page: str) -> None:
    assert Wish.read("", "drop table", "sideways", page) == Wish()


def test_choosing_the_sorted_column_again_turns_it_round() -> None:
    wish = Wish("a b", SortBy.ROWS)
    assert wish.url(sort=SortBy.ROWS) == "/?q=a+b&sort=rows&order=desc&page=1"
    assert wish.url(sort=SortBy.LAST) == "/?q=a+b&sort=last&order=asc&page=1"
    assert wish.url(page=2) == "/?q=a+b&sort=rows&order=asc&page=2"


def test_a_stored_name_that_is_no_symbol_is_listed_all_the_same() -> None:
    assert to_row(info("<b>"), AssetRegistry.default()).asset_type is AssetType.UNKNOWN
