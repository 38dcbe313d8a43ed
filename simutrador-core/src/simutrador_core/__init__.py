"""SimuTrador core: the models, enums, messages and interfaces that every SimuTrador package shares.

Every public name can be imported from here and is loaded when first used.
"""

from __future__ import annotations

from simutrador_core._lazy import lazy_names

_HOMES = {
    "simutrador_core.models.bars": (
        "Bars",
        "concat",
    ),
    "simutrador_core.models.series": (
        "BarQuery",
        "SeriesKey",
        "to_us",
        "from_us",
    ),
    "simutrador_core.models.enums": (
        "Timeframe",
        "Adjustment",
        "OnConflict",
        "Maintenance",
        "GapReason",
        "Alignment",
        "AssetType",
        "OrderSide",
        "OrderType",
        "WSOrderType",
        "TimeInForce",
        "TradeResult",
        "SessionState",
        "OrderStatus",
        "UserPlan",
        "WSErrorCode",
    ),
    "simutrador_core.models.price_data": (
        "PriceCandle",
        "PaginationInfo",
        "PriceDataSeries",
        "PriceQuote",
        "DataUpdateStatus",
    ),
    "simutrador_core.models.asset_types": (
        "MarketSession",
        "AssetTypeConfig",
        "ASSET_TYPE_CONFIGS",
        "US_EQUITY_SESSION",
        "LONDON_FOREX_SESSION",
        "get_asset_config",
        "get_resampling_offset",
        "should_use_session_alignment",
        "is_24_7_market",
    ),
    "simutrador_core.models.websocket": (
        "WSMessage",
        "ErrorData",
        "SessionErrorData",
        "build_error",
        "HealthStatus",
        "PongData",
        "TokenResponse",
        "UserLimitsResponse",
        "ConnectionReadyData",
        "ConnectionWarningData",
        "ConnectionClosingData",
        "CreateSessionData",
        "SimulationStartData",
        "StartSimulationRequest",
        "SessionCreatedData",
        "SessionCreatedResponseData",
        "SimulationStartedData",
        "SimulationStatusData",
        "SimulationEndData",
        "HistorySnapshotData",
        "TickData",
        "TickAckData",
        "OrderData",
        "OrderBatchData",
        "BatchAckData",
        "ExecutionReportData",
        "PositionData",
        "AccountSnapshotData",
        "OpenOrderState",
        "SymbolPriceState",
        "PositionBracketState",
        "SessionTradingState",
    ),
    "simutrador_core.utils.timeframe_utils": (
        "parse_timeframe",
        "timeframe_us",
        "get_timeframe_minutes",
        "get_pandas_frequency",
        "validate_timeframe_conversion",
        "get_supported_timeframes",
        "get_resampling_rules",
    ),
    "simutrador_core.utils.validation": (
        "parse_symbol",
        "check_bars",
        "RowFault",
        "REASONS",
    ),
    "simutrador_core.utils.serialization": (
        "to_decimal",
        "format_decimal",
        "format_instant",
        "to_utc",
    ),
    "simutrador_core.utils.logging": (
        "setup_logger",
        "get_default_logger",
        "configure_third_party_loggers",
    ),
    "simutrador_core.interfaces.storage": (
        "BarSource",
        "BarStore",
        "Change",
        "Commit",
        "Coverage",
        "Covered",
        "Report",
        "Segment",
        "SeriesInfo",
    ),
    "simutrador_core.interfaces.data_provider": (
        "DataProvider",
        "Capabilities",
        "BarRequest",
        "BarPage",
        "ActionKind",
        "ActionRequest",
        "CorporateAction",
        "TradeRequest",
        "Trades",
        "FetchResult",
    ),
    "simutrador_core.interfaces.validation": (
        "DataValidator",
        "Gap",
    ),
    "simutrador_core.interfaces.strategy": (
        "BarStrategy",
        "StrategyContext",
    ),
    "simutrador_core.dataset": ("dataset_id",),
    "simutrador_core.errors": (
        "SimutradorError",
        "InputError",
        "InvalidSymbolError",
        "InvalidTimeframeError",
        "InvalidRangeError",
        "InvalidBarsError",
        "UnknownSymbolError",
        "MissingExtraError",
        "CalendarError",
        "StoreError",
        "ConflictError",
        "CorruptDataError",
        "StoreFormatError",
        "ImportFileError",
        "DataProviderError",
        "AuthenticationError",
        "RateLimitError",
    ),
}

_names, __dir__, __all__ = lazy_names(__name__, _HOMES)
__all__ += ["__version__"]


def __getattr__(name: str) -> object:
    """Return a public name, or the installed version, at its first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("simutrador-core")
    return _names(name)
