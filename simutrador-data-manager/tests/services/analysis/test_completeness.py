"""What a gap ledger comes out as: three states, sums, percentages. Worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import GapReason
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.calendars import make_calendar
from simutrador_data.models.analysis import CompletenessResponse, SymbolCompleteness
from simutrador_data.services.analysis.completeness import completeness_of
from simutrador_data.services.analysis.overall import completeness_report
from simutrador_data.services.validation.ledger import Explanation, Known, Ledger, build_ledger

CALENDAR = make_calendar(date(2024, 1, 1), date(2025, 1, 1))
FIRST = date(2024, 1, 8)
MINUTE = timedelta(minutes=1)


def at(day: int, minute: int) -> datetime:
    """Return a minute of the session of that day of January, which opens at 14:30 UTC."""
    return datetime(2024, 1, day, 14, 30, tzinfo=UTC) + minute * MINUTE


def judged(
    absent: dict[int, list[int]], *, last: int = 8, notes: tuple[Explanation, ...] = ()
) -> Ledger:
    """Return the ledger of the sessions of 8 January to `last` without some minutes."""
    days = [8 + k for k in range(last - 7) if date(2024, 1, 8 + k).weekday() < 5]
    opens = [at(day, m) for day in days for m in range(390) if m not in absent.get(day, [])]
    start, end = datetime(2024, 1, 8, tzinfo=UTC), datetime(2024, 1, last + 1, tzinfo=UTC)
    bars = make_bars(opened_at=opens)
    asked = Coverage(start, end, datetime(2024, 2, 1, tzinfo=UTC), "acme", len(bars))
    query = BarQuery(bars.symbol, bars.timeframe, start, end, bars.adjustment)
    known = Known(coverage=[asked], explanations=notes)
    return build_ledger(query, bars, calendar=CALENDAR, known=known)


def of(ledger: Ledger, *, details: bool = True) -> SymbolCompleteness:
    return completeness_of(ledger, half_days=CALENDAR.early_closes, details=details)


def report(**found: SymbolCompleteness) -> CompletenessResponse:
    return completeness_report(FIRST, FIRST, found)


def test_the_documented_sums_of_ten_sessions() -> None:
    # Ten sessions of 390; 97 minutes are missing on two of them: 3803 of 3900 are there.
    found = of(judged({9: list(range(60)), 15: list(range(100, 137))}, last=21))

    assert (found.total_expected_candles, found.total_actual_candles) == (3_900, 3_803)
    assert found.missing_candles == 97
    assert found.completeness_percentage == 97.51  # 3803 / 3900 = 97.5128...
    assert (found.total_trading_days, found.valid_days, found.invalid_days) == (10, 8, 2)
    assert (found.days_with_gaps, found.total_missing_periods) == (2, 2)
    assert found.worst_day_completeness == 84.62  # 330 / 390
    assert found.best_day_completeness == 100.0
    assert found.average_daily_completeness == 97.51  # (8 * 100 + 84.615... + 90.512...) / 10


def test_a_minute_without_trade_is_complete_only_with_evidence() -> None:
    confirmed = Explanation(at(8, 10), at(8, 12), GapReason.NO_TRADE, "no trades (acme)")
    found = of(judged({8: [10, 11, 12]}, notes=(confirmed,)))

    assert (found.total_expected_candles, found.total_actual_candles) == (390, 387)
    assert (found.no_trade_candles, found.missing_candles) == (2, 1)
    assert found.completeness_percentage == 99.74  # 389 / 390
    assert found.validation_results is not None
    (day,) = found.validation_results
    assert day.missing_periods == ["2024-01-08T14:42:00Z to 2024-01-08T14:43:00Z"]
    assert day.warnings == ["2 minutes had no trade"]


def test_a_session_whose_absent_minutes_all_had_no_trade_is_valid() -> None:
    quiet = Explanation(at(8, 0), at(8, 30), GapReason.NO_TRADE, "no trades (acme)")
    halt = Explanation(at(8, 30), at(8, 40), GapReason.HALTED, "halted for news")
    found = of(judged({8: list(range(40))}, notes=(quiet, halt)))

    assert (found.valid_days, found.days_with_gaps, found.total_missing_periods) == (1, 0, 0)
    assert (found.completeness_percentage, found.no_trade_candles) == (100.0, 40)


def test_what_is_missing_for_two_reasons_in_a_row_is_one_period() -> None:
    early = datetime(2024, 1, 8, 16, 30, tzinfo=UTC)  # 120 minutes into the session
    ledger = judged({})
    bars = make_bars(opened_at=[at(8, m) for m in range(110)])
    asked = Coverage(ledger.query.start, ledger.query.end, early, "acme", 110)
    ledger = build_ledger(ledger.query, bars, calendar=CALENDAR, known=Known(coverage=[asked]))
    assert len(ledger.runs) == 2, "a vendor's hole of ten minutes, and what nobody asked for"

    found = of(ledger)

    assert found.total_missing_periods == 1
    assert found.validation_results is not None
    assert found.validation_results[0].largest_gap_minutes == 280
    assert found.validation_results[0].errors == [
        "Missing 280 candles (expected 390, got 110)",
        "Missing data from 2024-01-08T16:20:00Z to 2024-01-08T21:00:00Z",
    ]


def test_an_empty_session_says_so() -> None:
    found = of(judged({8: list(range(390))}, last=9))

    assert found.validation_results is not None
    assert found.validation_results[0].errors == ["No data found for 2024-01-08"]
    assert found.validation_results[0].completeness_percentage == 0.0
    assert found.validation_results[1].is_valid


def test_details_are_left_out_unless_asked_for() -> None:
    assert of(judged({}), details=False).validation_results is None


def test_a_period_without_sessions_is_not_called_incomplete() -> None:
    weekend = BarQuery(
        "AAPL",
        make_bars().timeframe,
        datetime(2024, 1, 6, tzinfo=UTC),
        datetime(2024, 1, 8, tzinfo=UTC),
        make_bars().adjustment,
    )
    empty = make_bars(opened_at=[])
    found = of(build_ledger(weekend, empty, calendar=CALENDAR, known=Known()))

    assert (found.total_trading_days, found.completeness_percentage) == (0, 100.0)
    assert (found.worst_day_completeness, found.best_day_completeness) == (100.0, 0.0)
    assert report(AAPL=found).symbols_needing_attention == []


def test_ninety_five_percent_is_enough_and_a_minute_less_is_not() -> None:
    # Ten sessions are 3,900 minutes: 195 of them are 5 %.
    barely = of(judged({8: list(range(195))}, last=21))
    scarce = of(judged({8: list(range(196))}, last=21))

    assert barely.completeness_percentage == 95.0
    assert report(A=barely).symbols_needing_attention == []
    assert report(A=scarce).symbols_needing_attention == ["A"]
    assert "less than 95%" in report(A=scarce).recommendations[0]


def test_the_sums_are_those_of_all_symbols() -> None:
    whole, half = of(judged({})), of(judged({8: list(range(195))}))

    found = report(A=whole, B=half)

    overall = found.overall_statistics
    assert (overall.total_symbols, overall.total_trading_days, overall.total_valid_days) == (
        2,
        2,
        1,
    )
    assert (overall.total_expected_candles, overall.total_missing_candles) == (780, 195)
    assert overall.overall_completeness_percentage == 75.0
    assert found.recommendations == [
        "1 of 2 symbols are less than 95% complete: B; fill their gaps",
        "Overall completeness is 75.00%, less than 98%: run an update",
        "High number of validation errors: 1 of 2 sessions are whole",
    ]
    assert report(A=whole).recommendations == []
