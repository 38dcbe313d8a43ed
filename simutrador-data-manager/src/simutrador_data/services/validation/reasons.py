"""Why a bar is absent: exactly one reason for each, by the precedence of `GapReason`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import D64, I64, to_us
from simutrador_core.models.enums import GapReason, Timeframe
from simutrador_core.sessions.calendar import MINUTE_US
from simutrador_data.services.validation.expected import ExpectedBars
from simutrador_data.services.validation.spans import Spans

Codes: TypeAlias = NDArray[np.int8]

PRECEDENCE: Final = tuple(GapReason)
"""Reasons by code: the code of a reason is its place here, and the lowest code wins."""

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known from elsewhere about `[start, end)`: a halt, a confirmed lack of trades.

    Attributes:
        start: Aware; the range is rounded outward to whole minutes.
        end: Exclusive.
        reason: `HALTED`, `NO_TRADE`, or `CLOSED` for a special closure the calendar lacks.
        evidence: Who says so and when, for people.
    """

    start: datetime
    end: datetime
    reason: GapReason
    evidence: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about one series besides its bars.

    Attributes:
        listed: First session it traded in; None when unknown.
        delisted: First session it no longer trades in; None while it trades or when unknown.
        coverage: Which sources were asked for what, and when.
        explanations: Halts and confirmations.
        unrecorded: First and last bar, int us UTC, stored although no record says that a source
            was asked for them: holes between them stay unexplained. None where there are none.
    """

    listed: date | None = None
    delisted: date | None = None
    coverage: Sequence[Coverage] = ()
    explanations: Sequence[Explanation] = ()
    unrecorded: tuple[int, int] | None = None


def reason_codes(
    absent: ExpectedBars, *, timeframe: Timeframe, known: Known, asked: Spans
) -> Codes:
    """Return the code of the one reason of each absent bar.

    Args:
        absent: The bars expected and not stored, shape (n,).
        timeframe: How long each lasts.
        known: What is known besides the bars.
        asked: `asked_spans` of the coverage.

    Returns:
        int8 (n,), indexes of `PRECEDENCE`.
    """
    codes = np.full(len(absent), code_of(GapReason.NOT_FETCHED), dtype=np.int8)
    if known.unrecorded is not None:
        first, last = known.unrecorded
        codes[(absent.opens > first) & (absent.opens < last)] = code_of(GapReason.UNEXPLAINED)
    codes[asked.contain(absent.opens, absent.ends)] = code_of(GapReason.VENDOR_HOLE)
    for reason in dict.fromkeys(e.reason for e in known.explanations):
        held = explained_spans(known.explanations, reason).contain(absent.opens, absent.ends)
        codes[held] = np.minimum(codes[held], code_of(reason))
    if known.delisted is not None:
        codes[absent.sessions >= np.datetime64(known.delisted)] = code_of(GapReason.DELISTED)
    if known.listed is not None:
        last_day = _last_day(absent, timeframe)
        codes[last_day < np.datetime64(known.listed)] = code_of(GapReason.NOT_LISTED)
    closed = explained_spans(known.explanations, GapReason.CLOSED)
    codes[closed.contain(absent.opens, absent.ends)] = code_of(GapReason.CLOSED)
    return codes


def code_of(reason: GapReason) -> int:
    """Return the place of a reason in `PRECEDENCE`."""
    return PRECEDENCE.index(reason)


def explained_spans(explanations: Sequence[Explanation], reason: GapReason) -> Spans:
    """Return the whole minutes that explanations with this reason touch."""
    given = [e for e in explanations if e.reason is reason]
    starts = np.array([to_us(e.start) for e in given], dtype=np.int64)
    ends = np.array([to_us(e.end) for e in given], dtype=np.int64)
    return Spans.of(starts // MINUTE_US * MINUTE_US, -(-ends // MINUTE_US) * MINUTE_US)


def _last_day(absent: ExpectedBars, timeframe: Timeframe) -> D64:
    """Return each bar's last session: the week in which a stock lists is not before that."""
    if timeframe.is_intraday or timeframe is Timeframe.DAILY:
        return absent.sessions
    # A close stands on its session's date in UTC too, on every exchange known.
    return _days((absent.ends - 1) // DAY_US)


def _days(count: I64) -> D64:
    return count.astype("datetime64[D]")
