"""Every US clock change and half day from 2005 to 2026, from the list that core ships.

The list names days; what each must give (first minute, number of minutes, number of longer bars) is
worked by hand from the exchange's hours: 9:30 to 16:00 New York, 13:00 on half days.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pytest

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import BarQuery, Bars, to_us
from simutrador_core.models.enums import GapReason, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.validation import ledger as ledgers
from simutrador_data.services.validation.ledger import Known, build_ledger
from simutrador_data.services.workflows.resampling import resample_counted

LIST: Final = "us_clock_changes_and_half_days.toml"
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Day:
    """A session and what it must give: its open in UTC, and how many bars of each timeframe."""

    session: date
    opens: datetime
    minutes: int

    @property
    def bars(self) -> dict[Timeframe, int]:
        return {
            390: {
                Timeframe.MINUTE_5: 78, Timeframe.MINUTE_15: 26, Timeframe.MINUTE_30: 13,
                Timeframe.HOUR_1: 7, Timeframe.HOUR_2: 4, Timeframe.HOUR_4: 2, Timeframe.DAILY: 1,
            },
            210: {
                Timeframe.MINUTE_5: 42, Timeframe.MINUTE_15: 14, Timeframe.MINUTE_30: 7,
                Timeframe.HOUR_1: 4, Timeframe.HOUR_2: 2, Timeframe.HOUR_4: 1, Timeframe.DAILY: 1,
            },
        }[self.minutes]  # fmt: skip


def day(session: date, opens: str, minutes: int) -> Day:
    return Day(session, datetime.fromisoformat(f"{session}T{opens}:00+00:00"), minutes)


def days_of_the_list() -> list[Day]:
    """Return the sessions on both sides of each clock change, and every half day."""
    text = (files("simutrador_core.sessions") / "data" / LIST).read_text(encoding="utf-8")
    found: list[Day] = []
    for year in tomllib.loads(text)["year"]:
        for change, before, after in (
            (year["clocks_forward"], "14:30", "13:30"),
            (year["clocks_back"], "13:30", "14:30"),
        ):
            assert change.weekday() == 6
            found.append(day(change - timedelta(days=2), before, 390))
            found.append(day(change + timedelta(days=1), after, 390))
        # 3 July lies in summer time; the Friday after Thanksgiving and 24 December in winter time.
        found += [day(d, "13:30" if d.month == 7 else "14:30", 210) for d in year["half_days"]]
    return found


def minutes_of(one: Day) -> Bars:
    rng = np.random.default_rng(one.session.toordinal())
    return make_bars(
        "SPY",
        opened_at=[one.opens + k * MINUTE for k in range(one.minutes)],
        close=(rng.integers(10_000, 20_000, one.minutes) / 100).tolist(),
        volume=rng.integers(1, 1 << 20, one.minutes).astype(np.float64).tolist(),
    )


def misjudged(one: Day, bars: Bars) -> Iterator[str]:
    """Yield what the ledger says wrongly about a day on which every minute is there."""
    start = datetime(one.session.year, one.session.month, one.session.day, tzinfo=UTC)
    query = BarQuery("SPY", Timeframe.MINUTE_1, start, start + timedelta(days=1))
    asked = Known(coverage=[Coverage(query.start, query.end, query.end, "test", len(bars))])
    ledger = build_ledger(query, bars, calendar=get_calendar("XNYS"), known=asked)
    counted = ledger.expected, ledger.present, ledger.strays.outside, ledger.strays.off_grid
    if counted != (one.minutes, one.minutes, 0, 0):
        yield f"{one.session}: expected, present, outside, off the grid {counted}"
    tails = [(g.start, g.end) for g in ledger.gaps if g.reason is GapReason.CLOSED]
    cut = one.opens + one.minutes * MINUTE
    if tails != ([(cut, one.opens + 390 * MINUTE)] if one.minutes == 210 else []):
        yield f"{one.session}: closed {tails}"


def misbuilt(one: Day, bars: Bars) -> Iterator[str]:
    """Yield what resampling loses, shifts or doubles on a day."""
    for to, count in one.bars.items():
        made = resample_counted(bars, to=to, calendar=get_calendar("XNYS"))
        got = made.bars
        if len(got) != count or (made.outside, made.forming) != (0, 0):
            yield f"{one.session} {to}: {len(got)} bars, {made.outside} outside"
        elif got.opened_at[0] != to_us(one.opens) or made.ends[-1] != to_us(
            one.opens + one.minutes * MINUTE
        ):
            yield f"{one.session} {to}: shifted"
        elif (got.volume.sum(), got.high.max(), got.low.min()) != (
            bars.volume.sum(), bars.high.max(), bars.low.min(),
        ):  # fmt: skip
            yield f"{one.session} {to}: sum of volume, highest or lowest not preserved"
        elif got.volume[0] != bars.volume[: _first(to, one.minutes)].sum():
            yield f"{one.session} {to}: the first bar holds other minutes"


def _first(to: Timeframe, whole_day: int) -> int:
    """Return how many minutes the first bar holds."""
    widths = {
        Timeframe.MINUTE_5: 5, Timeframe.MINUTE_15: 15, Timeframe.MINUTE_30: 30,
        Timeframe.HOUR_1: 60, Timeframe.HOUR_2: 120, Timeframe.HOUR_4: 240,
    }  # fmt: skip
    return widths.get(to, whole_day)


def half_days_are_whole_days() -> AbstractContextManager[object]:
    """Fault: nobody told the ledger that the exchange closes early."""
    honest = ledgers.sessions_around
    six_and_a_half_hours = 390 * 60_000_000

    def whole(*arguments: Any) -> Any:
        plan = honest(*arguments)
        closes = plan.opens + six_and_a_half_hours
        return replace(plan, closes=closes, breaks_start=closes, breaks_end=closes)

    return patch.object(ledgers, "sessions_around", whole)


@pytest.mark.acceptance("D2", package="data-manager", breaks=half_days_are_whole_days)
def test_us_clock_changes_and_half_days_have_their_minutes_and_keep_them(
    figure: Callable[[str], None],
) -> None:
    days = days_of_the_list()
    wrong: list[str] = []
    for one in days:
        bars = minutes_of(one)
        wrong += misjudged(one, bars)
        wrong += misbuilt(one, bars)
    assert wrong == []
    assert len(days) == 4 * 22 + sum(one.minutes == 210 for one in days)
    figure(f"{len(days)} sessions of 22 years, every minute expected, kept and in its place")


def test_the_year_2024_is_252_sessions_and_97740_minutes() -> None:
    # NYSE, Holidays & Trading Hours 2024: 252 trading days, three of them half days.
    assert 249 * 390 + 3 * 210 == 97_740
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    nothing = make_bars("SPY", n=0)
    query = BarQuery("SPY", Timeframe.MINUTE_1, start, end)
    ledger = build_ledger(query, nothing, calendar=get_calendar("XNYS"), known=Known())
    assert (len(ledger.counts), ledger.expected) == (252, 97_740)
