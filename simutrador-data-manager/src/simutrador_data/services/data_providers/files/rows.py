"""Raw rows to a page: instants, sessions, row rules, duplicates. Pure; one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simutrador_core.models.bars import D64, F64, I64, OHLCV, Bars, BoolArray
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.utils.validation import REASONS, RowFault, check_bars
from simutrador_data.services.data_providers.files.instants import Moments
from simutrador_data.services.data_providers.files.model import Label, RejectedRow
from simutrador_data.services.data_providers.files.placing import Placed, place
from simutrador_data.services.data_providers.files.verdicts import Verdicts

_KINDS: Final[Mapping[int, str]] = {
    fault: fault.name.lower().replace("_", " ") for fault in RowFault
}


@dataclass(frozen=True, slots=True, eq=False)
class RawRows:
    """Rows of one page as read, in file order, before any judgement.

    Attributes:
        lines: int64 (n,), the line of each row in the file, 1-based.
        moments: When each row says it is.
        prices: `open` to `volume`, float64 (n,), NaN where unreadable.
        adjusted: Adjusted columns of the file, by the same names; only `close`, or all.
        symbols: Where a column names them: int64 (n,), and the texts these numbers stand for.
        texts: Gives the text of rows, for the list of rejected ones.
        is_blank: bool (n,), where the time is left empty.
    """

    lines: I64
    moments: Moments
    prices: Mapping[str, F64]
    texts: Callable[[I64], list[str]]
    is_blank: BoolArray
    adjusted: Mapping[str, F64] = field(default_factory=dict[str, F64])
    symbols: tuple[I64, Sequence[str]] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for every row of a file, decided once.

    `zone` is of times without an offset, `is_aware` says that times have one. A bar that ends
    after `now_us` is not finished; None checks nothing.
    """

    timeframe: Timeframe
    adjustment: Adjustment
    zone: ZoneInfo
    label: Label = Label.OPEN
    is_aware: bool = False
    newest_first: bool = False
    now_us: int | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of one symbol's rows of a page."""

    bars: tuple[Bars, ...]
    duplicates: int
    unadjusted: int
    rejected: Sequence[RejectedRow]


def sort_rows(
    raw: RawRows, rows: I64, symbol: str, plan: Plan, calendar: Callable[[], Calendar]
) -> Sorted:
    """Return the bars of one symbol's rows, and every row that is not one, with its reason.

    Args:
        raw: The page.
        rows: Which of its rows belong to the symbol, in file order.
        symbol: Canonical symbol.
        plan: What holds for the file.
        calendar: Gives the symbol's calendar; called for daily and longer bars only.
    """
    verdicts = Verdicts(raw.lines, raw.texts)
    columns = {name: raw.prices[name][rows] for name in OHLCV}
    codes = _codes(columns)
    _judge_times(raw, rows, plan, verdicts)
    for code in np.unique(codes[codes > 0]).tolist():
        verdicts.reject(rows[codes == code], _KINDS[code], REASONS[code])
    sound = rows[verdicts.is_sound(rows)]
    placed = place(raw.moments, sound, plan, calendar, verdicts)
    keep, duplicates = _first_of_each(raw, placed, verdicts)
    bars = _bars(raw, placed, keep, symbol, plan)
    adjusted, unadjusted = _adjusted(raw, placed.rows[keep], bars)
    return Sorted(
        tuple(b for b in (bars, adjusted) if b is not None and len(b)),
        duplicates,
        unadjusted,
        verdicts.rejected(),
    )


def _judge_times(raw: RawRows, rows: I64, plan: Plan, verdicts: Verdicts) -> None:
    blank, ok = raw.is_blank[rows], raw.moments.ok[rows]
    verdicts.reject(rows[blank], "no time", "the date or time is empty")
    verdicts.reject(rows[~ok & ~blank], "unreadable time", "the date or time cannot be read")
    other = ok & (raw.moments.aware[rows] != plan.is_aware)
    says = "no offset" if plan.is_aware else "an offset"
    reason = f"the time has {says} from UTC, unlike the first rows of the file"
    verdicts.reject(rows[other], "mixed time zones", reason)


def _first_of_each(raw: RawRows, placed: Placed, verdicts: Verdicts) -> tuple[I64, int]:
    """Return which placed rows to keep, by time, and how many repeat another one exactly."""
    at = placed.opened_at
    order = np.arange(len(at))
    if len(at) > 1 and not bool(np.all(at[1:] > at[:-1])):
        order = np.argsort(at, kind="stable")
    times = at[order]
    repeats = np.flatnonzero(times[1:] == times[:-1]) + 1 if len(at) > 1 else order[:0]
    if not len(repeats):
        return order, 0
    firsts = np.searchsorted(times, times[repeats])
    later, first = placed.rows[order[repeats]], placed.rows[order[firsts]]
    same = np.ones(len(repeats), dtype=np.bool_)
    for name in OHLCV:
        same &= raw.prices[name][later] == raw.prices[name][first]
    for row, kept in zip(later[~same].tolist(), raw.lines[first[~same]].tolist(), strict=True):
        verdicts.reject(
            np.array([row]),
            "repeated time",
            f"the same bar stands in line {kept} with other values; that one was taken",
        )
    return np.delete(order, repeats), int(same.sum())


def _bars(raw: RawRows, placed: Placed, keep: I64, symbol: str, plan: Plan) -> Bars:
    rows = placed.rows[keep]
    sessions: D64 | None = None if placed.sessions is None else placed.sessions[keep]
    columns = {name: raw.prices[name][rows] for name in OHLCV}
    return _to_bars(
        symbol, plan.timeframe, plan.adjustment, placed.opened_at[keep], columns, sessions
    )


def _to_bars(
    symbol: str,
    timeframe: Timeframe,
    adjustment: Adjustment,
    opened_at: I64,
    columns: Mapping[str, F64],
    sessions: D64 | None,
) -> Bars:
    opened, high, low, close, volume = (columns[name] for name in OHLCV)
    return Bars(
        symbol, timeframe, adjustment, opened_at, opened, high, low, close, volume, sessions
    )


def _codes(columns: Mapping[str, F64]) -> NDArray[np.uint8]:
    opened, high, low, close, volume = (columns[name] for name in OHLCV)
    return check_bars(opened, high, low, close, volume)


def _adjusted(raw: RawRows, rows: I64, bars: Bars) -> tuple[Bars | None, int]:
    """Return the second series of a file with adjusted columns, and how many rows lack a price."""
    if not raw.adjusted:
        return None, 0
    given = {name: column[rows] for name, column in raw.adjusted.items()}
    columns = given if "open" in given else _scaled(bars, given["close"])
    columns["volume"] = given.get("volume", bars.volume)
    sound = _codes(columns) == 0
    total = Adjustment.TOTAL
    whole = _to_bars(bars.symbol, bars.timeframe, total, bars.opened_at, columns, bars.sessions)
    return whole.take(sound), int((~sound).sum())


def _scaled(bars: Bars, close: F64) -> dict[str, F64]:
    """Return all four prices times adjusted close / close; the close as the file gives it."""
    factor = close / bars.close
    prices = {
        name: np.where(getattr(bars, name) == bars.close, close, getattr(bars, name) * factor)
        for name in OHLCV[:4]
    }
    ends = np.stack([prices["open"], prices["close"]])
    prices["high"] = np.maximum(prices["high"], ends.max(axis=0))
    prices["low"] = np.minimum(prices["low"], ends.min(axis=0))
    return prices
