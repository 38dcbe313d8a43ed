"""Settings of the nightly update: which symbols, how many at once, and when by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import Field, ValidationInfo, field_validator

from simutrador_core.errors import SimutradorError
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe, validate_timeframe_conversion
from simutrador_core.utils.validation import parse_symbol
from simutrador_service.config import Section

_LARGE_CAPS: Final = """
AAPL ABBV ABT ACN ADBE AMD AMGN AMZN AVGO BAC BRK.B CAT COST CRM CSCO CVX DHR DIS GE GOOGL GS HD HON
IBM INTC INTU JNJ JPM KO LIN LLY LOW MA MCD META MRK MSFT NFLX NKE NVDA ORCL PEP PFE PG QCOM TMO
TSLA TXN UNH V WMT
"""
_MID_CAPS: Final = """
AAL CCL COIN CRWD DASH DDOG DKNG EA ETSY F FANG FSLR HUBS LYFT MDB MGM NET OKTA PANW PINS PLTR RBLX
ROKU SHOP SNAP SNOW TEAM TTD UBER XYZ ZM ZS
"""

FIXED_HOURS: Final = {
    "market_open_hour_utc": 13,
    "market_open_minute_utc": 30,
    "market_close_hour_utc": 20,
    "market_close_minute_utc": 0,
    "expected_candles_per_day": 390,
    "expected_candles_half_day": 210,
}
"""Hours that older env files set, and the values they were documented with."""

TARGETS: Final = (
    Timeframe.MINUTE_5,
    Timeframe.MINUTE_15,
    Timeframe.MINUTE_30,
    Timeframe.HOUR_1,
    Timeframe.HOUR_2,
    Timeframe.HOUR_4,
    Timeframe.DAILY,
)


class NightlyUpdateSection(Section):
    """The nightly update.

    Attributes:
        large_cap_symbols: Symbols that are updated unless others are named.
        mid_cap_symbols: Likewise.
        min_volume_threshold: Shares; a session that traded fewer is a warning in the report.
        max_concurrent_symbols: Symbols worked on side by side; of a vendor no more are asked for
            at once than its own setting allows.
        retry_attempts: How often a symbol that failed is tried in all.
        retry_delay_seconds: Wait before failed symbols are tried again.
        target_timeframes: What is made of the minutes.
        enable_data_validation: Whether symbols are judged before and after.
        enable_market_hours_check: Whether bars outside of trading hours are a warning.
        enable_auto_resampling: Whether longer timeframes are made.
        enable_schedule: Whether the update runs by itself after each session.
        schedule_calendar: The exchange whose sessions it follows.
        schedule_offset: How long after the close, half days included; ISO 8601 or `4 hours`. Four
            hours after it an answer is final, so the next night need not ask again.
        market_open_hour_utc, market_open_minute_utc: Of older env files: hours come from the
            exchange's calendar, so only the documented value is accepted.
        market_close_hour_utc, market_close_minute_utc: Likewise.
        expected_candles_per_day, expected_candles_half_day: Likewise.
    """

    large_cap_symbols: tuple[str, ...] = tuple(_LARGE_CAPS.split())
    mid_cap_symbols: tuple[str, ...] = tuple(_MID_CAPS.split())
    min_volume_threshold: int = Field(default=1000, ge=0)
    max_concurrent_symbols: int = Field(default=3, ge=1, le=100)
    retry_attempts: int = Field(default=3, ge=1, le=20)
    retry_delay_seconds: float = Field(default=60.0, ge=0, le=3600)
    target_timeframes: tuple[Timeframe, ...] = TARGETS
    enable_data_validation: bool = True
    enable_market_hours_check: bool = True
    enable_auto_resampling: bool = True
    enable_schedule: bool = False
    schedule_calendar: str = "XNYS"
    schedule_offset: timedelta = Field(default=timedelta(hours=4, minutes=15), ge=timedelta(0))
    market_open_hour_utc: int = 13
    market_open_minute_utc: int = 30
    market_close_hour_utc: int = 20
    market_close_minute_utc: int = 0
    expected_candles_per_day: int = 390
    expected_candles_half_day: int = 210

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that are updated unless others are named, each once."""
        return tuple(dict.fromkeys((*self.large_cap_symbols, *self.mid_cap_symbols)))

    @field_validator("large_cap_symbols", "mid_cap_symbols")
    @classmethod
    def _spelled(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no symbol."""
        try:
            return tuple(parse_symbol(symbol) for symbol in value)
        except SimutradorError as e:
            raise ValueError(str(e)) from None

    @field_validator("target_timeframes", mode="before")
    @classmethod
    def _timeframes(cls, value: object) -> object:
        """Accept the aliases of timeframes, and refuse what minutes cannot make."""
        if not isinstance(value, list | tuple):
            return value
        texts = [str(one) for one in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # as a file gives them
        try:
            found = [parse_timeframe(text) for text in texts]
        except SimutradorError as e:
            raise ValueError(str(e)) from None
        for one in found:
            if not validate_timeframe_conversion(Timeframe.MINUTE_1, one):
                raise ValueError(f"{one} is not made of minutes; name longer timeframes")
        return tuple(dict.fromkeys(found))

    @field_validator(*FIXED_HOURS)
    @classmethod
    def _by_calendar(cls, value: int, info: ValidationInfo) -> int:
        """Refuse hours of one's own: they were wrong half of the year."""
        if value != FIXED_HOURS[info.field_name or ""]:
            raise ValueError(
                "trading hours come from each exchange's calendar (clock changes, half days and "
                "lunch breaks included); remove this line, and name another calendar for a symbol "
                "in assets.toml if need be"
            )
        return value
