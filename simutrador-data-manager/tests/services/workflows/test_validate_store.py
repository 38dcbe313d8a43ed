"""Ledgers of stored series: ranges, parts, and what real files come out as."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import Covered
from simutrador_core.models.bars import Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, AssetType, GapReason, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.calendars import make_calendar
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.validation.expected import expected_opens
from simutrador_data.services.validation.ledger import Known, ReasonTotal, build_ledger
from simutrador_data.services.workflows.validate_store import validate_series, validate_store

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NEW_YORK = make_calendar(date(2021, 1, 1), date(2025, 1, 1))
PRICES = ("Open", "High", "Low", "Close")


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 7, day, hour, minute, tzinfo=UTC)


def new_york(name: str) -> Calendar:
    assert name == "XNYS"
    return NEW_YORK


def store_of(
    *pages: Bars, covered: Iterable[tuple[datetime, datetime]] = (), source: str = "acme"
) -> MemoryStore:
    store = MemoryStore()
    asked = [Covered(pages[0].series, start, end) for start, end in covered]
    store.commit(make_change(*pages, covered=asked, source=source, fetched_at=NOW))
    return store


def test_the_range_reaches_from_the_first_open_to_the_last_close() -> None:
    store = store_of(make_bars(start=at(2, 15), n=10))

    ledger = validate_series(
        store, AssetRegistry.default(), SeriesKey("AAPL", Timeframe.MINUTE_1), calendars=new_york
    )

    assert (ledger.query.start, ledger.query.end) == (at(2, 13, 30), at(2, 20))
    assert ledger.by_reason() == {GapReason.NOT_FETCHED: ReasonTotal(bars=380, runs=2)}


def test_a_hole_without_any_record_of_a_question_is_unexplained() -> None:
    bars = make_bars(start=at(2, 13, 30), n=390)
    store = store_of(bars.take(np.flatnonzero(np.arange(390) != 100)))

    ledger = validate_series(
        store, AssetRegistry.default(), SeriesKey("AAPL", Timeframe.MINUTE_1), calendars=new_york
    )

    assert ledger.by_reason() == {GapReason.UNEXPLAINED: ReasonTotal(bars=1, runs=1)}


def test_a_hole_among_recorded_bars_is_told_apart_from_one_among_others() -> None:
    asked = make_bars(start=at(2, 13, 30), n=390)
    loose = make_bars(start=at(5, 13, 30), n=390)
    gap = np.flatnonzero(np.arange(390) != 100)
    store = store_of(asked.take(gap), covered=[(at(2, 13, 30), at(2, 20))])
    store.commit(make_change(loose.take(gap), fetched_at=NOW))

    ledger = validate_series(
        store, AssetRegistry.default(), SeriesKey("AAPL", Timeframe.MINUTE_1), calendars=new_york
    )

    reasons = {gap.session: gap.reason for gap in ledger.gaps}
    assert reasons == {
        date(2024, 7, 2): GapReason.VENDOR_HOLE,
        date(2024, 7, 3): GapReason.NOT_FETCHED,
        date(2024, 7, 4): GapReason.NOT_FETCHED,
        date(2024, 7, 5): GapReason.UNEXPLAINED,
    }


def test_the_range_is_cut_to_what_the_calendar_knows() -> None:
    days = [datetime(2020, 12, 31, 14, 30, tzinfo=UTC), datetime(2021, 1, 4, 14, 30, tzinfo=UTC)]
    bars = make_bars(timeframe=Timeframe.DAILY, opened_at=days)

    ledger = validate_series(
        store_of(bars), AssetRegistry.default(), bars.series, calendars=new_york
    )

    assert ledger.query.start == datetime(2021, 1, 1, 5, tzinfo=UTC)
    assert [count.session for count in ledger.counts] == [date(2021, 1, 1), date(2021, 1, 4)]


def test_a_series_that_was_only_asked_for_has_an_empty_ledger_until_a_range_is_given() -> None:
    key = SeriesKey("AAPL", Timeframe.MINUTE_5)
    store = MemoryStore()
    asked = Covered(key, at(2, 13, 30), at(2, 20))
    store.commit(make_change(covered=[asked], source="acme", fetched_at=NOW))
    registry = AssetRegistry.default()

    silent = validate_series(store, registry, key, calendars=new_york)
    day = validate_series(store, registry, key, start=at(2), end=at(3), calendars=new_york)

    assert (silent.expected, silent.completeness, silent.gaps) == (0, 1.0, [])
    assert day.by_reason() == {GapReason.VENDOR_HOLE: ReasonTotal(bars=78, runs=1)}


def test_a_series_older_than_its_calendar_is_judged_from_where_that_begins() -> None:
    old = make_bars(timeframe=Timeframe.DAILY, start=datetime(2019, 1, 2, 14, 30, tzinfo=UTC), n=3)

    ledger = validate_series(store_of(old), AssetRegistry.default(), old.series, calendars=new_york)

    assert (ledger.expected, ledger.rows, ledger.gaps) == (0, 0, [])


def test_a_series_that_is_not_stored_is_an_error() -> None:
    with pytest.raises(UnknownSymbolError, match="as daily raw; import or fetch it first"):
        validate_series(
            store_of(make_bars()), AssetRegistry.default(), SeriesKey("AAPL", Timeframe.DAILY)
        )


def test_each_stored_series_has_its_ledger_in_turn() -> None:
    store = store_of(make_bars(), make_bars("MSFT"), make_bars(timeframe=Timeframe.MINUTE_5))
    registry = AssetRegistry.default()

    all_series = [ledger.query.series for ledger in validate_store(store, registry)]
    minutes = validate_store(store, registry, symbols=["AAPL"], timeframe=Timeframe.MINUTE_1)

    assert len(all_series) == 3
    assert [str(ledger.query.series) for ledger in minutes] == ["AAPL 1min raw"]


def test_a_symbol_that_is_not_stored_is_an_error() -> None:
    with pytest.raises(UnknownSymbolError, match="no bars are stored for symbol 'TSLA'"):
        list(validate_store(store_of(make_bars()), AssetRegistry.default(), symbols=["TSLA"]))


@pytest.mark.parametrize("timeframe", [Timeframe.MINUTE_30, Timeframe.HOUR_4])
@pytest.mark.parametrize("exchange", ["XNYS", "24/5", "24/7"])
def test_three_years_in_parts_give_the_ledger_of_the_whole(
    timeframe: Timeframe, exchange: str
) -> None:
    calendar = get_calendar(exchange)
    opens, _ = expected_opens(calendar.between(date(2021, 1, 1), date(2024, 1, 1)), timeframe)
    kept = opens[np.random.default_rng(5).random(len(opens)) < 0.9]
    bars = make_bars("X", timeframe, opened_at=[from_us(t) for t in kept])
    registry = AssetRegistry.default().with_assets(Asset("X", AssetType.UNKNOWN, exchange, "USD"))

    parts = validate_series(
        store_of(bars, covered=[(from_us(kept[0]), NOW)]), registry, bars.series
    )

    whole = build_ledger(parts.query, bars, calendar=calendar, known=Known())
    assert parts.present == len(kept)
    assert list(parts.counts) == list(whole.counts)
    assert [(g.start, g.end, g.session) for g in parts.gaps] == [
        (g.start, g.end, g.session) for g in whole.gaps
    ]


# --- Real files ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_data() -> Path:
    folder = os.environ.get("SIMUTRADOR_TEST_DATA")
    if not folder:
        pytest.skip("SIMUTRADOR_TEST_DATA does not name the folder of real market data")
    return Path(folder) / "bars"


def daily_of(path: Path, ticker: str) -> Bars:
    with gzip.open(path, "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == ticker]
    # The open of each session in wall time, so that no calendar has a hand in it.
    zone = NEW_YORK.zone
    days = [date.fromisoformat(row["Date"]) for row in rows]
    opened = [datetime.combine(day, time(9, 30), tzinfo=zone) for day in days]
    return Bars(
        ticker,
        Timeframe.DAILY,
        Adjustment.RAW,
        np.array([to_us(t) for t in opened]),
        *(
            np.array([float(row[name]) for row in rows])
            for name in ("Open", "High", "Low", "Close")
        ),
        volume=np.array([float(row["Volume"]) for row in rows]),
        sessions=np.array(days, dtype="datetime64[D]"),
    )


def filed(bars: Bars, step: timedelta) -> MemoryStore:
    first, last = from_us(bars.opened_at[0]), from_us(bars.opened_at[-1]) + step
    return store_of(bars, covered=[(first, last)], source="file:real.csv")


def test_apple_is_complete_and_its_closures_have_names(real_data: Path) -> None:
    bars = daily_of(real_data / "equity_us" / "daily_wiki" / "bokeh_stocks.csv.gz", "AAPL")

    ledger = validate_series(filed(bars, timedelta(days=1)), AssetRegistry.default(), bars.series)

    assert (ledger.expected, ledger.present, len(bars)) == (3270, 3270, 3270)
    assert list(ledger.by_reason()) == [GapReason.CLOSED]
    closed = {gap.session: gap.evidence for gap in ledger.gaps}
    assert {date(2001, 9, d) for d in (11, 12, 13, 14)} <= closed.keys()
    assert {date(2012, 10, 29), date(2012, 10, 30)} <= closed.keys()
    assert "Sandy" in closed[date(2012, 10, 29)]
    assert "September 11" in closed[date(2001, 9, 11)]
    assert all(name != "closed" for name in closed.values())


def test_facebook_was_not_listed_before_its_first_day(real_data: Path) -> None:
    bars = daily_of(real_data / "equity_us" / "daily_wiki" / "bokeh_stocks.csv.gz", "FB")

    ledger = validate_series(
        filed(bars, timedelta(days=1)),
        AssetRegistry.default(),
        bars.series,
        start=datetime(2012, 5, 1, tzinfo=UTC),
    )

    absent = [gap for gap in ledger.gaps if gap.reason is not GapReason.CLOSED]
    assert {gap.reason for gap in absent} == {GapReason.NOT_LISTED}
    # 1 to 17 May 2012 without weekends; the first trade was on Friday 18 May.
    assert len(absent) == 13
    assert ledger.completeness == 1.0


def test_a_year_of_euro_hours_lacks_nothing_but_christmas(real_data: Path) -> None:
    with (real_data / "forex" / "hour_csv" / "FOREX_EURUSD_1H_ASK.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    opened = [datetime.strptime(row["Time"] + " +0000", "%d.%m.%Y %H:%M:%S.%f %z") for row in rows]
    bars = make_bars("EUR/USD", Timeframe.HOUR_1, opened_at=opened)

    ledger = validate_series(filed(bars, timedelta(hours=1)), AssetRegistry.default(), bars.series)

    # 260 weekdays from 2 January to 29 December, Christmas Day being closed: 259 x 24 hours.
    assert (ledger.expected, ledger.present) == (6216, 6216)
    assert ledger.strays.outside == 9  # quotes of Christmas night and morning
    assert [(gap.session, gap.evidence) for gap in ledger.gaps] == [
        (date(2017, 12, 25), "Christmas Day")
    ]
