"""Many symbols by class. The rule itself stands in `simutrador_core.assets`; none is added here.

Custom mappings are assets in the registry (`with_assets`, or the user's TOML file), so
they hold for every class and outlive the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.enums import AssetType
from simutrador_core.utils.validation import parse_symbol


@dataclass(frozen=True, slots=True)
class ClassificationStats:
    """How symbols spread over the classes.

    Attributes:
        total: How many different symbols there are.
        counts: Symbols of each class that occurs, in the order of `AssetType`.
        registered: How many are in the registry; the class of the others follows from spelling.
        unknown: The symbols whose class nobody knows, sorted.
    """

    total: int
    counts: dict[AssetType, int]
    registered: int
    unknown: tuple[str, ...]

    def percentage(self, asset_type: AssetType) -> float:
        """Return the share of a class in percent, 0.0 when there are no symbols."""
        return 100.0 * self.counts.get(asset_type, 0) / self.total if self.total else 0.0


def classify_symbols(
    symbols: Iterable[str], *, registry: AssetRegistry | None = None
) -> dict[str, AssetType]:
    """Return the class of each symbol, by canonical symbol, in the order given.

    Args:
        symbols: In any spelling `parse_symbol` takes; repeated ones count once.
        registry: Asked first; None stands for the assets that ship with simutrador-core.

    Raises:
        InvalidSymbolError: a text is no symbol; the error names the rule it breaks.
    """
    known = AssetRegistry.default() if registry is None else registry
    canonical = dict.fromkeys(parse_symbol(symbol) for symbol in symbols)
    return {symbol: known.get(symbol).asset_type for symbol in canonical}


def get_symbols_by_type(
    symbols: Iterable[str], *, registry: AssetRegistry | None = None
) -> dict[AssetType, list[str]]:
    """Return the canonical symbols of each class that occurs, in the order of `AssetType`.

    Raises:
        InvalidSymbolError: a text is no symbol.
    """
    classes = classify_symbols(symbols, registry=registry)
    return {
        asset_type: [symbol for symbol, found in classes.items() if found is asset_type]
        for asset_type in AssetType
        if asset_type in classes.values()
    }


def get_classification_stats(
    symbols: Iterable[str], *, registry: AssetRegistry | None = None
) -> ClassificationStats:
    """Return how symbols spread over the classes.

    Raises:
        InvalidSymbolError: a text is no symbol.
    """
    known = AssetRegistry.default() if registry is None else registry
    classes = classify_symbols(symbols, registry=known)
    counted = Counter(classes.values())
    return ClassificationStats(
        total=len(classes),
        counts={asset_type: counted[asset_type] for asset_type in AssetType if counted[asset_type]},
        registered=sum(symbol in known for symbol in classes),
        unknown=tuple(sorted(s for s, found in classes.items() if found is AssetType.UNKNOWN)),
    )
