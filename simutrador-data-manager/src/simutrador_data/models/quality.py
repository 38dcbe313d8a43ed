"""What checks of stored bars find, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.models.analysis import SymbolText
from simutrador_data.models.responses import Answer, ColumnsOfSeries

MOST_SYMBOLS: Final = 100


class QualityRequest(BaseModel):
    """Ask whether stored bars can be believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: list[SymbolText] = Field(
        min_length=1, max_length=MOST_SYMBOLS, examples=[["AAPL", "MSFT"]]
    )
    start: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="First trading day, or an instant", examples=["2024-01-02"]
    )
    end: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="First trading day or instant no longer wanted"
    )
    timeframe: Annotated[str, Field(max_length=20)] | None = Field(
        default=None, description="Only this one; all that are stored by default"
    )
    adjustment: Adjustment = Adjustment.RAW
    checks: list[Annotated[str, Field(max_length=40)]] | None = Field(
        default=None, min_length=1, max_length=20, description="Only these checks"
    )
    findings_per_series: int = Field(
        default=100, ge=0, le=1_000, description="Findings to list of each series; all are counted"
    )


class QualityFinding(Answer):
    """Bars that break a rule.

    Attributes:
        rule: What should hold.
        figure: What was measured, in the unit the rule names; above `limit`.
        start, end: When the first and the last of the bars open.
        count: How many bars break the rule or show it; the first 20 of them are in `bars`.
        other: The same bars as another account has them: made of minutes, or a vendor's.
    """

    check: str
    severity: str
    rule: str
    figure: float
    limit: float
    start: datetime
    end: datetime
    count: int
    bars: ColumnsOfSeries
    other: ColumnsOfSeries | None = None


class SeriesQuality(Answer):
    """What the checks found in one series.

    Attributes:
        bars: How many bars were checked.
        checks: What was looked for.
        errors, warnings: Findings by severity, listed or not.
        passed: No error was found.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    bars: int
    checks: list[str]
    errors: int
    warnings: int
    passed: bool
    findings: list[QualityFinding]


class QualityResponse(Answer):
    """What the checks found; `passed` when no series has an error."""

    passed: bool
    series: list[SeriesQuality]
