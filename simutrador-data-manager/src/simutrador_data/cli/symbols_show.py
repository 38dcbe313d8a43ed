"""`simutrador-data symbols show` and `classify`: what is known about symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.assets.registry import Asset, AssetRegistry


def show(
    symbol: Annotated[
        str, typer.Argument(metavar="SYMBOL", help="In a vendor's spelling or ours.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what is known about a symbol: class, calendar, steps, listing, vendors' spellings."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.opening import load_registry

        settings = settings_for(data).data_storage
        registry = load_registry(settings)
        asset = registry.get(registry.canonical(symbol))
        document = {"asked": symbol, **asset_document(asset, registry)}

        def print_it(console: Console) -> None:
            shown = table("", ["field", "value"])
            spellings = (f"{vendor}: {word}" for vendor, word in asset.vendor_symbols.items())
            for name, value in {**document, "vendor_symbols": ", ".join(spellings)}.items():
                shown.add_row(name, "-" if value in (None, "") else escape(f"{value}"))
            console.print(shown)

        write(document, as_json=as_json, show=print_it)


def classify(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="In any spelling.")],
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say which class each symbol is of: the registry first, then what the spelling settles."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.opening import load_registry

        registry = load_registry(settings_for(data).data_storage)
        found = [_classified(symbol, registry) for symbol in symbols]

        def print_it(console: Console) -> None:
            shown = table("", ["symbol", "class", "ours", "by"])
            for one in found:
                shown.add_row(escape(one["asked"]), one["type"], escape(one["symbol"]), one["by"])
            console.print(shown)

        write({"symbols": found}, as_json=as_json, show=print_it)


def asset_document(asset: Asset, registry: AssetRegistry) -> dict[str, Any]:
    """Return what is known about an asset; steps are decimal text."""
    return {
        "symbol": asset.symbol,
        "registered": asset.symbol in registry,
        "type": str(asset.asset_type),
        "name": asset.name,
        "calendar": asset.calendar,
        "currency": asset.currency,
        "tick_size": None if asset.tick_size is None else f"{asset.tick_size:f}",
        "lot_size": None if asset.lot_size is None else f"{asset.lot_size:f}",
        "listed": asset.listed,
        "delisted": asset.delisted,
        "vendor_symbols": dict(asset.vendor_symbols),
        "source": asset.source,
    }


def _classified(symbol: str, registry: AssetRegistry) -> dict[str, Any]:
    # The symbol as it is written comes first: `CL` in the registry is not `CL=F`.
    asset = registry.get(symbol)
    ours = registry.canonical(symbol)
    if asset.symbol not in registry and ours in registry:
        asset = registry.get(ours)
    by = "registry" if asset.symbol in registry else "spelling"
    return {"asked": symbol, "symbol": ours, "type": str(asset.asset_type), "by": by}
