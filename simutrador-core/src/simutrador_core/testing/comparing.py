"""Comparing bars in tests, with a text that names the first difference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simutrador_core.models.bars import OHLCV, Bars, BoolArray, SeriesKey, from_us


def assert_same_bars(actual: Bars, expected: Bars) -> None:
    """Assert that two `Bars` hold the same rows: times, prices (exact), sessions and flags.

    0.0 equals -0.0; `synthetic` None equals all False.

    Raises:
        AssertionError: they differ; the text names the first difference.
    """
    difference = find_difference(actual, expected)
    assert difference is None, difference


def find_difference(actual: Bars, expected: Bars) -> str | None:
    """Return the first difference between two `Bars` in words, or None."""
    if actual.series != expected.series:
        return f"series {actual.series}, expected {expected.series}"
    if not np.array_equal(actual.opened_at, expected.opened_at):
        return _time_difference(actual, expected)
    for name in OHLCV:
        got, want = getattr(actual, name), getattr(expected, name)
        if not np.array_equal(got, want):
            at = int(np.flatnonzero(got != want)[0])
            return (
                f"{name} of {actual.series} at {from_us(actual.opened_at[at]).isoformat()} "
                f"is {got[at]!r}, expected {want[at]!r}"
            )
    if not np.array_equal(_flags(actual), _flags(expected)):
        return f"synthetic of {actual.series} is {actual.synthetic}, expected {expected.synthetic}"
    return _session_difference(actual, expected)


def joined(parts: Iterable[Bars], *, series: SeriesKey) -> Bars:
    """Return parts in the order given as one `Bars`; no parts give an empty one."""
    from simutrador_core.models.bars import concat

    found = [part for part in parts if len(part)]
    return (
        concat(found) if found else Bars.empty(series.symbol, series.timeframe, series.adjustment)
    )


def _time_difference(actual: Bars, expected: Bars) -> str:
    extra = np.setdiff1d(actual.opened_at, expected.opened_at)
    absent = np.setdiff1d(expected.opened_at, actual.opened_at)
    first = [from_us(at).isoformat() for at in (*absent[:1], *extra[:1])]
    return (
        f"{actual.series} has {len(actual)} bars, expected {len(expected)}: "
        f"{len(absent)} absent, {len(extra)} too many, first at {', '.join(first)}"
    )


def _flags(bars: Bars) -> BoolArray:
    return np.zeros(len(bars), dtype=np.bool_) if bars.synthetic is None else bars.synthetic


def _session_difference(actual: Bars, expected: Bars) -> str | None:
    if not len(actual):
        return None
    got, want = actual.sessions, expected.sessions
    if (got is None) != (want is None):
        return f"sessions of {actual.series} are {got}, expected {want}"
    if got is not None and want is not None and not np.array_equal(got, want):
        return f"sessions of {actual.series} are {got}, expected {want}"
    return None
