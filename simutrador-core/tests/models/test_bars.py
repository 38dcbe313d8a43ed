from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from simutrador_core.errors import InvalidBarsError, InvalidRangeError
from simutrador_core.models.bars import OHLCV, Bars, SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe

MINUTE = 60_000_000
DAY = 1440 * MINUTE


def make_bars(minutes: Any = (0, 1, 2), **changes: Any) -> Bars:
    opened_at = np.array(minutes, dtype=np.int64) * MINUTE
    prices = np.arange(len(opened_at), dtype=np.float64) + 100
    values: dict[str, Any] = {
        "symbol": "AAPL",
        "timeframe": Timeframe.MINUTE_1,
        "adjustment": Adjustment.RAW,
        "opened_at": opened_at,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), prices),
    }
    return Bars(**(values | changes))


def make_daily(days: list[str], **changes: Any) -> Bars:
    sessions = np.array(days, dtype="datetime64[D]")
    opened_at = np.arange(len(days), dtype=np.int64) * DAY
    prices = np.full(len(days), 100.0)
    values: dict[str, Any] = {
        "symbol": "AAPL",
        "timeframe": Timeframe.DAILY,
        "adjustment": Adjustment.RAW,
        "opened_at": opened_at,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), prices),
        "sessions": sessions,
    }
    return Bars(**(values | changes))


def test_first_and_last_are_the_opens_in_utc() -> None:
    bars = make_bars([0, 90])
    assert bars.first == datetime(1970, 1, 1, tzinfo=UTC)
    assert bars.last == datetime(1970, 1, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("timeframe", [Timeframe.MINUTE_1, Timeframe.DAILY])
def test_empty_bars_are_legal(timeframe: Timeframe) -> None:
    bars = Bars.empty("AAPL", timeframe)
    assert (len(bars), bars.first, bars.last) == (0, None, None)
    assert bars.candles() == []


def test_columns_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        make_bars().close[0] = 1.0


def test_columns_are_not_copied() -> None:
    close = np.array([1.0, 2.0, 3.0])
    assert np.shares_memory(make_bars(close=close).close, close)


def test_sequences_and_integers_become_float_columns() -> None:
    bars = make_bars(close=[100, 101, 102])
    assert bars.close.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"close": np.zeros(2)}, r"close of AAPL has shape \(2,\), expected \(3,\)"),
        ({"close": np.zeros((3, 1))}, r"has shape \(3, 1\)"),
        ({"opened_at": np.zeros((3, 1), dtype=np.int64)}, r"opened_at of AAPL has shape"),
        ({"opened_at": np.int64(5)}, r"opened_at of AAPL has shape \(\)"),
        (
            {"opened_at": np.array([1, 2, 3], dtype="datetime64[ns]")},
            r"opened_at of AAPL is datetime64\[ns\], expected int64",
        ),
        ({"opened_at": np.array([0.0, 1.0, 2.0])}, "opened_at of AAPL is float64"),
        ({"close": np.array(["1", "2", "3"])}, "close of AAPL is <U1"),
        ({"synthetic": np.array([0, 1, 2])}, "synthetic of AAPL is int64, expected bool"),
        ({"sessions": np.array([0, 1, 2])}, "sessions of AAPL is int64"),
        ({"opened_at": np.array([2, 1, 3])}, "do not strictly increase in time"),
        ({"opened_at": np.array([1, 1, 2])}, "do not strictly increase in time"),
    ],
)
def test_bad_columns_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidBarsError, match=reason):
        make_bars(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sessions": None}, "need a session date each"),
        ({"sessions": np.array(["NaT", "2024-01-03"], "datetime64[D]")}, "need a session"),
        ({"sessions": np.array(["2024-01-02", "NaT"], "datetime64[D]")}, "strictly increase"),
        ({"sessions": np.array(["2024-01-02"] * 2, "datetime64[D]")}, "strictly increase"),
    ],
)
def test_daily_bars_need_a_session_each(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidBarsError, match=reason):
        make_daily(["2024-01-02", "2024-01-03"], **changes)


def test_between_is_half_open_and_a_view() -> None:
    bars = make_bars([0, 1, 2, 3])
    part = bars.between(1 * MINUTE, 3 * MINUTE)
    assert part.opened_at.tolist() == [1 * MINUTE, 2 * MINUTE]
    assert np.shares_memory(part.close, bars.close)


def test_take_keeps_every_column_in_step() -> None:
    bars = make_daily(["2024-01-02", "2024-01-03"], synthetic=np.array([False, True]))
    part = bars.take(np.array([False, True]))
    assert part.sessions is not None
    assert part.sessions.astype(str).tolist() == ["2024-01-03"]
    assert part.synthetic is not None
    assert part.synthetic.tolist() == [True]


def test_taking_all_by_flags_copies_nothing() -> None:
    bars = make_daily(["2024-01-02", "2024-01-03"], synthetic=np.array([False, True]))
    whole = bars.take(np.array([True, True]))
    assert whole.equals(bars)
    assert np.shares_memory(whole.close, bars.close)
    with pytest.raises(IndexError):
        bars.take(np.array([True, True, True]))


def test_bars_are_complete_once_the_forming_bar_is_cut_off() -> None:
    forming = make_bars(complete=False)
    assert not forming.take(slice(1, None)).complete
    assert forming.take(slice(0, 2)).complete
    assert forming.take(slice(0, 0)).complete


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "IBM"},
        {"adjustment": Adjustment.SPLIT},
        {"timeframe": Timeframe.MINUTE_5},
        {"complete": False},
        {"close": np.array([100.0, 101.0, 102.00000000000001])},
        {"opened_at": np.array([0, 1, 3]) * MINUTE},
        {"synthetic": np.array([False, True, False])},
        {"sessions": np.array(["1970-01-01"] * 3, dtype="datetime64[D]")},
    ],
)
def test_one_difference_makes_bars_unequal(changes: dict[str, Any]) -> None:
    assert not make_bars().equals(make_bars(**changes))


def test_equality_treats_zeros_nans_and_absent_marks_alike() -> None:
    left = make_bars(volume=np.array([0.0, np.nan, 1.0]))
    right = make_bars(volume=np.array([-0.0, np.nan, 1.0]), synthetic=np.zeros(3, dtype=bool))
    assert left.equals(right)


def test_copies_and_pickles_are_equal_and_read_only() -> None:
    bars = make_daily(["2024-01-02", "2024-01-03"], complete=False)
    for twin in (copy.deepcopy(bars), pickle.loads(pickle.dumps(bars))):
        assert twin.equals(bars)
        assert not twin.close.flags.writeable


@pytest.mark.parametrize("bars", [make_bars(), make_daily(["2024-01-02", "2024-01-03"])])
def test_unchecked_bars_of_sound_columns_are_those_the_constructor_makes(bars: Bars) -> None:
    columns = [bars.opened_at, *(getattr(bars, name) for name in OHLCV)]
    same = Bars.unchecked(bars.series, columns, bars.sessions)
    assert same.equals(bars)
    assert (same.complete, same.synthetic) == (True, None)
    assert pickle.loads(pickle.dumps(same)).equals(bars)


def test_repr_is_one_line() -> None:
    text = repr(make_bars([0, 1]))
    assert text == (
        "<Bars AAPL 1min raw: 2 from 1970-01-01 00:00:00+00:00 to 1970-01-01 00:01:00+00:00>"
    )


def test_concat_joins_parts_and_skips_empty_ones() -> None:
    whole = make_bars([0, 1, 2, 3])
    parts = [whole.take(slice(0, 1)), whole.take(slice(0, 0)), whole.take(slice(1, None))]
    assert concat(parts).equals(whole)


def test_concat_keeps_marks_and_sessions() -> None:
    first = make_daily(["2024-01-02"])
    second = make_daily(["2024-01-03"], opened_at=np.array([DAY]), synthetic=np.array([True]))
    joined = concat([first, Bars.empty("AAPL", Timeframe.DAILY), second])
    assert joined.synthetic is not None
    assert joined.synthetic.tolist() == [False, True]
    assert joined.sessions is not None
    assert joined.sessions.astype(str).tolist() == ["2024-01-02", "2024-01-03"]


def test_concat_of_empty_parts_is_empty() -> None:
    nothing = Bars.empty("AAPL", Timeframe.MINUTE_1)
    assert concat([nothing, nothing]).equals(nothing)


def test_concat_takes_completeness_from_the_last_part() -> None:
    assert not concat([make_bars([0]), make_bars([1], complete=False)]).complete


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "nothing to join"),
        ([make_bars([0]), make_bars([1], symbol="IBM")], "one series"),
        ([make_bars([0, 1]), make_bars([1, 2])], "strictly increase"),
        ([make_bars([0], complete=False), make_bars([1])], "only the last part"),
    ],
)
def test_concat_refuses_what_does_not_fit(parts: list[Bars], reason: str) -> None:
    with pytest.raises(InvalidBarsError, match=reason):
        concat(parts)


def test_candles_carry_the_shortest_exact_decimals() -> None:
    (candle,) = make_bars(
        [0], **{n: [0.1 + 0.2] for n in ("open", "high", "low", "close")}
    ).candles()
    assert str(candle.close) == "0.30000000000000004"


def test_bar_that_is_no_candle_is_named() -> None:
    with pytest.raises(ValueError, match="bar 1 of AAPL 1min raw at 1970-01-01 00:01"):
        make_bars([0, 1], low=np.array([100.0, 0.0])).candles()


def test_series_key_reads_well() -> None:
    assert str(SeriesKey("BRK.B", Timeframe.DAILY)) == "BRK.B daily raw"


def test_instants_survive_to_the_microsecond() -> None:
    instant = datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)
    assert from_us(to_us(instant)) == instant
    assert to_us(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_naive_instant_is_refused() -> None:
    with pytest.raises(InvalidRangeError, match="no time zone"):
        to_us(datetime(2024, 1, 2))


def test_instant_beyond_the_year_9999_is_refused() -> None:
    with pytest.raises(InvalidRangeError, match="outside the years 1 to 9999"):
        from_us(2**62)
