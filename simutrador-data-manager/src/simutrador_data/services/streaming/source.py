"""`LiveSource`: what a vendor's stream looks like, and how it says no over an open connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe

UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What hostile JSON raises: it is wrong, nested without end, or no text at all."""


class LiveSource(Protocol):
    """One vendor's stream of bars. It opens nothing: it says where, and reads what comes.

    The connection answers the vendor's pings by itself and asks a silent vendor with its own.
    """

    def url(self, symbols: Sequence[str], timeframe: Timeframe) -> str:
        """Return the address that streams these series; what `parse` gives is of them alone.

        Raises:
            NotOfferedError: the vendor has no stream of one of them.
            InputError: it streams no so many over one connection.
        """
        ...

    def parse(self, message: str | bytes) -> Bars | None:
        """Return the closed bars a message holds, None for any other message.

        Raises:
            BadAnswerError: it cannot be read.
        """
        ...


class _Said(msgspec.Struct):
    """An error as vendors send it over an open stream: `[{"T": "error", "code": 406, ...}]`."""

    T: str = ""
    code: int = 0


class _Wrapped(msgspec.Struct):
    """Another way: `{"error": {"code": 1003, "msg": ...}}`."""

    error: _Said


def refusal_in(message: str | bytes) -> int | None:
    """Return the code of the error a message is, None where it is none.

    Alpaca's words and Binance's are known (docs.alpaca.markets/docs/streaming-market-data and
    developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, read 2026-11-21).
    """
    if ('"error"' if isinstance(message, str) else b'"error"') not in message:  # pyright: ignore[reportOperatorIssue] - of the same kind
        return None
    try:
        found = msgspec.json.decode(message, type=list[_Said] | _Wrapped)
    except UNREADABLE:
        return None
    if isinstance(found, _Wrapped):
        return found.error.code
    return next((one.code for one in found if one.T == "error"), None)
