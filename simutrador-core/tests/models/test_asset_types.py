"""Asset classes: the published names and values, and sessions that move with the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from simutrador_core.models.asset_types import (
    ASSET_TYPE_CONFIGS,
    LONDON_FOREX_SESSION,
    US_EQUITY_SESSION,
    MarketSession,
    get_asset_config,
    get_resampling_offset,
    is_24_7_market,
    should_use_session_alignment,
)
from simutrador_core.models.enums import AssetType

SUMMER, WINTER = date(2024, 7, 1), date(2024, 1, 2)


@pytest.mark.parametrize(
    ("session", "opens", "closes", "offset"),
    [
        (US_EQUITY_SESSION, "13:30", "20:00", "13h30min"),
        (LONDON_FOREX_SESSION, "08:00", "17:00", "8h00min"),
    ],
)
def test_utc_properties_keep_the_published_values(
    session: MarketSession, opens: str, closes: str, offset: str
) -> None:
    assert (session.open_utc_time, session.close_utc_time) == (opens, closes)
    assert session.resampling_offset == offset
    hours = (session.open_utc_hour, session.open_utc_minute)
    assert "{:02d}:{:02d}".format(*hours) == opens
    hours = (session.close_utc_hour, session.close_utc_minute)
    assert "{:02d}:{:02d}".format(*hours) == closes


def test_us_session_opens_an_hour_later_in_utc_in_winter() -> None:
    assert US_EQUITY_SESSION.open_utc(SUMMER) == datetime(2024, 7, 1, 13, 30, tzinfo=UTC)
    assert US_EQUITY_SESSION.open_utc(WINTER) == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    assert US_EQUITY_SESSION.close_utc(WINTER) == datetime(2024, 1, 2, 21, 0, tzinfo=UTC)
    assert US_EQUITY_SESSION.timezone == "America/New_York"


def test_london_session_opens_an_hour_earlier_in_utc_in_summer() -> None:
    assert LONDON_FOREX_SESSION.open_utc(SUMMER) == datetime(2024, 7, 1, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (date(2024, 3, 8), 14),  # Friday before the US clocks changed on 10 March 2024
        (date(2024, 3, 11), 13),
        (date(2024, 11, 1), 13),  # Friday before they changed back on 3 November 2024
        (date(2024, 11, 4), 14),
    ],
)
def test_us_session_follows_the_clock_changes(day: date, hour: int) -> None:
    assert US_EQUITY_SESSION.open_utc(day).hour == hour


def test_session_that_ends_after_midnight_closes_the_next_day() -> None:
    night = MarketSession("Night", time(18), time(2), "America/New_York")
    assert night.close_utc(WINTER) == datetime(2024, 1, 3, 7, 0, tzinfo=UTC)


def test_session_of_fixed_utc_hours_does_not_move() -> None:
    fixed = MarketSession.from_utc(
        "Old", open_utc_hour=13, open_utc_minute=30, close_utc_hour=20, close_utc_minute=0
    )
    assert fixed.open_utc(WINTER).time() == fixed.open_utc(SUMMER).time() == time(13, 30)


@pytest.mark.parametrize(
    ("asset_type", "offset", "aligned", "around_the_clock", "calendar"),
    [
        ("us_equity", "13h30min", True, False, "XNYS"),
        ("forex", "8h00min", True, True, "24/5"),
        ("crypto", None, False, True, "24/7"),
        ("commodity", None, False, False, None),
        ("international_equity", None, False, False, None),
        ("unknown", None, False, False, None),
        ("no such class", None, False, False, None),
    ],
)
def test_classes_keep_their_published_answers(
    asset_type: str, offset: str | None, aligned: bool, around_the_clock: bool, calendar: str | None
) -> None:
    assert get_resampling_offset(asset_type) == offset
    assert get_asset_config(asset_type).resampling_offset == offset
    assert should_use_session_alignment(asset_type) is aligned
    assert is_24_7_market(asset_type) is around_the_clock
    assert get_asset_config(asset_type).calendar == calendar


def test_offset_of_a_day_follows_its_clock() -> None:
    assert get_resampling_offset(AssetType.US_EQUITY, WINTER) == "14h30min"
    assert get_resampling_offset(AssetType.US_EQUITY, SUMMER) == "13h30min"
    assert get_resampling_offset(AssetType.CRYPTO, WINTER) is None


def test_every_class_is_configured() -> None:
    assert list(ASSET_TYPE_CONFIGS) == [
        AssetType.US_EQUITY,
        AssetType.FOREX,
        AssetType.CRYPTO,
        AssetType.COMMODITY,
        AssetType.INTERNATIONAL_EQUITY,
        AssetType.UNKNOWN,
    ]
