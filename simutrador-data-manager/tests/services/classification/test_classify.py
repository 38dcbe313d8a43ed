"""Symbols by class: the registry first, the spelling last."""

from __future__ import annotations

import pytest

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.enums import AssetType
from simutrador_data.services.classification import (
    ClassificationStats,
    classify_symbols,
    get_classification_stats,
    get_symbols_by_type,
)


@pytest.mark.parametrize(
    ("symbol", "asset_type"),
    [
        ("AAPL", AssetType.US_EQUITY),
        ("BRK.B", AssetType.US_EQUITY),
        ("CL", AssetType.US_EQUITY),  # Colgate-Palmolive, not crude oil
        ("ZS", AssetType.US_EQUITY),  # Zscaler, not soybeans
        ("EUR/USD", AssetType.FOREX),
        ("BTC-USD", AssetType.CRYPTO),
        ("XAUUSD", AssetType.COMMODITY),
    ],
)
def test_symbols_are_of_their_class(symbol: str, asset_type: AssetType) -> None:
    assert list(classify_symbols([symbol]).values()) == [asset_type]


def test_symbols_are_canonical_and_count_once() -> None:
    assert classify_symbols(["aapl", "AAPL", "msft"]) == {
        "AAPL": AssetType.US_EQUITY,
        "MSFT": AssetType.US_EQUITY,
    }


def test_what_the_user_registers_wins_over_the_spelling() -> None:
    oil = Asset("CL", AssetType.COMMODITY, "CMES", "USD")

    found = classify_symbols(["CL"], registry=AssetRegistry.default().with_assets(oil))

    assert found == {"CL": AssetType.COMMODITY}


def test_symbols_by_class_come_in_the_order_of_the_classes() -> None:
    found = get_symbols_by_type(["BTC-USD", "MSFT", "ETH-USD", "AAPL"])

    assert list(found.items()) == [
        (AssetType.US_EQUITY, ["MSFT", "AAPL"]),
        (AssetType.CRYPTO, ["BTC-USD", "ETH-USD"]),
    ]


def test_statistics_count_classes_and_name_what_is_unknown() -> None:
    registry = AssetRegistry({}).with_assets(Asset("AAPL", AssetType.US_EQUITY, "XNYS", "USD"))

    stats = get_classification_stats(["AAPL", "BTC-USD", "MSFT", "12345678"], registry=registry)

    assert stats == ClassificationStats(
        total=4,
        counts={AssetType.US_EQUITY: 2, AssetType.CRYPTO: 1, AssetType.UNKNOWN: 1},
        registered=1,
        unknown=("12345678",),
    )
    assert stats.percentage(AssetType.US_EQUITY) == 50.0
    assert stats.percentage(AssetType.FOREX) == 0.0


def test_no_symbols_have_no_shares() -> None:
    stats = get_classification_stats([])

    assert (stats.total, stats.counts, stats.percentage(AssetType.CRYPTO)) == (0, {}, 0.0)


def test_a_text_that_is_no_symbol_is_refused() -> None:
    with pytest.raises(InvalidSymbolError, match="symbol"):
        classify_symbols(["AAPL", "../etc"])
