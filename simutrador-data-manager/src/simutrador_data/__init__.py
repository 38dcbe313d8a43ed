"""Market data for trading simulations: import, validate, resample, store and serve OHLCV bars."""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0"

__all__ = ["__version__"]
