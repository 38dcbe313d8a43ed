"""What became of each period, in the documented words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.assets.registry import Asset
from simutrador_core.models.bars import I64, from_us
from simutrador_core.models.enums import GapReason, Timeframe
from simutrador_data.services.data_providers.polygon.answers import NAME as POLYGON
from simutrador_data.services.data_providers.polygon.links import minutes_url, trades_url
from simutrador_data.services.downloading import FailedRange, SymbolReport
from simutrador_data.services.gap_filling.confirmation import Confirmation
from simutrador_data.services.gap_filling.periods import Periods
from simutrador_data.services.gap_filling.report import GapFillResult
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.validation.reasons import PRECEDENCE

NO_ACTIVITY: Final = "No trading activity detected during this period"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Who was asked for what in this run: the periods, the downloads, the looks for trades."""

    chosen: Periods
    downloads: tuple[SymbolReport, ...]
    confirmation: Confirmation


def to_results(
    periods: Periods,
    came: I64,
    *,
    asked: Asked,
    after: Ledger,
    asset: Asset,
    providers: Sequence[str],
) -> tuple[GapFillResult, ...]:
    """Return what became of the periods, in time order.

    Args:
        periods: What was absent.
        came: How many bars of each are stored now.
        asked: Who was asked.
        after: The ledger as it is now.
        asset: Whose bars.
        providers: Who could be asked.
    """
    chosen = set(asked.chosen.starts.tolist())
    return tuple(
        _result(
            from_us(start),
            from_us(end),
            expected=expected,
            came=bars,
            attempted=start in chosen,
            asked=asked,
            reason=_reason(after, start, end),
            urls=_urls(after.query.timeframe, asset, from_us(start), from_us(end), providers),
        )
        for start, end, expected, bars in zip(
            periods.starts.tolist(),
            periods.ends.tolist(),
            periods.expected.tolist(),
            came.tolist(),
            strict=True,
        )
    )


def _result(
    start: datetime,
    end: datetime,
    *,
    expected: int,
    came: int,
    attempted: bool,
    asked: Asked,
    reason: GapReason | None,
    urls: tuple[str | None, str | None],
) -> GapFillResult:
    first, last = (int(one.timestamp() * 1_000_000) for one in (start, end))
    activity = asked.confirmation.activity(first, last)
    failures = _failures(asked, start, end)
    error = asked.confirmation.error(first, last)
    said = [_said(one) for one in failures] + ([error] if error else [])
    looked = activity is not None or bool(error)
    return GapFillResult(
        start_time=start,
        end_time=end,
        attempted=attempted,
        success=came > 0,
        candles_recovered=came,
        vendor_unavailable=attempted and not came and not failures,
        polygon_api_url=urls[0],
        trades_api_url=urls[1] if looked else None,
        has_trading_activity=activity,
        error_message=None if came == expected else _words(said, activity, attempted=attempted),
        expected=expected,
        reason=reason,
    )


def _said(failure: FailedRange) -> str:
    """Return why a range failed, with the provider's name, which most reasons begin with."""
    name, reason = failure.provider, failure.reason
    return reason if reason.startswith(f"{name}:") else f"{name}: {reason}"


def _words(said: Sequence[str], activity: bool | None, *, attempted: bool) -> str | None:
    if said:
        return "; ".join(dict.fromkeys(said))
    if activity is False:
        return NO_ACTIVITY
    return "no provider has bars of it" if attempted else None


def _failures(asked: Asked, start: datetime, end: datetime) -> list[FailedRange]:
    """Return who was asked for the period in vain; whoever was not reached gave no answer."""
    return [
        failure
        for one in asked.downloads
        for failure in one.failures
        if failure.start < end and start < failure.end
    ]


def _reason(after: Ledger, start: int, end: int) -> GapReason | None:
    runs = after.runs
    inside = np.flatnonzero((runs.starts < end) & (runs.ends > start))
    return PRECEDENCE[int(runs.codes[inside[0]])] if len(inside) else None


def _urls(
    timeframe: Timeframe, asset: Asset, start: datetime, end: datetime, providers: Sequence[str]
) -> tuple[str | None, str | None]:
    if POLYGON not in providers or timeframe is not Timeframe.MINUTE_1:
        return None, None
    return minutes_url(asset, start, end), trades_url(asset, start, end)
