"""Timeframes, validation of input, exact text forms, logging; loaded when first used."""

from __future__ import annotations

from simutrador_core._lazy import lazy_names

_HOMES = {
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
}

__getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
