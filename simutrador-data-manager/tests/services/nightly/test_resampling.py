"""Longer timeframes made night by night are those made at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, SeriesKey, concat
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.nightly.dates import Sessions
from simutrador_data.services.nightly.resampling import resample_symbol
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.resample_store import resample_and_store

REGISTRY = AssetRegistry.default()
TARGETS = [one for one in Timeframe if one is not Timeframe.MINUTE_1]
FIRST, LAST = date(2024, 1, 24), date(2024, 2, 7)  # over the end of a week and of a month


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[ParquetStore, ParquetStore]]:
    with ParquetStore(tmp_path / "nightly") as one, ParquetStore(tmp_path / "once") as other:
        yield one, other


def sessions(calendar_name: str) -> list[date]:
    plan = get_calendar(calendar_name).between(FIRST, LAST)
    found: list[date] = plan.sessions.tolist()
    return found


def bars_of(symbol: str, calendar_name: str, session: date) -> Bars:
    hours = get_calendar(calendar_name).hours(session)
    minutes = int((hours.close - hours.open) / timedelta(minutes=1))
    price = 100.0 + session.toordinal() % 7
    return make_bars(symbol, start=hours.open, n=minutes, price=price)


def change(bars: Bars, first: datetime, last: datetime) -> Change:
    return Change([bars], [Covered(bars.series, first, last)], "test", "a test asked", last)


@pytest.mark.parametrize(("symbol", "calendar"), [("AAPL", "XNYS"), ("BTC-USD", "24/7")])
def test_night_by_night_equals_at_once(
    stores: tuple[ParquetStore, ParquetStore], symbol: str, calendar: str
) -> None:
    nightly, once = stores
    parts = {day: bars_of(symbol, calendar, day) for day in sessions(calendar)}
    for day, bars in parts.items():
        hours = get_calendar(calendar).hours(day)
        nightly.commit(change(bars, hours.open, hours.close))
        once.commit(change(bars, hours.open, hours.close))
        for to in TARGETS:
            made = resample_symbol(
                nightly, REGISTRY, symbol, to, sessions=Sessions(day, day), now=hours.close
            )
            assert made is not None
            assert made.error == ""
    resample_and_store(once, REGISTRY, symbol, now=datetime(2024, 2, 8, tzinfo=UTC), to=TARGETS)
    for to in TARGETS:
        wanted = query_all(symbol, to)
        if SeriesKey(symbol, to) in {info.series for info in once.symbols()}:
            assert_same_bars(nightly.read(wanted), once.read(wanted))
    assert len(concat(list(parts.values()))) == len(once.read(query_all(symbol)))
