"""The words on the wire do not change."""

from __future__ import annotations

from enum import StrEnum

import pytest

from simutrador_core.models import enums

WORDS = {
    "Timeframe": "1min 5min 15min 30min 1h 2h 4h daily 1w 1mo",
    "OrderType": "MKT LMT",
    "WSOrderType": "market limit stop stop_limit",
    "OrderSide": "buy sell",
    "TimeInForce": "day gtc ioc",
    "TradeResult": "tp sl timeout",
    "SessionState": "initializing ready running paused completed error",
    "OrderStatus": "open filled rejected cancelled",
    "UserPlan": "free professional enterprise",
    "AssetType": "us_equity crypto forex commodity international_equity unknown",
    "WSErrorCode": "INVALID_PARAMS VALIDATION_ERROR SERVICE_BUSY SESSION_CREATE_FAILED"
    " NOT_IMPLEMENTED UNKNOWN_TYPE AUTH_FAILED RATE_LIMITED HANDLER_TIMEOUT",
    "Adjustment": "raw split total",
    "GapReason": "closed not_listed delisted halted no_trade vendor_hole not_fetched unexplained",
}


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_words_are_the_published_ones(name: str, words: str) -> None:
    assert [member.value for member in getattr(enums, name)] == words.split()


def test_every_set_of_words_prints_as_its_value() -> None:
    kinds = [v for v in vars(enums).values() if isinstance(v, type) and issubclass(v, StrEnum)]
    for member in (member for kind in kinds for member in kind):
        assert f"{member}" == member.value


def test_only_daily_and_longer_are_not_intraday() -> None:
    longer = [tf.value for tf in enums.Timeframe if not tf.is_intraday]
    assert longer == ["daily", "1w", "1mo"]
