"""`Finding`: bars that break a rule, with the rule, the figure and the limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simutrador_core.models.bars import Bars


class Check(StrEnum):
    """What is looked for."""

    PRICES = "prices"
    OUTLIER = "outlier"
    STALE_PRICE = "stale_price"
    SPLIT_SUSPECT = "split_suspect"
    ZERO_VOLUME = "zero_volume"
    CROSS_TIMEFRAME = "cross_timeframe"
    CROSS_VENDOR = "cross_vendor"


class Severity(StrEnum):
    """Whether a finding fails a check; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Bars that break a rule.

    Attributes:
        check: What was looked for.
        rule: What should hold, for people.
        figure: What was measured, in the unit the rule names.
        limit: What it may be at most.
        bars: The bars that show it, oldest first, at least one.
        other: The same bars as another account has them; None where there is none.
        severity: Whether it fails the check.
    """

    check: Check
    rule: str
    figure: float
    limit: float
    bars: Bars
    other: Bars | None = None
    severity: Severity = Severity.ERROR
