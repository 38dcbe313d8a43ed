"""Completeness of stored minutes on the wire, in its documented words; added fields stand last."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from simutrador_data.models.responses import Answer

MOST_SYMBOLS: Final = 500

SymbolText = Annotated[str, Field(max_length=300)]


class CompletenessRequest(BaseModel):
    """Ask how complete the minutes of some symbols are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: list[SymbolText] = Field(
        min_length=1, max_length=MOST_SYMBOLS, examples=[["AAPL", "BTC-USD"]]
    )
    start_date: date = Field(description="First trading day", examples=["2024-01-02"])
    end_date: date = Field(
        description="Last trading day; what is not over yet is not expected",
        examples=["2024-01-31"],
    )
    include_details: bool = Field(default=False, description="List every session")
    auto_fill_gaps: bool = Field(
        default=False, description="Ask the providers for what is missing, then judge again"
    )
    max_gap_fill_attempts: int = Field(
        default=50, ge=1, le=10_000, description="Missing periods to ask for, per symbol"
    )


class AnalysisPeriod(Answer):
    """The trading days judged, both included."""

    start_date: date
    end_date: date


class GapFillResult(Answer):
    """What became of one missing period that a provider was asked for.

    Attributes:
        start_time, end_time: The period, `[start, end)`, ISO 8601 UTC.
        vendor_unavailable: The vendor answered and had nothing; a failed request is not that.
        polygon_api_url, trades_api_url: What was asked, without the key.
        has_trading_activity: Whether trades were found in the period; null when nobody looked.
    """

    start_time: str
    end_time: str
    attempted: bool
    success: bool
    candles_recovered: int
    vendor_unavailable: bool
    polygon_api_url: str | None = None
    trades_api_url: str | None = None
    has_trading_activity: bool | None = None
    error_message: str | None = None


class ValidationResultModel(Answer):
    """One session of one symbol.

    Attributes:
        is_valid: No minute is missing.
        expected_candles: Minutes of the session, by the calendar of the symbol's exchange.
        actual_candles: How many of them are stored.
        missing_candles: Expected, neither stored nor shown to be without a trade.
        missing_periods: `START to END`, the end exclusive, ISO 8601 UTC.
        largest_gap_minutes: Trading minutes of the longest missing period.
        no_trade_candles: Expected and absent with evidence that none can exist: no trade, a halt.
    """

    symbol: str
    validation_date: date
    is_valid: bool
    expected_candles: int
    actual_candles: int
    missing_candles: int
    completeness_percentage: float
    is_half_day: bool
    missing_periods: list[str]
    missing_periods_count: int
    largest_gap_minutes: int
    polygon_urls_for_missing_periods: list[str] = Field(default_factory=list[str])
    gap_fill_results: list[GapFillResult] = Field(default_factory=list[GapFillResult])
    errors: list[str]
    warnings: list[str]
    no_trade_candles: int


class SymbolCompleteness(Answer):
    """How complete one symbol is; percentages are rounded to two decimals.

    Attributes:
        valid_days: Sessions without a missing minute.
        completeness_percentage: Stored minutes and those without a trade, of those expected.
        full_days_count, half_days_count: Sessions of usual length; those that close early.
        worst_day_completeness, best_day_completeness: 100 and 0 where there is no session.
        validation_results: Every session, where details were asked for.
        total_gaps_found: Missing periods before anything was filled.
        no_trade_candles: Absent with evidence that none can exist; complete, and not stored.
        gap_fill_status: How filling ended; `completed` when nothing is left to ask for.
        gap_fill_message: What there is to say of it.
        gap_fill_results: Every period that was asked for, whatever became of it.
    """

    total_trading_days: int
    valid_days: int
    invalid_days: int
    completeness_percentage: float
    total_expected_candles: int
    total_actual_candles: int
    missing_candles: int
    full_days_count: int
    half_days_count: int
    days_with_gaps: int
    total_missing_periods: int
    average_daily_completeness: float
    worst_day_completeness: float = 100.0
    best_day_completeness: float = 0.0
    validation_results: list[ValidationResultModel] | None = None
    gap_fill_attempted: bool = False
    total_gaps_found: int = 0
    gaps_filled_successfully: int = 0
    gaps_vendor_unavailable: int = 0
    candles_recovered: int = 0
    no_trade_candles: int
    gap_fill_status: str | None = None
    gap_fill_message: str | None = None
    gap_fill_results: list[GapFillResult] = Field(default_factory=list[GapFillResult])


class OverallStatistics(Answer):
    """The sums over all symbols."""

    total_symbols: int
    total_trading_days: int
    total_valid_days: int
    overall_completeness_percentage: float
    total_expected_candles: int
    total_actual_candles: int
    total_missing_candles: int
    total_no_trade_candles: int


class CompletenessResponse(Answer):
    """How complete the minutes of some symbols are, and what to do about it."""

    analysis_period: AnalysisPeriod
    symbol_completeness: dict[str, SymbolCompleteness]
    overall_statistics: OverallStatistics
    symbols_needing_attention: list[str] = Field(description="Less than 95% complete")
    recommendations: list[str]
