"""Python SDK of SimuTrador: trade a strategy against replayed market data."""

from __future__ import annotations

from simutrador_client._version import __version__
from simutrador_client.auth import AuthClient, get_auth_client
from simutrador_client.settings import get_settings
from simutrador_client.strategy import Strategy
from simutrador_client.websocket import SimutradorClientSession

__all__ = [
    "__version__",
    "get_settings",
    "AuthClient",
    "get_auth_client",
    "SimutradorClientSession",
    "Strategy",
]
