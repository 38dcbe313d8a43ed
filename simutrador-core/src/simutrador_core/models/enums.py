"""The fixed sets of words of SimuTrador; every value is what stands on the wire.

All are `StrEnum`: `f"{OrderSide.BUY}"` gives `buy`. No pydantic, no numpy here.
"""

from __future__ import annotations

from enum import StrEnum


class Timeframe(StrEnum):
    """How long one bar lasts. Aliases such as `1m` or `1D` are accepted by `parse_timeframe`."""

    MINUTE_1 = "1min"
    MINUTE_5 = "5min"
    MINUTE_15 = "15min"
    MINUTE_30 = "30min"
    HOUR_1 = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    DAILY = "daily"
    WEEKLY = "1w"
    MONTHLY = "1mo"

    @property
    def is_intraday(self) -> bool:
        """Whether several bars fit into one session."""
        return self not in _SESSION_BASED


_SESSION_BASED = frozenset({Timeframe.DAILY, Timeframe.WEEKLY, Timeframe.MONTHLY})


class Adjustment(StrEnum):
    """Which corporate actions a series of prices has been corrected for."""

    RAW = "raw"
    SPLIT = "split"
    TOTAL = "total"


class OnConflict(StrEnum):
    """What a commit does where a different row already stands at the same instant."""

    KEEP = "keep"
    REPLACE = "replace"
    FAIL = "fail"


class Maintenance(StrEnum):
    """Housekeeping a store can be asked to do."""

    COMPACT = "compact"
    VERIFY = "verify"
    VACUUM = "vacuum"


class GapReason(StrEnum):
    """Why expected or calendar bars are absent, in order of precedence."""

    CLOSED = "closed"
    NOT_LISTED = "not_listed"
    DELISTED = "delisted"
    HALTED = "halted"
    NO_TRADE = "no_trade"
    VENDOR_HOLE = "vendor_hole"
    NOT_FETCHED = "not_fetched"
    UNEXPLAINED = "unexplained"


class Alignment(StrEnum):
    """Where resampled intraday bars start: the session's open, or the UTC grid (`polygon`)."""

    SESSION = "session"
    POLYGON = "polygon"


class AssetType(StrEnum):
    """The class of an asset."""

    US_EQUITY = "us_equity"
    CRYPTO = "crypto"
    FOREX = "forex"
    COMMODITY = "commodity"
    INTERNATIONAL_EQUITY = "international_equity"
    UNKNOWN = "unknown"


class OrderSide(StrEnum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """Order types of the older REST interface. WebSocket orders use `WSOrderType`."""

    MARKET = "MKT"
    LIMIT = "LMT"


class WSOrderType(StrEnum):
    """Order types of the WebSocket API."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    """How long an order rests: to the session's close, until cancelled, or its first bar only."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"


class TradeResult(StrEnum):
    """How a trade of the older REST interface ended."""

    TAKE_PROFIT = "tp"
    STOP_LOSS = "sl"
    TIMEOUT = "timeout"


class SessionState(StrEnum):
    """The state of one simulation (the wire calls a simulation a session)."""

    INITIALIZING = "initializing"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ERROR = "error"


class OrderStatus(StrEnum):
    """The state of an order as the published models name it."""

    OPEN = "open"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class UserPlan(StrEnum):
    """What a user has subscribed to."""

    FREE = "free"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


class WSErrorCode(StrEnum):
    """Error codes of the published WebSocket models."""

    INVALID_PARAMS = "INVALID_PARAMS"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    SERVICE_BUSY = "SERVICE_BUSY"
    SESSION_CREATE_FAILED = "SESSION_CREATE_FAILED"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    AUTH_FAILED = "AUTH_FAILED"
    RATE_LIMITED = "RATE_LIMITED"
    HANDLER_TIMEOUT = "HANDLER_TIMEOUT"
