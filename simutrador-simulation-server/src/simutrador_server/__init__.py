"""The venue: replays history over WebSocket, fills orders, keeps the account."""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0"

__all__ = ["__version__"]
