"""Polygon, also called Massive."""

from simutrador_data.services.data_providers.polygon.provider import (
    BASE_URL,
    KEY,
    PLUGIN,
    PolygonProvider,
    open_polygon,
    to_ticker,
)

__all__ = ["PLUGIN", "PolygonProvider", "open_polygon", "to_ticker", "BASE_URL", "KEY"]
