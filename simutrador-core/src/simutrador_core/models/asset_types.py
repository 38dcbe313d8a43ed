"""Asset classes and the trading session that is typical of each.

A session is local time in a zone; its UTC hours follow from a date. For the real sessions of an
exchange, with holidays, half days and breaks, use `simutrador_core.sessions` and the calendar that
`AssetTypeConfig.calendar` names. No pydantic here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from simutrador_core.models.enums import AssetType


@dataclass(frozen=True, slots=True)
class MarketSession:
    """The usual hours of a market, in its own time zone.

    Attributes:
        name: For people.
        opens: Local time the session opens.
        closes: Local time it closes; at or before `opens` means on the next day.
        timezone: IANA name, `America/New_York`.
        reference_date: The date that `open_utc_hour`, `open_utc_time`, `resampling_offset` and
            their kin, which take none, stand for. UTC hours move with daylight saving time, so for
            a given day use `open_utc(day)` and `close_utc(day)`.
    """

    name: str
    opens: time
    closes: time
    timezone: str
    reference_date: date = date(2024, 7, 1)

    @classmethod
    def from_utc(
        cls,
        name: str,
        *,
        open_utc_hour: int,
        open_utc_minute: int = 0,
        close_utc_hour: int,
        close_utc_minute: int = 0,
    ) -> MarketSession:
        """Return a session with the same UTC hours all year, as earlier releases had them."""
        opens, closes = time(open_utc_hour, open_utc_minute), time(close_utc_hour, close_utc_minute)
        return cls(name, opens, closes, "UTC")

    def open_utc(self, on: date) -> datetime:
        """Return the instant the session dated `on` opens, aware UTC."""
        return datetime.combine(on, self.opens, ZoneInfo(self.timezone)).astimezone(UTC)

    def close_utc(self, on: date) -> datetime:
        """Return the instant the session dated `on` closes, aware UTC."""
        day = on if self.closes > self.opens else on + timedelta(days=1)
        return datetime.combine(day, self.closes, ZoneInfo(self.timezone)).astimezone(UTC)

    def offset(self, on: date) -> str:
        """Return how far after UTC midnight the session dated `on` opens: `13h30min`."""
        opens = self.open_utc(on)
        return f"{opens.hour}h{opens.minute:02d}min"

    @property
    def open_utc_hour(self) -> int:
        """Hour of the open in UTC, on the reference date."""
        return self.open_utc(self.reference_date).hour

    @property
    def open_utc_minute(self) -> int:
        """Minute of the open in UTC, on the reference date."""
        return self.open_utc(self.reference_date).minute

    @property
    def close_utc_hour(self) -> int:
        """Hour of the close in UTC, on the reference date."""
        return self.close_utc(self.reference_date).hour

    @property
    def close_utc_minute(self) -> int:
        """Minute of the close in UTC, on the reference date."""
        return self.close_utc(self.reference_date).minute

    @property
    def open_utc_time(self) -> str:
        """The open in UTC as `HH:MM`, on the reference date."""
        return f"{self.open_utc(self.reference_date):%H:%M}"

    @property
    def close_utc_time(self) -> str:
        """The close in UTC as `HH:MM`, on the reference date."""
        return f"{self.close_utc(self.reference_date):%H:%M}"

    @property
    def resampling_offset(self) -> str:
        """How far after UTC midnight the session opens, on the reference date: `13h30min`."""
        return self.offset(self.reference_date)


@dataclass(frozen=True, slots=True)
class AssetTypeConfig:
    """What is usual for a class of assets.

    Attributes:
        asset_type: The class.
        name: For people.
        description: For people.
        market_session: Its usual session, or None where it has none or it differs by exchange.
        is_24_7: Whether it trades around the clock. Also True for forex, which rests at weekends:
            `calendar` tells the two apart.
        use_session_alignment: Whether resampled bars start at the session's open.
        calendar: Name of the exchange calendar to assume (`XNYS`, `24/5`, `24/7`), or None.
    """

    asset_type: AssetType
    name: str
    description: str
    market_session: MarketSession | None = None
    is_24_7: bool = False
    use_session_alignment: bool = False
    calendar: str | None = None

    @property
    def resampling_offset(self) -> str | None:
        """The session's offset on its reference date, or None when bars are not aligned to it."""
        return self.offset(None)

    def offset(self, on: date | None) -> str | None:
        """Return the session's offset on a date, or None when bars are not aligned to it."""
        if self.market_session is None or not self.use_session_alignment:
            return None
        return self.market_session.offset(on or self.market_session.reference_date)


US_EQUITY_SESSION: Final = MarketSession(
    "US Equity Regular Hours", time(9, 30), time(16), "America/New_York"
)
"""09:30 to 16:00 New York: 13:30 to 20:00 UTC in summer, 14:30 to 21:00 in winter."""

LONDON_FOREX_SESSION: Final = MarketSession(
    "London Forex Session", time(8), time(17), "Europe/London", reference_date=date(2024, 1, 2)
)
"""08:00 to 17:00 London: the same in UTC in winter (its reference date), an hour less in summer."""

ASSET_TYPE_CONFIGS: Final[Mapping[AssetType, AssetTypeConfig]] = MappingProxyType(
    {
        config.asset_type: config
        for config in (
            AssetTypeConfig(
                AssetType.US_EQUITY,
                "US Equity",
                "Stocks and funds listed in the United States",
                US_EQUITY_SESSION,
                use_session_alignment=True,
                calendar="XNYS",
            ),
            AssetTypeConfig(
                AssetType.FOREX,
                "Forex",
                "Currency pairs, traded from Sunday to Friday evening New York time",
                LONDON_FOREX_SESSION,
                is_24_7=True,
                use_session_alignment=True,
                calendar="24/5",
            ),
            AssetTypeConfig(
                AssetType.CRYPTO,
                "Cryptocurrency",
                "Coins and tokens, traded without a pause",
                is_24_7=True,
                calendar="24/7",
            ),
            AssetTypeConfig(
                AssetType.COMMODITY, "Commodity", "Futures; sessions differ by exchange"
            ),
            AssetTypeConfig(
                AssetType.INTERNATIONAL_EQUITY,
                "International Equity",
                "Stocks listed outside the United States; sessions differ by exchange",
            ),
            AssetTypeConfig(AssetType.UNKNOWN, "Unknown", "Not classified"),
        )
    }
)
"""The configuration of every class."""


def get_asset_config(asset_type: AssetType | str) -> AssetTypeConfig:
    """Return the configuration of a class; of `unknown` for a text that names none."""
    try:
        return ASSET_TYPE_CONFIGS[AssetType(asset_type)]
    except ValueError:
        return ASSET_TYPE_CONFIGS[AssetType.UNKNOWN]


def get_resampling_offset(asset_type: AssetType | str, on: date | None = None) -> str | None:
    """Return how far after UTC midnight bars of this class begin (`13h30min`), or None.

    Args:
        asset_type: The class.
        on: The day; without one, the reference date of the class's session.
    """
    return get_asset_config(asset_type).offset(on)


def should_use_session_alignment(asset_type: AssetType | str) -> bool:
    """Return whether resampled bars of this class start at the session's open."""
    return get_asset_config(asset_type).use_session_alignment


def is_24_7_market(asset_type: AssetType | str) -> bool:
    """Return whether this class trades around the clock; True for forex too (see calendar)."""
    return get_asset_config(asset_type).is_24_7
