from simutrador_core.utils.logging import (
    configure_third_party_loggers,
    get_default_logger,
    setup_logger,
)
from simutrador_core.utils.serialization import format_decimal, format_instant, to_decimal, to_utc
from simutrador_core.utils.timeframe_utils import (
    get_pandas_frequency,
    get_resampling_rules,
    get_supported_timeframes,
    get_timeframe_minutes,
    parse_timeframe,
    timeframe_us,
    validate_timeframe_conversion,
)
from simutrador_core.utils.validation import REASONS, RowFault, check_bars, parse_symbol

__all__ = [
    "parse_timeframe",
    "timeframe_us",
    "get_timeframe_minutes",
    "get_pandas_frequency",
    "validate_timeframe_conversion",
    "get_supported_timeframes",
    "get_resampling_rules",
    "parse_symbol",
    "check_bars",
    "RowFault",
    "REASONS",
    "to_decimal",
    "format_decimal",
    "format_instant",
    "to_utc",
    "setup_logger",
    "get_default_logger",
    "configure_third_party_loggers",
]
