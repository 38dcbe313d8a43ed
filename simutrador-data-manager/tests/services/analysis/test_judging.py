"""Completeness of every class of asset by its own calendar; counts are worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import CalendarError, InvalidRangeError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import AssetType
from simutrador_core.testing.builders import make_bars, make_change, make_covered
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.models.analysis import SymbolCompleteness
from simutrador_data.services.analysis.days import Days
from simutrador_data.services.analysis.judging import judge_symbols

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGISTRY = AssetRegistry.default().with_assets(
    Asset("0700.HK", AssetType.INTERNATIONAL_EQUITY, "XHKG", "HKD")
)
MINUTE = timedelta(minutes=1)


def minutes(symbol: str, *hours: tuple[str, str], without: tuple[str, ...] = ()) -> Bars:
    """Return a bar a minute over `[from, until)` of each pair of UTC times."""
    absent = {at(text) for text in without}

    def opens() -> Iterator[datetime]:
        for start, end in hours:
            opened = at(start)
            while opened < at(end):
                if opened not in absent:
                    yield opened
                opened += MINUTE

    return make_bars(symbol, opened_at=list(opens()))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def store_of(*pages: Bars) -> MemoryStore:
    store = MemoryStore()
    for page in pages:
        store.commit(make_change(page))
    return store


def judged(bars: Bars, first: str, last: str, *, now: datetime = NOW) -> SymbolCompleteness:
    days = Days(date.fromisoformat(first), date.fromisoformat(last), now)
    found = judge_symbols(store_of(bars), REGISTRY, [bars.symbol], days, details=True)
    return found.symbol_completeness[bars.symbol]


WHOLE = [
    # 14:30 to 21:00 UTC in winter, 13:30 to 20:00 in summer: 390 minutes.
    ("AAPL", [("2024-01-02T14:30", "2024-01-02T21:00")], "2024-01-02", "2024-01-02", 1, 390),
    ("AAPL", [("2024-07-02T13:30", "2024-07-02T20:00")], "2024-07-02", "2024-07-02", 1, 390),
    # 3 July closes at 13:00 New York (210 minutes), 4 July is a holiday, the 5th a whole day.
    (
        "AAPL",
        [("2024-07-03T13:30", "2024-07-03T17:00"), ("2024-07-05T13:30", "2024-07-05T20:00")],
        "2024-07-03",
        "2024-07-07",
        2,
        600,
    ),
    # A winter half day: 29 November 2024 closes at 18:00 UTC.
    ("AAPL", [("2024-11-29T14:30", "2024-11-29T18:00")], "2024-11-28", "2024-11-30", 1, 210),
    # The clocks of New York change on 10 March 2024: 390 minutes on both sides.
    (
        "AAPL",
        [("2024-03-08T14:30", "2024-03-08T21:00"), ("2024-03-11T13:30", "2024-03-11T20:00")],
        "2024-03-08",
        "2024-03-11",
        2,
        780,
    ),
    # Hong Kong: 9:30 to 12:00 and 13:00 to 16:00, 330 minutes.
    (
        "0700.HK",
        [("2024-01-02T01:30", "2024-01-02T04:00"), ("2024-01-02T05:00", "2024-01-02T08:00")],
        "2024-01-02",
        "2024-01-02",
        1,
        330,
    ),
    # The FX week: Sunday 17:00 to Friday 17:00 New York, five days of 24 hours.
    ("EUR/USD", [("2024-01-07T22:00", "2024-01-12T22:00")], "2024-01-07", "2024-01-13", 5, 7_200),
    ("BTC-USD", [("2024-01-06T00:00", "2024-01-08T00:00")], "2024-01-06", "2024-01-07", 2, 2_880),
]


@pytest.mark.parametrize(("symbol", "hours", "first", "last", "days", "bars"), WHOLE)
def test_whole_sessions_are_complete_by_their_own_calendar(
    symbol: str, hours: list[tuple[str, str]], first: str, last: str, days: int, bars: int
) -> None:
    found = judged(minutes(symbol, *hours), first, last)

    assert (found.total_trading_days, found.valid_days, found.invalid_days) == (days, days, 0)
    assert (found.total_expected_candles, found.total_actual_candles) == (bars, bars)
    assert (found.missing_candles, found.total_missing_periods) == (0, 0)
    assert found.completeness_percentage == 100.0
    assert (found.worst_day_completeness, found.best_day_completeness) == (100.0, 100.0)


def test_half_days_are_told_from_whole_ones_by_the_calendar() -> None:
    hours = ("2024-07-03T13:30", "2024-07-03T17:00"), ("2024-07-05T13:30", "2024-07-05T20:00")

    found = judged(minutes("AAPL", *hours), "2024-07-03", "2024-07-05")

    assert (found.full_days_count, found.half_days_count) == (1, 1)
    assert found.validation_results is not None
    assert [(one.validation_date, one.is_half_day) for one in found.validation_results] == [
        (date(2024, 7, 3), True),
        (date(2024, 7, 5), False),
    ]


@pytest.mark.parametrize("edge", ["2024-01-02T14:30", "2024-01-02T20:59"])
def test_a_minute_missing_at_an_edge_of_winter_is_found(edge: str) -> None:
    bars = minutes("AAPL", ("2024-01-02T14:30", "2024-01-02T21:00"), without=(edge,))

    found = judged(bars, "2024-01-02", "2024-01-02")

    assert (found.missing_candles, found.completeness_percentage) == (1, 99.74)  # 389 / 390


def test_bars_before_and_after_hours_do_not_fill_a_session() -> None:
    bars = minutes("AAPL", ("2024-01-02T09:00", "2024-01-02T21:00"), without=("2024-01-02T15:00",))

    found = judged(bars, "2024-01-02", "2024-01-02")

    assert (found.total_actual_candles, found.total_expected_candles) == (389, 390)


def test_a_gap_over_lunch_counts_trading_minutes_alone() -> None:
    hours = ("2024-01-02T01:30", "2024-01-02T03:50"), ("2024-01-02T05:05", "2024-01-02T08:00")

    found = judged(minutes("0700.HK", *hours), "2024-01-02", "2024-01-02")

    assert found.validation_results is not None
    (day,) = found.validation_results
    assert (day.missing_candles, day.largest_gap_minutes) == (15, 15)
    assert day.missing_periods == ["2024-01-02T03:50:00Z to 2024-01-02T05:05:00Z"]
    assert day.completeness_percentage == 95.45  # 315 / 330


def test_of_a_symbol_that_is_not_stored_everything_is_missing() -> None:
    days = Days(date(2024, 1, 1), date(2024, 1, 5), NOW)

    found = judge_symbols(MemoryStore(), REGISTRY, ["MSFT"], days)

    one = found.symbol_completeness["MSFT"]
    assert (one.total_trading_days, one.valid_days) == (4, 0)  # New Year's Day is closed
    assert (one.total_expected_candles, one.missing_candles) == (1_560, 1_560)
    assert (one.completeness_percentage, one.best_day_completeness) == (0.0, 0.0)
    assert found.symbols_needing_attention == ["MSFT"]
    assert found.recommendations[0].startswith("Nothing is stored in this period of MSFT")


def test_sessions_before_a_listing_are_none_of_the_symbol() -> None:
    asset = Asset("NEW", AssetType.US_EQUITY, "XNYS", "USD", listed=date(2024, 1, 4))
    bars = minutes("NEW", ("2024-01-04T14:30", "2024-01-04T21:00"))
    days = Days(date(2024, 1, 2), date(2024, 1, 4), NOW)

    found = judge_symbols(store_of(bars), REGISTRY.with_assets(asset), ["NEW"], days)

    one = found.symbol_completeness["NEW"]
    assert (one.total_trading_days, one.completeness_percentage) == (1, 100.0)


def test_minutes_that_are_not_over_are_not_expected() -> None:
    now = datetime(2024, 1, 3, 15, 0, 30, tzinfo=UTC)  # half an hour into the second session
    hours = ("2024-01-02T14:30", "2024-01-02T21:00"), ("2024-01-03T14:30", "2024-01-03T15:00")

    found = judged(minutes("AAPL", *hours), "2024-01-02", "2024-01-31", now=now)

    assert (found.total_expected_candles, found.missing_candles) == (420, 0)


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [("2024-01-03", "2024-01-02", "start_date"), ("2026-11-25", "2026-11-30", "start_date")],
)
def test_days_that_are_reversed_or_to_come_are_refused(first: str, last: str, field: str) -> None:
    with pytest.raises(InvalidRangeError) as caught:
        Days(date.fromisoformat(first), date.fromisoformat(last), NOW)
    assert caught.value.field == field


def test_days_no_calendar_knows_are_refused() -> None:
    with pytest.raises(CalendarError, match="1850-01-01"):
        judge_symbols(
            MemoryStore(), REGISTRY, ["AAPL"], Days(date(1850, 1, 1), date(1850, 1, 9), NOW)
        )


def test_years_of_a_symbol_that_is_not_stored_are_joined() -> None:
    days = Days(date(2021, 1, 1), date(2024, 12, 31), NOW)

    found = judge_symbols(MemoryStore(), REGISTRY, ["MSFT"], days)

    # 252 + 251 + 250 + 252 sessions, and 390 minutes but for the half days: 2021 to 2024 have
    # 1 + 1 + 2 + 3 of them (NYSE's published lists).
    one = found.symbol_completeness["MSFT"]
    assert (one.total_trading_days, one.half_days_count) == (1_005, 7)
    assert one.total_expected_candles == 1_005 * 390 - 7 * 180


def test_nothing_there_is_known_of_a_symbol_never_stored() -> None:
    store = MemoryStore()
    store.commit(make_change(covered=[make_covered("MSFT", start=at("2024-01-02"))]))

    found = judge_symbols(store, REGISTRY, ["MSFT"], Days(date(2024, 1, 2), date(2024, 1, 2), NOW))

    assert found.symbol_completeness["MSFT"].missing_candles == 390
