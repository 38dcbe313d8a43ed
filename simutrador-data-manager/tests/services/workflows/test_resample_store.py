"""Storing resampled bars: idempotent, in parts, and never over what another source gave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, from_us, to_us
from simutrador_core.models.enums import (
    Adjustment,
    Alignment,
    AssetType,
    GapReason,
    OnConflict,
    Timeframe,
)
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars, make_change, make_covered
from simutrador_core.testing.calendars import make_calendar
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.expected import expected_opens
from simutrador_data.services.workflows.resample_store import (
    ResampleReport,
    TimeframeResult,
    resample_and_store,
)
from simutrador_data.services.workflows.resampling import resample
from simutrador_data.services.workflows.validate_store import validate_series

NOW = datetime(2026, 11, 21, tzinfo=UTC)
REGISTRY = AssetRegistry.default()
NEW_YORK = make_calendar(date(2024, 6, 1), date(2025, 1, 1))
DAY = timedelta(days=1)
EVER = datetime(1990, 1, 1, tzinfo=UTC), NOW


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 7, day, hour, minute, tzinfo=UTC)


def new_york(name: str) -> Calendar:
    assert name == "XNYS"
    return NEW_YORK


@pytest.fixture(params=["memory", "parquet"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BarStore]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with ParquetStore(tmp_path) as parquet:
            yield parquet


def fill(store: BarStore, *pages: Bars, until: datetime | None = None) -> None:
    """Store pages as a vendor's answer that reaches to `until`."""
    covered = [
        make_covered(
            page.symbol,
            page.timeframe,
            start=from_us(page.opened_at[0]),
            end=until or from_us(page.opened_at[-1] + 60_000_000),
        )
        for page in pages
    ]
    store.commit(make_change(*pages, covered=covered, source="acme", fetched_at=NOW))


def run(
    store: BarStore, *to: Timeframe, alignment: Alignment = Alignment.SESSION
) -> ResampleReport:
    return resample_and_store(
        store, REGISTRY, "AAPL", now=NOW, to=to or None, alignment=alignment, calendars=new_york
    )


def stored(store: BarStore, timeframe: Timeframe) -> Bars:
    return store.read(BarQuery("AAPL", timeframe, *EVER))


def test_every_longer_timeframe_is_made_and_counted(store: BarStore) -> None:
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (1, 2, 3, 4, 5)))

    report = run(store)

    assert report.source is Timeframe.MINUTE_1
    assert {result.timeframe.value: result.added for result in report.results} == {
        "5min": 390,
        "15min": 130,
        "30min": 65,
        "1h": 35,
        "2h": 20,
        "4h": 10,
        "daily": 5,
        "1w": 1,
        "1mo": 0,
    }
    assert report.results[-1].forming == 5 * 390


def test_a_second_run_changes_nothing(store: BarStore) -> None:
    fill(store, make_bars(start=at(2, 13, 30), n=390))
    run(store)
    before = [commit.id for commit in store.history("AAPL", Timeframe.DAILY)]

    again = run(store)

    assert all(result.no_op for result in again.results)
    assert [commit.id for commit in store.history("AAPL", Timeframe.DAILY)] == before


def test_a_corrected_minute_corrects_its_longer_bars(store: BarStore) -> None:
    minutes = make_bars(start=at(2, 13, 30), n=390)
    fill(store, minutes)
    run(store)
    spike = minutes.take(slice(7, 8))
    better = make_bars(start=at(2, 13, 37), close=[50.0])
    store.commit(make_change(better, on_conflict=OnConflict.REPLACE, fetched_at=NOW))

    report = run(store, Timeframe.MINUTE_5, Timeframe.DAILY)

    assert [(r.added, r.replaced) for r in report.results] == [(0, 1), (0, 1)]
    assert stored(store, Timeframe.DAILY).low[0] == 50.0 < spike.low[0]


def test_the_session_that_is_still_open_is_not_stored(store: BarStore) -> None:
    fill(store, make_bars(start=at(2, 13, 30), n=390), make_bars(start=at(3, 13, 30), n=100))

    run(store, Timeframe.DAILY, Timeframe.HOUR_1)

    assert len(stored(store, Timeframe.DAILY)) == 1
    assert from_us(stored(store, Timeframe.HOUR_1).opened_at[-1]) == at(3, 13, 30)


def test_a_thin_session_is_over_once_its_close_was_asked_for(store: BarStore) -> None:
    thin = make_bars(opened_at=[at(2, 13, 31), at(2, 19, 41)])
    fill(store, thin, until=at(2, 20))

    run(store, Timeframe.DAILY)

    assert len(stored(store, Timeframe.DAILY)) == 1


def test_bars_of_another_source_stay(store: BarStore) -> None:
    vendor = make_bars(timeframe=Timeframe.DAILY, opened_at=[at(2, 13, 30)], price=300.0)
    fill(store, vendor)
    fill(store, make_bars(start=at(1, 13, 30), n=390), make_bars(start=at(2, 13, 30), n=390))

    report = run(store, Timeframe.DAILY)

    result = report.results[0]
    assert (result.bars, result.added, result.kept, result.removed) == (2, 1, 1, 0)
    assert stored(store, Timeframe.DAILY).open.tolist() == [100.0, 300.0]
    segments = store.segments(BarQuery("AAPL", Timeframe.DAILY, *EVER))
    assert [segment.source for segment in segments] == ["resample:1min", "acme"]


def test_a_hole_between_bars_of_another_source_is_filled(store: BarStore) -> None:
    opened = [at(1, 13, 30), at(3, 13, 30)]
    fill(store, make_bars(timeframe=Timeframe.DAILY, opened_at=opened, price=300.0))
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (1, 2, 3)))

    run(store, Timeframe.DAILY)

    assert stored(store, Timeframe.DAILY).open.tolist() == [300.0, 100.0, 300.01]


def test_hours_from_the_open_are_not_mixed_into_hours_of_the_clock(store: BarStore) -> None:
    clock = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7)
    fill(store, clock, until=at(2, 20))
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (2, 3)))

    report = run(store, Timeframe.HOUR_1)

    assert (report.results[0].added, report.results[0].kept) == (7, 7)
    hours = stored(store, Timeframe.HOUR_1)
    assert hours.between(0, to_us(at(3))).equals(clock)


def test_a_week_labelled_otherwise_by_its_source_stays(store: BarStore) -> None:
    # This vendor labels weeks by Friday.
    vendor = make_bars(timeframe=Timeframe.WEEKLY, opened_at=[at(5, 13, 30)], price=300.0)
    fill(store, vendor)
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (1, 2, 3, 4, 5)))

    report = run(store, Timeframe.WEEKLY)

    assert (report.results[0].added, report.results[0].kept) == (0, 1)


def test_a_timeframe_that_fails_leaves_the_others_alone(store: BarStore) -> None:
    clock = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7)
    fill(store, clock, until=at(2, 20))

    report = run(store, Timeframe.HOUR_2, Timeframe.MINUTE_5, Timeframe.DAILY)

    two, five, daily = report.results
    assert "reaches over the end of a 2h bar" in two.error
    assert five.error == (
        "5min bars cannot be made of 1h bars; import finer ones, or ask for longer"
    )
    assert (daily.error, daily.added) == ("", 1)
    assert report.failed == (two, five)


def test_clock_hours_make_longer_clock_hours(store: BarStore) -> None:
    fill(store, make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7), until=at(2, 20))

    run(store, Timeframe.HOUR_2, alignment=Alignment.POLYGON)

    opens = [from_us(t).hour for t in stored(store, Timeframe.HOUR_2).opened_at]
    assert opens == [12, 14, 16, 18]


def test_a_symbol_without_bars_is_an_error(store: BarStore) -> None:
    with pytest.raises(UnknownSymbolError, match="'TSLA'"):
        resample_and_store(store, REGISTRY, "TSLA", now=NOW)


def test_a_session_the_source_lacks_is_a_hole_of_the_source(store: BarStore) -> None:
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (1, 3)))
    whole = make_covered(start=at(1, 13, 30), end=at(3, 20))
    store.commit(make_change(covered=[whole], source="acme", fetched_at=NOW))
    run(store, Timeframe.DAILY)

    daily = validate_series(
        store, REGISTRY, stored(store, Timeframe.DAILY).series, calendars=new_york
    )

    assert [(gap.session, gap.reason, gap.evidence) for gap in daily.gaps] == [
        (date(2024, 7, 2), GapReason.VENDOR_HOLE, "absent from resample:1min (asked 2026-11-21)")
    ]


def test_a_session_nobody_asked_the_source_for_stays_not_fetched(store: BarStore) -> None:
    fill(store, *(make_bars(start=at(d, 13, 30), n=390) for d in (1, 3)))
    run(store, Timeframe.DAILY)

    daily = validate_series(
        store, REGISTRY, stored(store, Timeframe.DAILY).series, calendars=new_york
    )

    assert {gap.reason for gap in daily.gaps} == {GapReason.NOT_FETCHED}


@pytest.mark.parametrize("exchange", ["XNYS", "24/5", "24/7"])
def test_three_years_in_parts_equal_three_years_at_once(exchange: str) -> None:
    calendar = get_calendar(exchange)
    opens, _ = expected_opens(
        calendar.between(date(2021, 1, 1), date(2024, 1, 1)), Timeframe.HOUR_1
    )
    source = make_bars("X", Timeframe.HOUR_1, opened_at=[from_us(t) for t in opens])
    store, registry = (
        MemoryStore(),
        REGISTRY.with_assets(Asset("X", AssetType.UNKNOWN, exchange, "USD")),
    )
    fill(store, source, until=from_us(opens[-1]) + DAY)

    report = resample_and_store(store, registry, "X", now=NOW)

    end = to_us(from_us(opens[-1]) + DAY)
    assert not report.failed
    for result in report.results:
        whole = resample(source, to=result.timeframe, calendar=calendar, source_end_us=end)
        parts = store.read(BarQuery("X", result.timeframe, *EVER))
        assert parts.equals(whole), result.timeframe


def test_a_series_without_any_record_is_taken_as_known_from_end_to_end() -> None:
    store = MemoryStore()
    minutes = make_bars(start=at(2, 13, 30), n=390)
    store.commit(make_change(minutes.take(np.flatnonzero(np.arange(390) > 4)), fetched_at=NOW))

    report = run(store, Timeframe.MINUTE_5)

    assert report.results == (TimeframeResult(Timeframe.MINUTE_5, bars=77, added=77),)
    coverage = store.coverage(BarQuery("AAPL", Timeframe.MINUTE_5, *EVER))
    assert [(c.start, c.end) for c in coverage] == [(at(2, 13, 35), at(2, 20))]


def test_adjusted_bars_make_adjusted_bars(store: BarStore) -> None:
    fill(store, make_bars(start=at(2, 13, 30), n=390))
    adjusted = make_bars(start=at(2, 13, 30), n=390, adjustment=Adjustment.TOTAL, price=50.0)
    store.commit(make_change(adjusted, fetched_at=NOW))

    resample_and_store(
        store,
        REGISTRY,
        "AAPL",
        now=NOW,
        to=[Timeframe.DAILY],
        adjustment=Adjustment.TOTAL,
        calendars=new_york,
    )

    series = [info.series for info in store.symbols(Timeframe.DAILY)]
    assert [s.adjustment for s in series] == [Adjustment.TOTAL]
