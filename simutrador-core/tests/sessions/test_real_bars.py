"""First and last real bars agree with the calendars: bars recorded by others know no calendar."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.models.bars import I64, to_us
from simutrador_core.sessions.calendar import MINUTE_US
from simutrador_core.sessions.exchange import get_calendar

NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
HOUR_US = 60 * MINUTE_US
QUARTER_US = 15 * MINUTE_US

OCTOBER_2013 = (4, 7, 8, 9, 10, 11)
SPY_DAYS = [*(f"spy/201310{day:02}" for day in OCTOBER_2013), "spy/20230803"]
BAC_DAYS = [f"bac/201310{day:02}" for day in OCTOBER_2013]


def zip_rows(path: Path) -> Iterator[list[str]]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    yield from csv.reader(io.StringIO(text))


def minute_bars(path: Path, zone: ZoneInfo) -> dict[int, float]:
    """Return volume by open, microseconds UTC, of a file of milliseconds since local midnight."""
    midnight = to_us(datetime.combine(date.fromisoformat(path.name[:8]), time(0), zone))
    return {midnight + 1000 * int(row[0]): float(row[5]) for row in zip_rows(path)}


def opens_of(path: Path, zone: tzinfo) -> list[datetime]:
    """Return the opens of a file of hourly or daily bars that are written in `zone`."""
    return [parse_wall(row[0], "%Y%m%d %H:%M", zone) for row in zip_rows(path)]


def parse_wall(text: str, form: str, zone: tzinfo) -> datetime:
    return datetime.strptime(f"{text} +0000", f"{form} %z").replace(tzinfo=zone)


@pytest.mark.parametrize("name", SPY_DAYS + BAC_DAYS)
def test_every_us_minute_is_there_and_volume_jumps_with_the_open(
    test_data: Path, name: str
) -> None:
    path = test_data / f"bars/equity_us/minute/{name}_trade.zip"
    bars = minute_bars(path, NEW_YORK)
    minutes = get_calendar("XNYS").minutes(date.fromisoformat(path.name[:8])).tolist()
    assert set(minutes) <= set(bars)
    # The files hold pre-market bars too, so presence alone would not show where the session begins.
    opens = minutes[0]
    assert typical_volume(bars, opens) > 10 * typical_volume(bars, opens - QUARTER_US)


@pytest.mark.parametrize("name", BAC_DAYS)
def test_us_volume_falls_away_with_the_close(test_data: Path, name: str) -> None:
    """SPY cannot show this: it trades on until 16:15 with its options, at up to two thirds."""
    path = test_data / f"bars/equity_us/minute/{name}_trade.zip"
    bars = minute_bars(path, NEW_YORK)
    closes = get_calendar("XNYS").minutes(date.fromisoformat(path.name[:8])).tolist()[-1]
    after = closes + MINUTE_US
    assert typical_volume(bars, after - QUARTER_US) > 10 * typical_volume(bars, after)


def typical_volume(bars: dict[int, float], start: int) -> float:
    """Return the median volume of the quarter of an hour from `start`."""
    return median(bars.get(at, 0.0) for at in range(start, start + QUARTER_US, MINUTE_US))


@pytest.mark.parametrize("day", ["20130627", "20130628"])
def test_thin_us_stock_trades_in_the_first_and_the_last_minute(test_data: Path, day: str) -> None:
    path = test_data / f"bars/equity_us/minute/nwsa/{day}_trade.zip"
    minutes = get_calendar("XNYS").minutes(date.fromisoformat(day))
    assert {int(minutes[0]), int(minutes[-1])} <= set(minute_bars(path, NEW_YORK))


def test_a_month_across_the_clock_change_has_390_minutes_a_session(test_data: Path) -> None:
    lines = (test_data / "bars/equity_us/minute_csv/nt-spy-minute-2011-03.csv").read_text()
    ends = [parse_wall(line[:15], "%Y%m%d %H%M%S", UTC) for line in lines.split("\n") if line]
    opens = {to_us(end) - MINUTE_US for end in ends}
    calendar = get_calendar("XNYS", date(2011, 3, 1), date(2011, 4, 1))
    present = {
        day.isoformat(): len(opens.intersection(calendar.minutes(day).tolist()))
        for day in calendar.schedule.sessions.tolist()
    }
    assert present == dict.fromkeys(present, 390)
    assert len(present) == 23


def test_daily_bars_of_23_years_are_exactly_the_sessions(test_data: Path) -> None:
    days = [at.date() for at in opens_of(test_data / "bars/equity_us/daily/spy.zip", NEW_YORK)]
    plan = get_calendar("XNYS").between(days[0], days[-1] + timedelta(days=1))
    assert plan.sessions.tolist() == days
    assert len(days) == 5849


def test_hourly_bars_open_and_close_with_the_sessions(test_data: Path) -> None:
    """Bars start at 09:00, 10:00, ... New York; before 2009 the files run on after early closes."""
    by_day: dict[date, list[time]] = defaultdict(list)
    for at in opens_of(test_data / "bars/equity_us/hour/spy.zip", NEW_YORK):
        by_day[at.date()].append(at.time())
    calendar = get_calendar("XNYS")
    wrong: list[date] = []
    for day, hours in by_day.items():
        session = calendar.hours(day)
        first = session.open.astimezone(NEW_YORK).time().replace(minute=0)
        last = (session.close - timedelta(minutes=1)).astimezone(NEW_YORK).time().replace(minute=0)
        closes_right = min(hours[-1], last) == last if day.year < 2009 else hours[-1] == last
        if hours[0] != first or not closes_right:
            wrong.append(day)
    # SPY was listed on the American Stock Exchange, which opened at 11:00 that day.
    assert wrong == [date(2002, 9, 11)]


def test_new_york_stock_opens_at_noon_on_the_first_anniversary(test_data: Path) -> None:
    opens = opens_of(test_data / "bars/equity_us/hour/bac.zip", NEW_YORK)
    first = min(at for at in opens if at.date() == date(2002, 9, 11))
    hours = get_calendar("XNYS").hours(date(2002, 9, 11))
    assert hours.open == first


@pytest.mark.parametrize("day", ["20190101", "20190102", "20190103", "20190104"])
def test_indian_minutes_begin_and_end_with_the_session(test_data: Path, day: str) -> None:
    path = test_data / f"bars/equity_in/minute/juniorbees/{day}_trade.zip"
    bars = sorted(minute_bars(path, KOLKATA))
    minutes = get_calendar("XNSE").minutes(date.fromisoformat(day)).tolist()
    assert (bars[0], bars[-1]) == (minutes[0], minutes[-1])
    assert set(bars) <= set(minutes)


@pytest.mark.parametrize(
    "name",
    ["binance/minute/btcbusd/20221213", "coinbase/minute/btcusd/20170903"]
    + [f"coinbase/minute/btcusd/201610{day:02}" for day in (7, 8, 9)],
)
def test_coins_trade_from_midnight_to_midnight(test_data: Path, name: str) -> None:
    path = test_data / f"bars/crypto/{name}_trade.zip"
    bars = sorted(minute_bars(path, ZoneInfo("UTC")))
    minutes = get_calendar("24/7").minutes(date.fromisoformat(path.name[:8])).tolist()
    assert (bars[0], bars[-1]) == (minutes[0], minutes[-1])


def fx_hours_2017(test_data: Path) -> I64:
    path = test_data / "bars/forex/hour_csv/FOREX_EURUSD_1H_ASK.csv"
    with path.open(encoding="utf-8", newline="") as file:
        texts = [row["Time"] for row in csv.DictReader(file)]
    opens = [to_us(parse_wall(text, "%d.%m.%Y %H:%M:%S.%f", UTC)) for text in texts]
    return np.array(opens, dtype=np.int64)


def test_fx_hours_of_2017_fill_the_sessions(test_data: Path) -> None:
    bars = fx_hours_2017(test_data)
    calendar = get_calendar("24/5", date(2017, 1, 2), date(2017, 12, 30))
    plan = calendar.schedule
    starts, ends = plan.opens.tolist(), plan.closes.tolist()
    wanted = {at for a, b in zip(starts, ends, strict=True) for at in range(a, b, HOUR_US)}
    assert wanted <= set(bars.tolist())
    outside = sorted(set(bars.tolist()) - wanted)
    # A thin tail of quotes on the evening and night before Christmas Day, which we call closed.
    christmas = to_us(datetime(2017, 12, 24, 23, tzinfo=UTC))
    assert outside == [christmas + k * HOUR_US for k in range(9)]


def test_fxcm_never_traded_in_the_sessions_we_call_closed(test_data: Path) -> None:
    path = test_data / "bars/forex/fxcm/hour/eurusd.zip"
    opens = opens_of(path, timezone(timedelta(hours=-5)))
    bars = np.array([to_us(at) for at in opens], dtype=np.int64)
    calendar = get_calendar("24/5", date(2007, 4, 1), date(2018, 7, 1))
    closed = np.array(sorted(calendar.closures), dtype="datetime64[D]")
    one_day = np.timedelta64(1, "D")
    rolls = ((closed - one_day).astype("datetime64[us]").astype(np.int64)) + 22 * HOUR_US  # winter
    inside = [int(np.sum((bars >= a) & (bars < a + 24 * HOUR_US))) for a in rolls.tolist()]
    assert inside == [0] * len(closed)
    assert len(closed) == 16
