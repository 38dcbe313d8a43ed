"""Daily bars against their minutes: what auctions may add, and what they may not. By hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.calendars import make_calendar
from simutrador_data.services.analysis.quality.cross_timeframe import find_timeframe_differences
from simutrador_data.services.analysis.quality.findings import Finding

DAYS = (date(2024, 1, 8), date(2024, 1, 10))
NEW_YORK = make_calendar(*DAYS)
AROUND_THE_CLOCK = replace(NEW_YORK, name="24/7")
OPEN = datetime(2024, 1, 8, 14, 30, tzinfo=UTC)


def minutes(*, without: tuple[int, ...] = ()) -> Bars:
    """Return two sessions of minutes: 100.00 and a cent more each minute, 10 shares each."""
    opened = [OPEN + timedelta(days=d, minutes=m) for d in (0, 1) for m in range(390)]
    price = (np.tile(np.arange(10_000, 10_390), 2) / 100).astype(np.float64)
    bars = make_bars(opened_at=opened, close=price, volume=np.full(780, 10.0))
    return bars.take(np.setdiff1d(np.arange(780), without))


def daily(**columns: float) -> Bars:
    """Return the two daily bars of the minutes, the second with other values."""
    values = {"open": 100.0, "high": 103.89, "low": 100.0, "close": 103.89, "volume": 3_900.0}
    opened = [OPEN, OPEN + timedelta(days=1)]
    bars = make_bars(timeframe=Timeframe.DAILY, opened_at=opened)
    return replace(
        bars,
        **{name: np.array([value, columns.get(name, value)]) for name, value in values.items()},
    )


def found(day: Bars, of: Bars, calendar: Calendar = NEW_YORK) -> list[Finding]:
    schedule = calendar.between(*DAYS)
    return list(find_timeframe_differences(day, of, calendar=calendar, schedule=schedule))


@pytest.mark.parametrize("calendar", [NEW_YORK, AROUND_THE_CLOCK])
def test_daily_bars_that_their_minutes_make_are_right(calendar: Calendar) -> None:
    assert found(daily(), minutes(), calendar) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"close": 104.30, "high": 104.30},  # the auction 0.39 % above the last minute
        {"open": 99.60, "low": 99.60},  # the opening auction 0.4 % below
        {"volume": 7_800.0},  # as many shares in the auctions as in the minutes
    ],
)
def test_auctions_may_add_to_a_day_of_shares(columns: dict[str, float]) -> None:
    assert found(daily(**columns), minutes()) == []
    assert found(daily(**columns), minutes(), AROUND_THE_CLOCK) != []


@pytest.mark.parametrize(
    ("columns", "name", "figure", "limit"),
    [
        ({"close": 104.93, "high": 104.93}, "close", 104.93 / 103.89 - 1, 0.005),
        ({"open": 101.0}, "open", 0.01, 0.005),
        ({"high": 104.0}, "high", 104.0 / 103.89 - 1, 0.0001),
        ({"high": 103.0, "close": 103.0}, "high", 1 - 103.0 / 103.89, 0.0001),
        ({"low": 99.0}, "low", 0.01, 0.0001),
        ({"volume": 3_800.0}, "volume", 100 / 3_900, 0.01),
        ({"volume": 8_000.0}, "volume", 4_100 / 8_000, 0.5),
    ],
)
def test_what_no_auction_explains_is_found(
    columns: dict[str, float], name: str, figure: float, limit: float
) -> None:
    by_rule = {one.rule.split()[0]: one for one in found(daily(**columns), minutes())}
    one = by_rule[name]
    assert one.figure == pytest.approx(figure, rel=1e-9)
    assert one.limit == limit
    assert one.bars.sessions is not None
    assert one.bars.sessions.tolist() == [date(2024, 1, 9)]
    assert one.other is not None
    assert one.other.volume.tolist() == [3_900.0]


def test_a_session_that_lacks_minutes_may_be_narrower_than_its_day_and_never_wider() -> None:
    lacking = minutes(without=(390, 779))  # the second session without its first and last minute
    assert found(daily(), lacking, AROUND_THE_CLOCK) == []
    (one,) = found(daily(volume=3_000.0), lacking, AROUND_THE_CLOCK)
    assert one.figure == pytest.approx(880 / 3_880)


def test_days_without_minutes_and_minutes_without_a_day_are_not_compared() -> None:
    assert found(daily(), minutes(without=tuple(range(390, 780)))) == []
    assert found(daily().take(slice(0, 1)), minutes()) == []
    assert found(daily(), Bars.empty("AAPL", Timeframe.MINUTE_1)) == []


def test_minutes_outside_of_trading_hours_are_no_part_of_a_day() -> None:
    early = make_bars(opened_at=[OPEN - timedelta(minutes=30)], close=[250.0], volume=[1e6])
    whole = minutes()
    columns = {
        name: np.concatenate([getattr(early, name), getattr(whole, name)])
        for name in ("opened_at", "open", "high", "low", "close", "volume")
    }
    assert found(daily(), replace(whole, **columns)) == []
