"""The sessions of a symbol, judged before and after an update: gaps, and what is a warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.core.nightly_settings import NightlyUpdateSection
from simutrador_data.models.analysis import ValidationResultModel
from simutrador_data.models.nightly_update_api import ValidationSummary
from simutrador_data.services.analysis.completeness import completeness_of
from simutrador_data.services.analysis.judging import Days, judge
from simutrador_data.services.nightly.dates import Sessions
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.workflows.validate_store import read_once

MOST_PERIODS: Final = 50
"""Missing periods listed of one session; their number is always given."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found.

    Attributes:
        sessions: Each session.
        warnings: What concerns the symbol as a whole.
    """

    sessions: tuple[ValidationResultModel, ...]
    warnings: tuple[str, ...] = ()

    @property
    def summary(self) -> ValidationSummary:
        """The counts."""
        valid = sum(one.is_valid for one in self.sessions)
        return ValidationSummary(
            total_validations=len(self.sessions),
            valid_days=valid,
            invalid_days=len(self.sessions) - valid,
            total_errors=sum(len(one.errors) for one in self.sessions),
            total_warnings=sum(len(one.warnings) for one in self.sessions) + len(self.warnings),
        )


def judge_sessions(
    store: BarStore,
    registry: AssetRegistry,
    symbol: str,
    sessions: Sessions,
    *,
    section: NightlyUpdateSection,
    now: datetime,
) -> Judgement:
    """Return what the sessions lack, each by the symbol's own calendar.

    Args:
        store: Where the minutes are.
        registry: Calendar, listing and delisting of the symbol.
        symbol: Canonical symbol.
        sessions: Which of them.
        section: What is a warning.
        now: Aware; minutes that are not over are not expected.

    Raises:
        CalendarError: the calendar is unknown, or does not reach over the sessions.
        StoreError: the store cannot be read.
    """
    calendar = calendar_of(symbol, registry)
    ledger = judge(store, registry, symbol, Days(sessions.first, sessions.last, now))
    found = completeness_of(ledger, half_days=calendar.early_closes, details=True)
    judged = found.validation_results or []
    if section.min_volume_threshold and found.total_actual_candles:
        traded = volumes(read_once(store, ledger.query), calendar)
        least = section.min_volume_threshold
        judged = [with_volume(one, traded.get(one.validation_date), least) for one in judged]
    warnings: list[str] = []
    if section.enable_market_hours_check and ledger.strays.outside:
        warnings.append(
            f"{ledger.strays.outside} bars lie outside of trading hours; they are kept and not "
            "counted"
        )
    if ledger.strays.off_grid:
        warnings.append(f"{ledger.strays.off_grid} bars do not begin at a whole minute")
    return Judgement(tuple(shortened(one) for one in judged), tuple(warnings))


def volumes(bars: Bars, calendar: Calendar) -> dict[date, float]:
    """Return the volume of each session that has bars, those outside of trading hours left out."""
    sessions = calendar.session_of(bars.opened_at)
    inside = ~np.isnat(sessions)
    days, at = np.unique(sessions[inside], return_inverse=True)
    sums: list[float] = np.bincount(at, weights=bars.volume[inside], minlength=len(days)).tolist()
    named: list[date] = days.tolist()
    return dict(zip(named, sums, strict=True))


def with_volume(
    one: ValidationResultModel, traded: float | None, least: float
) -> ValidationResultModel:
    """Return the session with a warning where it traded less than it should."""
    if traded is None or traded >= least:
        return one
    text = f"volume {traded:,.0f} is below NIGHTLY_UPDATE__MIN_VOLUME_THRESHOLD {least:,.0f}"
    return one.model_copy(update={"warnings": [*one.warnings, text]})


def shortened(one: ValidationResultModel) -> ValidationResultModel:
    """Return the session with at most `MOST_PERIODS` missing periods listed."""
    if len(one.missing_periods) <= MOST_PERIODS:
        return one
    changed: dict[str, Sequence[str]] = {
        "missing_periods": one.missing_periods[:MOST_PERIODS],
        "errors": one.errors[: MOST_PERIODS + 1],
    }
    return one.model_copy(update=changed)
