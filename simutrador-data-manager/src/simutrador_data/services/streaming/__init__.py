"""Streams: store bars as they close, and leave no hole through any outage."""

from simutrador_data.services.streaming.binance import BinanceLive
from simutrador_data.services.streaming.following import FollowRequest, follow
from simutrador_data.services.streaming.opening import live_source
from simutrador_data.services.streaming.patience import LivePatience
from simutrador_data.services.streaming.report import FollowReport, FollowStatus, Written
from simutrador_data.services.streaming.source import LiveSource
from simutrador_data.services.streaming.watching import LiveWatch

__all__ = [
    "follow",
    "FollowRequest",
    "FollowReport",
    "FollowStatus",
    "Written",
    "LivePatience",
    "LiveSource",
    "LiveWatch",
    "BinanceLive",
    "live_source",
]
