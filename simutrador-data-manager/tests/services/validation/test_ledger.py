"""The gap ledger: every absent bar has one reason. Cases are worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidBarsError
from simutrador_core.interfaces.storage import Coverage
from simutrador_core.interfaces.validation import Gap
from simutrador_core.models.bars import BarQuery, Bars, from_us, to_us
from simutrador_core.models.enums import Alignment, GapReason, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.calendars import make_calendar
from simutrador_data.services.validation.ledger import (
    Explanation,
    Known,
    Ledger,
    ReasonTotal,
    SessionCount,
    build_ledger,
    join_ledgers,
)

NEW_YORK = make_calendar(
    date(2024, 1, 1),
    date(2025, 1, 1),
    holidays={date(2024, 1, 1): "New Year's Day", date(2024, 7, 4): "Independence Day"},
    early_closes={date(2024, 7, 3): time(13)},
)
ASKED_AT = datetime(2024, 12, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(day: int, hour: int = 0, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2024, month, day, hour, minute, tzinfo=UTC)


def minutes(start: datetime, end: datetime, *, without: tuple[datetime, ...] = ()) -> Bars:
    count = (end - start) // MINUTE
    opened = [start + k * MINUTE for k in range(count)]
    return make_bars(opened_at=[t for t in opened if t not in without])


def joined(*parts: Bars) -> Bars:
    return make_bars(opened_at=[from_us(t) for part in parts for t in part.opened_at])


def judge(bars: Bars, start: datetime, end: datetime, known: Known | None = None) -> Ledger:
    query = BarQuery(bars.symbol, bars.timeframe, start, end, bars.adjustment)
    return build_ledger(query, bars, calendar=NEW_YORK, known=known or Known())


def asked(start: datetime, end: datetime, *, of: str = "acme") -> Coverage:
    return Coverage(start, end, ASKED_AT, of, 0)


def told(gap: Gap) -> tuple[str, datetime, datetime, int]:
    return gap.reason.value, gap.start, gap.end, gap.expected


def test_a_whole_session_has_no_gaps() -> None:
    ledger = judge(minutes(at(2, 13, 30), at(2, 20)), at(2), at(3))

    assert (ledger.expected, ledger.present, ledger.completeness) == (390, 390, 1.0)
    assert ledger.gaps == []
    assert ledger.is_explained
    assert list(ledger.counts) == [SessionCount(date(2024, 7, 2), 390, 390)]


def test_a_whole_winter_session_is_complete_too() -> None:
    # 14:30 to 21:00 UTC; fixed UTC hours once called this 84.6 % complete.
    bars = minutes(at(2, 14, 30, month=1), at(2, 21, month=1))

    assert judge(bars, at(2, month=1), at(3, month=1)).completeness == 1.0


def test_a_vendor_that_was_asked_and_lacks_minutes_has_a_hole() -> None:
    holes = (at(2, 14), at(2, 14, 1), at(2, 15))
    bars = minutes(at(2, 13, 30), at(2, 20), without=holes)
    known = Known(coverage=[asked(at(2, 13, 30), at(2, 20), of="file:spy.csv")])

    ledger = judge(bars, at(2), at(3), known)

    assert [told(gap) for gap in ledger.gaps] == [
        ("vendor_hole", at(2, 14), at(2, 14, 2), 2),
        ("vendor_hole", at(2, 15), at(2, 15, 1), 1),
    ]
    assert ledger.gaps[0].evidence == "absent from file:spy.csv (asked 2024-12-01)"
    assert ledger.by_reason() == {GapReason.VENDOR_HOLE: ReasonTotal(bars=3, runs=2)}
    assert ledger.is_explained


def test_the_latest_time_each_source_was_asked_is_told() -> None:
    hours = at(2, 13, 30), at(2, 20)
    coverage = [
        Coverage(*hours, at(1, month=9), "zeta", 0),
        Coverage(*hours, at(1, month=8), "zeta", 0),
        Coverage(*hours, at(3, month=8), "acme", 0),
    ]

    ledger = judge(minutes(at(2, 13, 30), at(2, 19)), at(2), at(3), Known(coverage=coverage))

    assert ledger.gaps[0].evidence == (
        "absent from acme (asked 2024-08-03), zeta (asked 2024-09-01)"
    )


def test_minutes_no_source_was_asked_for_are_not_fetched() -> None:
    known = Known(coverage=[asked(at(2, 13, 30), at(2, 18))])

    ledger = judge(minutes(at(2, 13, 30), at(2, 18)), at(2), at(3), known)

    assert [told(gap) for gap in ledger.gaps] == [("not_fetched", at(2, 18), at(2, 20), 120)]


def test_a_source_asked_at_noon_leaves_the_afternoon_unfetched() -> None:
    early = Coverage(at(2, 13, 30), at(2, 20), at(2, 16), "acme", 149)
    bars = minutes(at(2, 13, 30), at(2, 16), without=(at(2, 14),))

    ledger = judge(bars, at(2), at(3), Known(coverage=[early]))

    assert [told(gap)[0] for gap in ledger.gaps] == ["vendor_hole", "not_fetched"]
    assert ledger.gaps[1].start == at(2, 16)


def test_a_hole_between_bars_without_any_record_stays_unexplained() -> None:
    bars = minutes(at(2, 13, 31), at(2, 19, 59), without=(at(2, 14),))
    edges = int(bars.opened_at[0]), int(bars.opened_at[-1])

    ledger = judge(bars, at(2), at(3), Known(unrecorded=edges))

    assert [told(gap)[0] for gap in ledger.gaps] == ["not_fetched", "unexplained", "not_fetched"]
    assert not ledger.is_explained


def test_nothing_is_expected_on_a_holiday_and_after_an_early_close() -> None:
    bars = joined(
        minutes(at(2, 13, 30), at(2, 20)),
        minutes(at(3, 13, 30), at(3, 17)),
        minutes(at(5, 13, 30), at(5, 20)),
    )

    ledger = judge(bars, at(2), at(6))

    assert [told(gap) for gap in ledger.gaps] == [
        ("closed", at(3, 17), at(3, 20), 0),
        ("closed", at(4, 4), at(5, 4), 0),
    ]
    assert [gap.evidence for gap in ledger.gaps] == ["early close at 13:00", "Independence Day"]
    assert ledger.completeness == 1.0
    assert [count.expected for count in ledger.counts] == [390, 210, 390]


def test_weekends_are_no_gaps() -> None:
    assert judge(make_bars(n=0), at(6), at(8)).gaps == []


def test_a_daily_bar_is_not_absent_because_its_session_closed_early() -> None:
    days = [at(2, 13, 30), at(3, 13, 30), at(5, 13, 30)]
    bars = make_bars(timeframe=Timeframe.DAILY, opened_at=days)

    ledger = judge(bars, at(2), at(6))

    assert [(gap.reason, gap.session) for gap in ledger.gaps] == [
        (GapReason.CLOSED, date(2024, 7, 4))
    ]


def test_sessions_before_listing_and_after_delisting_are_named_so() -> None:
    bars = make_bars(timeframe=Timeframe.DAILY, opened_at=[at(9, 13, 30), at(10, 13, 30)])
    known = Known(listed=date(2024, 7, 9), delisted=date(2024, 7, 11))

    ledger = judge(bars, at(8), at(12), known)

    assert [(gap.session.day, gap.reason.value, gap.evidence) for gap in ledger.gaps] == [
        (8, "not_listed", "listed on 2024-07-09"),
        (11, "delisted", "delisted on 2024-07-11"),
    ]
    assert (ledger.expected, ledger.present, ledger.excused) == (2, 2, 2)
    assert ledger.completeness == 1.0


def test_the_week_in_which_a_stock_lists_is_not_before_its_listing() -> None:
    weeks = make_bars(timeframe=Timeframe.WEEKLY, n=0)

    ledger = judge(weeks, at(8), at(20), Known(listed=date(2024, 7, 17)))

    assert [gap.reason.value for gap in ledger.gaps] == ["not_listed", "not_fetched"]


def test_a_halt_explains_the_minutes_it_touches_and_no_others() -> None:
    out = tuple(at(2, 14, m) for m in range(2, 9))
    bars = minutes(at(2, 13, 30), at(2, 20), without=out)
    halt = Explanation(
        at(2, 14, 3) + timedelta(seconds=20),
        at(2, 14, 7) + timedelta(seconds=5),
        GapReason.HALTED,
        "volatility halt, exchange notice 2024-07-02",
    )
    known = Known(coverage=[asked(at(2), at(3))], explanations=[halt])

    ledger = judge(bars, at(2), at(3), known)

    assert [told(gap) for gap in ledger.gaps] == [
        ("vendor_hole", at(2, 14, 2), at(2, 14, 3), 1),
        ("halted", at(2, 14, 3), at(2, 14, 8), 5),
        ("vendor_hole", at(2, 14, 8), at(2, 14, 9), 1),
    ]
    assert ledger.gaps[1].evidence == "volatility halt, exchange notice 2024-07-02"
    # Seven minutes are absent of 390; in five of them nobody could trade.
    assert (ledger.expected, ledger.present, ledger.excused) == (385, 383, 5)
    assert ledger.completeness == 383 / 385


def test_a_minute_confirmed_without_trades_is_no_hole() -> None:
    quiet = at(2, 14)
    bars = minutes(at(2, 13, 30), at(2, 20), without=(quiet,))
    none = Explanation(quiet, quiet + MINUTE, GapReason.NO_TRADE, "no trades at acme")

    ledger = judge(bars, at(2), at(3), Known(coverage=[asked(at(2), at(3))], explanations=[none]))

    assert [(gap.reason.value, gap.evidence) for gap in ledger.gaps] == [
        ("no_trade", "no trades at acme")
    ]
    assert ledger.completeness == 1.0


def test_a_special_closure_takes_bars_out_of_what_is_expected() -> None:
    storm = Explanation(at(2, 18), at(2, 20), GapReason.CLOSED, "storm, exchange notice")

    ledger = judge(minutes(at(2, 13, 30), at(2, 18)), at(2), at(3), Known(explanations=[storm]))

    assert list(ledger.counts) == [SessionCount(date(2024, 7, 2), 270, 270)]
    assert [told(gap) for gap in ledger.gaps] == [("closed", at(2, 18), at(2, 20), 0)]


ALL_DAY = at(2), at(3)
FACTS: list[tuple[GapReason, Callable[[dict[str, object]], None]]] = [
    (GapReason.CLOSED, lambda k: _explain(k, GapReason.CLOSED)),
    (GapReason.NOT_LISTED, lambda k: k.update(listed=date(2024, 7, 3))),
    (GapReason.DELISTED, lambda k: k.update(delisted=date(2024, 7, 2))),
    (GapReason.HALTED, lambda k: _explain(k, GapReason.HALTED)),
    (GapReason.NO_TRADE, lambda k: _explain(k, GapReason.NO_TRADE)),
    (GapReason.VENDOR_HOLE, lambda k: k.update(coverage=[asked(*ALL_DAY)])),
    (GapReason.NOT_FETCHED, lambda _: None),
]


def _explain(known: dict[str, object], reason: GapReason) -> None:
    before = known.get("explanations", [])
    assert isinstance(before, list)
    known["explanations"] = [*before, Explanation(*ALL_DAY, reason, "told so")]


@pytest.mark.parametrize("first", range(len(FACTS)))
def test_of_several_reasons_the_earliest_in_the_order_wins(first: int) -> None:
    known: dict[str, object] = {}
    for _, add in reversed(FACTS[first:]):
        add(known)

    ledger = judge(make_bars(n=0), *ALL_DAY, Known(**known))  # pyright: ignore[reportArgumentType] -- a table of facts

    assert list(ledger.by_reason()) == [FACTS[first][0]]


def test_a_run_ends_with_its_session() -> None:
    ledger = judge(make_bars(n=0), at(1), at(3))

    assert [(gap.session.day, gap.expected) for gap in ledger.gaps] == [(1, 390), (2, 390)]


def test_bars_before_the_open_and_off_the_grid_are_strays_not_presence() -> None:
    start = at(2, 13, 30)
    regular = [start + k * MINUTE for k in range(390)]
    regular[10] += timedelta(seconds=30)
    bars = make_bars(opened_at=[at(2, 12), at(2, 13, 29), *regular, at(2, 20), at(2, 21)])

    ledger = judge(bars, at(2), at(3))

    assert (ledger.strays.outside, ledger.strays.off_grid) == (4, 1)
    assert (ledger.expected, ledger.present, ledger.rows) == (390, 389, 394)


def test_hours_cut_on_the_clock_are_recognised() -> None:
    bars = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7)

    ledger = judge(bars, at(2), at(3))

    assert ledger.alignment is Alignment.POLYGON
    assert (ledger.expected, ledger.present) == (7, 7)


def test_hours_from_the_open_are_recognised() -> None:
    bars = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13, 30), n=7)

    assert judge(bars, at(2), at(3)).alignment is Alignment.SESSION


def test_a_half_bar_asked_for_from_the_open_is_a_vendor_hole() -> None:
    bars = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 14), n=6)
    known = Known(coverage=[asked(at(2, 13, 30), at(2, 20))])

    ledger = judge(bars, at(2), at(3), known)

    assert [told(gap) for gap in ledger.gaps] == [("vendor_hole", at(2, 13), at(2, 14), 1)]


def test_bars_of_another_series_are_refused() -> None:
    query = BarQuery("MSFT", Timeframe.MINUTE_1, at(2), at(3))

    with pytest.raises(InvalidBarsError, match="asked to judge MSFT 1min raw, given bars of AAPL"):
        build_ledger(query, make_bars(), calendar=NEW_YORK, known=Known())


def test_ledgers_of_touching_ranges_join_into_the_whole() -> None:
    bars = joined(
        minutes(at(2, 13, 30), at(2, 20), without=(at(2, 15),)),
        minutes(at(3, 13, 30), at(3, 17), without=(at(3, 15),)),
    )
    whole = judge(bars, at(2), at(5))
    cut = to_us(at(3))

    parts = join_ledgers(
        [
            judge(bars.between(0, cut), at(2), at(3)),
            judge(bars.between(cut, to_us(at(5))), at(3), at(5)),
        ]
    )

    assert parts.gaps == whole.gaps
    assert parts.by_reason() == whole.by_reason()
    assert list(parts.counts) == list(whole.counts)
    assert parts.query == whole.query


@settings(max_examples=50)
@given(st.sets(st.integers(0, 599)))
def test_gaps_are_exactly_the_minutes_taken_away(absent: set[int]) -> None:
    sessions = [(at(2, 13, 30), 390), (at(3, 13, 30), 210)]
    opened = [start + k * MINUTE for start, count in sessions for k in range(count)]
    bars = make_bars(opened_at=[t for k, t in enumerate(opened) if k not in absent])

    ledger = judge(bars, at(2), at(4))
    missing = [gap for gap in ledger.gaps if gap.reason is not GapReason.CLOSED]

    found = {
        gap.start + k * MINUTE for gap in missing for k in range((gap.end - gap.start) // MINUTE)
    }
    assert found == {opened[k] for k in absent}
    assert sum(gap.expected for gap in missing) == len(absent)
    assert ledger.present == 600 - len(absent)
    assert int(np.sum(ledger.counts.reasons)) == len(absent)
