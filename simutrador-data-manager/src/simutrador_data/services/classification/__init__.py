"""The classes of symbols: what the asset registry says, else what the spelling settles."""

from simutrador_data.services.classification.classify import (
    ClassificationStats,
    classify_symbols,
    get_classification_stats,
    get_symbols_by_type,
)

__all__ = [
    "ClassificationStats",
    "classify_symbols",
    "get_classification_stats",
    "get_symbols_by_type",
]
