"""What stores, providers, validators and strategies look like; loaded when first used."""

from __future__ import annotations

from simutrador_core._lazy import lazy_names

_HOMES = {
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
        "VersionedSource",
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
        "TargetStrategy",
        "Targets",
    ),
}

__getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
