"""Which sessions a run updates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import InvalidRangeError
from simutrador_core.models.enums import AssetType
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.nightly.dates import (
    Dates,
    check_dates,
    sessions_to_update,
)

NEW_YORK = get_calendar("XNYS")
AAPL = AssetRegistry.default().get("AAPL")
RULE = Dates()


def chosen(
    now: str, stored: str | None = None, dates: Dates = RULE, asset: Asset = AAPL
) -> tuple[str, str] | None:
    """Return the first and last session as text."""
    found = sessions_to_update(
        dates,
        asset=asset,
        calendar=get_calendar(asset.calendar),
        stored=None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC),
        now=datetime.fromisoformat(now).replace(tzinfo=UTC),
    )
    return None if found is None else (str(found.first), str(found.last))


@pytest.mark.parametrize(
    ("now", "stored", "expected"),
    [
        # Wednesday morning, 08:00 in New York: the last stored session is completed first.
        ("2024-01-10T13:00", "2024-01-08T18:00", ("2024-01-08", "2024-01-09")),
        # A whole session is stored, and no later one is over: it is looked at again, no more.
        ("2024-01-10T13:00", "2024-01-09T20:59", ("2024-01-09", "2024-01-09")),
        # During a session: it is left for later. A minute after its close it is over.
        ("2024-01-10T20:59", "2024-01-09T20:59", ("2024-01-09", "2024-01-09")),
        ("2024-01-10T21:00", "2024-01-09T20:59", ("2024-01-09", "2024-01-10")),
        # In summer the close is an hour earlier by UTC.
        ("2024-07-10T20:00", "2024-07-09T19:59", ("2024-07-09", "2024-07-10")),
        # The half day after Thanksgiving closes at 13:00, that is 18:00 UTC.
        ("2024-11-29T18:00", "2024-11-27T20:59", ("2024-11-27", "2024-11-29")),
        # Monday morning: the last session was Friday's.
        ("2024-01-08T13:00", "2024-01-05T20:59", ("2024-01-05", "2024-01-05")),
        # 1 January was a holiday, after a weekend.
        ("2024-01-02T13:00", "2023-12-28T20:59", ("2023-12-28", "2023-12-29")),
        # The last bar is an after-hours one of Monday, in UTC already Tuesday's.
        ("2024-01-10T13:00", "2024-01-09T00:30", ("2024-01-08", "2024-01-09")),
        # Nothing is stored: 30 days back, from the first session there.
        ("2024-01-31T13:00", None, ("2024-01-02", "2024-01-30")),
    ],
)
def test_the_rule_for_an_equity(now: str, stored: str | None, expected: tuple[str, str]) -> None:
    assert chosen(now, stored) == expected


def test_crypto_has_a_session_every_day_that_ends_at_midnight_utc() -> None:
    bitcoin = AssetRegistry.default().get("BTC-USD")
    assert chosen("2024-01-07T00:00", "2024-01-05T10:00", asset=bitcoin) == (
        *("2024-01-05", "2024-01-06"),
    )
    assert chosen("2024-01-06T23:59", "2024-01-05T10:00", asset=bitcoin) == (
        *("2024-01-05", "2024-01-05"),
    )


def test_dates_that_are_given_win_and_are_cut_to_sessions() -> None:
    weekend = Dates(date(2024, 1, 6), date(2024, 1, 9))
    assert chosen("2024-02-01T13:00", "2024-01-31T15:00", weekend) == ("2024-01-08", "2024-01-09")
    only_start = Dates(first=date(2024, 1, 30))
    assert chosen("2024-02-01T13:00", None, only_start) == ("2024-01-30", "2024-01-31")
    closed = Dates(date(2024, 1, 6), date(2024, 1, 7))
    assert chosen("2024-02-01T13:00", None, closed) is None


def test_today_s_session_can_be_asked_for_by_name() -> None:
    today = Dates(date(2024, 1, 10), date(2024, 1, 10))
    assert chosen("2024-01-10T18:00", None, today) == ("2024-01-10", "2024-01-10")


def test_nothing_before_a_listing_or_after_a_delisting() -> None:
    listed, delisted = date(2024, 1, 3), date(2024, 1, 9)
    short_lived = Asset("NEW", AssetType.US_EQUITY, "XNYS", "USD", listed=listed, delisted=delisted)
    found = chosen("2024-01-20T13:00", None, asset=short_lived)
    assert found == ("2024-01-03", "2024-01-08")
    assert chosen("2024-03-20T13:00", None, asset=short_lived) is None


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        (Dates(date(2024, 1, 3), date(2024, 1, 2)), "2024-01-03 is after end_date 2024-01-02"),
        (Dates(last=date(2024, 1, 11)), "end_date 2024-01-11 lies in the future"),
        (Dates(first=date(2024, 1, 11)), "start_date 2024-01-11 lies in the future"),
    ],
)
def test_dates_that_no_run_can_mean_are_refused(dates: Dates, text: str) -> None:
    # 03:00 UTC on the 11th is still the 10th in New York.
    with pytest.raises(InvalidRangeError, match=text):
        check_dates(dates, calendar=NEW_YORK, now=datetime(2024, 1, 11, 3, tzinfo=UTC))
