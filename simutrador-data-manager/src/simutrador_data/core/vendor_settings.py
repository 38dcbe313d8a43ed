"""Sections of the vendors bars are fetched from: key, address, and how much they may be asked."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from simutrador_service.config import Section

MOST_A_SECOND: Final = 5_000
OLDER_NAMES: Final = {"financial_modeling_prep": "fmp"}
"""What older env files call a provider."""


class VendorSection(Section):
    """One vendor.

    Attributes:
        base_url: Where it answers; None is the vendor's own address.
        rate_limit: How much all our processes together may ask, `5/min` or `50/h, 1000/day`; None
            is what the vendor says it allows.
    """

    base_url: str | None = None
    rate_limit: str | None = None

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Refuse what is no address, or holds a password that would be shown."""
        parts = urlsplit(value or "")
        if parts.username is not None or parts.password is not None:
            raise ValueError("an address holds no password; vendors take theirs from API_KEY")
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("this is no address; write https://HOST")
        return value or None

    @field_validator("rate_limit")
    @classmethod
    def _rule(cls, value: str | None) -> str | None:
        """Refuse what is no rate."""
        if value is not None:
            from simutrador_service.limits import Rule

            Rule.of(value)
        return value

    @property
    def rate(self) -> str | None:
        """How much may be asked, whichever setting says so."""
        return self.rate_limit


class KeyedSection(VendorSection):
    """A vendor that needs a key.

    Attributes:
        api_key: The key; None leaves the vendor out.
    """

    api_key: SecretStr | None = None


class PolygonSection(KeyedSection):
    """Polygon, also called Massive.

    Attributes:
        rate_limit: The free plan's by default.
        rate_limit_requests_per_second: Says the rate in place of `rate_limit`.
        use_trades_endpoint_for_gaps: Ask for trades where a minute has no bar.
        max_concurrent_requests: Symbols fetched from it side by side.
    """

    rate_limit: str | None = "5/min"
    rate_limit_requests_per_second: int | None = Field(default=None, ge=1, le=MOST_A_SECOND)
    use_trades_endpoint_for_gaps: bool = False
    max_concurrent_requests: int = Field(default=1, ge=1, le=100)

    @property
    def rate(self) -> str | None:
        """How much may be asked, whichever setting says so."""
        each_second = self.rate_limit_requests_per_second
        return self.rate_limit if each_second is None else f"{each_second}/s"


class FmpSection(KeyedSection):
    """Financial Modeling Prep.

    Attributes:
        rate_limit_per_minute: Says the rate in place of `rate_limit`.
    """

    rate_limit: str | None = "300/min"
    rate_limit_per_minute: int | None = Field(default=None, ge=1, le=MOST_A_SECOND)

    @property
    def rate(self) -> str | None:
        """How much may be asked, whichever setting says so."""
        each_minute = self.rate_limit_per_minute
        return self.rate_limit if each_minute is None else f"{each_minute}/min"


class TiingoSection(KeyedSection):
    """Tiingo.

    Attributes:
        rate_limit: The free plan's by default.
        rate_limit_requests_per_hour: Says the rate in place of `rate_limit`, with the next one.
        rate_limit_requests_per_day: The same for a day.
    """

    rate_limit: str | None = "50/h, 1000/day"
    rate_limit_requests_per_hour: int | None = Field(default=None, ge=1, le=MOST_A_SECOND)
    rate_limit_requests_per_day: int | None = Field(default=None, ge=1, le=MOST_A_SECOND)

    @property
    def rate(self) -> str | None:
        """How much may be asked, whichever setting says so."""
        limits = {"h": self.rate_limit_requests_per_hour, "day": self.rate_limit_requests_per_day}
        said = [f"{limit}/{unit}" for unit, limit in limits.items() if limit is not None]
        return ", ".join(said) or self.rate_limit


class AlpacaSection(VendorSection):
    """Alpaca; it has a key in two parts.

    Attributes:
        rate_limit: The free plan's by default.
        api_key_id: The part that names the key.
        api_secret_key: The part that is secret.
    """

    rate_limit: str | None = "200/min"
    api_key_id: SecretStr | None = None
    api_secret_key: SecretStr | None = None


class BinanceSection(VendorSection):
    """Binance; it needs no key.

    Attributes:
        rate_limit: Two fifths of what it allows, since others may ask from the same address.
        stream_url: Where it streams bars; None is the vendor's own address.
    """

    rate_limit: str | None = "1200/min"
    stream_url: str | None = None

    @field_validator("stream_url")
    @classmethod
    def _stream(cls, value: str | None) -> str | None:
        """Refuse what is no address of a stream."""
        parts = urlsplit(value or "")
        if value and (parts.scheme not in {"ws", "wss"} or not parts.hostname):
            raise ValueError("this is no address of a stream; write wss://HOST")
        return value or None


class YahooSection(VendorSection):
    """Yahoo; it needs no key and states no limit.

    Attributes:
        rate_limit: What it has borne; it answers 429 to more.
    """

    rate_limit: str | None = "60/min"


class FilesSection(VendorSection):
    """A folder of bar files that is asked like a vendor.

    Attributes:
        base_url: The folder.
    """

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Accept any path."""
        return value or None


class TradingDataProviderSection(Section):
    """Which vendors are asked.

    Attributes:
        default_provider: Whom to ask unless a command says otherwise.
        fallback_providers: Whom to ask for what it did not give, in this order.
        enable_fallback: Whether they are asked.
    """

    default_provider: str = "polygon"
    fallback_providers: tuple[str, ...] = ("fmp", "tiingo")
    enable_fallback: bool = False

    @field_validator("default_provider")
    @classmethod
    def _named(cls, value: str) -> str:
        """Accept the names of older env files."""
        return OLDER_NAMES.get(value, value)

    @field_validator("fallback_providers")
    @classmethod
    def _all_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Accept the names of older env files."""
        return tuple(OLDER_NAMES.get(name, name) for name in value)
