"""`simutrador-data symbols add`: describe an asset in the store's `assets.toml`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.errors import InputError
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.parsing import parse_day, parse_word
from simutrador_data.cli.session import settings_for
from simutrador_data.cli.symbols_show import asset_document
from simutrador_service.cli import DebugOption, JsonOption, reporting, write

if TYPE_CHECKING:
    from decimal import Decimal

    from simutrador_core.assets.registry import Asset


def add(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Our symbol for the asset.")],
    type: Annotated[  # noqa: A002 - the option's own name
        str | None,
        typer.Option(metavar="CLASS", help="us_equity crypto forex commodity international_equity"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    calendar: Annotated[
        str | None, typer.Option(metavar="NAME", help="When it trades: XNYS, 24/7, ...")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="What it costs.")] = None,
    tick_size: Annotated[
        str | None, typer.Option(metavar="STEP", help="Least price step: 0.01")
    ] = None,
    lot_size: Annotated[
        str | None, typer.Option(metavar="STEP", help="Least quantity step: 1")
    ] = None,
    listed: Annotated[str | None, typer.Option(metavar="DATE", help="First session.")] = None,
    delisted: Annotated[
        str | None, typer.Option(metavar="DATE", help="First session without it.")
    ] = None,
    vendor: Annotated[
        list[str] | None,
        typer.Option(metavar="VENDOR=SPELLING", help="How a vendor spells it; may be repeated."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where this is published.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Describe an asset; what is not said stays as it is known, or follows from the class.

    It wins over the built-in assets and over what the spelling says.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_core.sessions.exchange import get_calendar
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.classification.assets_file import changing, write_asset
        from simutrador_data.services.opening import load_registry

        wanted = parse_symbol(symbol)
        said: dict[str, object] = {
            "name": name,
            "calendar": calendar,
            "currency": currency,
            "tick_size": _step("tick_size", tick_size),
            "lot_size": _step("lot_size", lot_size),
            "listed": parse_day("listed", listed),
            "delisted": parse_day("delisted", delisted),
            "source": source,
        }
        spellings = _spellings(vendor or [])
        storage = settings_for(data).data_storage
        file = storage.assets_file
        with changing(file):
            known = _of_class(load_registry(storage).get(wanted), type)
            changes = {key: value for key, value in said.items() if value is not None}
            changes["vendor_symbols"] = {**known.vendor_symbols, **spellings}
            asset = replace(known, **changes)
            get_calendar(asset.calendar)  # an unknown one is refused here
            after = write_asset(file, asset)
        document = {"file": str(file), **asset_document(asset, after)}

        def print_it(console: Console) -> None:
            text = f"{asset.symbol} is {asset.asset_type} by {asset.calendar}, written to {file}"
            console.print(escape(text), soft_wrap=True)

        write(document, as_json=as_json, show=print_it)


def _of_class(known: Asset, word: str | None) -> Asset:
    """Return what is known of an asset, or what follows from another class the user says."""
    from simutrador_core.assets.registry import assume_asset
    from simutrador_core.models.enums import AssetType

    kind = known.asset_type if word is None else parse_word("type", word, AssetType)
    return known if kind is known.asset_type else assume_asset(known.symbol, kind)


def _step(name: str, text: str | None) -> Decimal | None:
    from decimal import Decimal, InvalidOperation

    if text is None:
        return None
    try:
        step = Decimal(text)
    except InvalidOperation as e:
        raise InputError(f"{name} {text!r} is not a number; write 0.01", field=name) from e
    if not step.is_finite() or step <= 0:
        raise InputError(f"{name} {text} must be above 0", field=name)
    return step


def _spellings(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        vendor, equals, spelling = pair.partition("=")
        if not (vendor and equals and spelling):
            raise InputError(f"vendor {pair!r} is not VENDOR=SPELLING", field="vendor")
        found[vendor.strip().lower()] = spelling.strip()
    return found
