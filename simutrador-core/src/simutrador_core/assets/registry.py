"""`AssetRegistry`: what is known about each symbol. No pydantic and no pandas here.

The defaults ship in `data/assets.toml`; a user's own TOML file adds to them and wins over them:

    [[asset]]
    symbol = "CL"
    type = "commodity"                  # us_equity crypto forex commodity international_equity
    name = "Crude oil, front month"
    calendar = "CMES"                   # any name `sessions.exchange.get_calendar` takes
    currency = "USD"
    tick_size = "0.01"                  # text, so that it stays exact
    lot_size = "1"
    listed = 1983-03-30                 # first session; with `delisted`, the first one without it
    vendor_symbols = { yahoo = "CL=F" }
    source = "where the dates and steps are published"

Only `symbol` is required; the rest follows from the class of the asset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

from simutrador_core.assets.classify import (
    EXCHANGE_SUFFIXES,
    canonical_spelling,
    classify,
    split_pair,
)
from simutrador_core.errors import InputError
from simutrador_core.models.enums import AssetType
from simutrador_core.utils.toml_tables import Table, parse_tables
from simutrador_core.utils.validation import parse_symbol

_DEFAULTS: Final = "assets.toml"
_FIELDS: Final = frozenset(
    {
        "symbol",
        "type",
        "name",
        "calendar",
        "currency",
        "tick_size",
        "lot_size",
        "listed",
        "delisted",
        "vendor_symbols",
        "source",
    }
)
_CENT: Final = Decimal("0.01")
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Asset:
    """What is known about one symbol.

    Attributes:
        symbol: Canonical symbol, `AAPL`, `BRK.B`, `BTC-USD`, `EUR/USD`.
        asset_type: The class of the asset.
        calendar: Name of the calendar it trades by, for `sessions.exchange.get_calendar`.
        currency: What its price is in; the quote of a pair.
        tick_size: Least price step, or None where it is not known.
        lot_size: Least quantity step, or None where it is not known.
        listed: First session, or None where it is not known.
        delisted: First session without it, or None while it trades.
        name: What people call it.
        vendor_symbols: How vendors spell it, by vendor: `{"polygon": "X:BTCUSD"}`.
        source: Where the dates and steps are published.
    """

    symbol: str
    asset_type: AssetType
    calendar: str
    currency: str
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    listed: date | None = None
    delisted: date | None = None
    name: str = ""
    vendor_symbols: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str = ""


@dataclass(frozen=True, slots=True)
class AssetRegistry:
    """The assets that are known, by symbol; immutable."""

    assets: Mapping[str, Asset]

    @classmethod
    def default(cls) -> AssetRegistry:
        """Return the assets that ship with the package."""
        return _default_registry()

    @classmethod
    def load(cls, path: Path) -> AssetRegistry:
        """Return the defaults with those of a user's TOML file over them.

        Raises:
            InputError: the file breaks the format; the text names file, line and field.
            OSError: it cannot be read.
        """
        text = path.read_text(encoding="utf-8")
        return cls.default().with_assets(*_parse_assets(text, source=str(path)))

    def with_assets(self, *assets: Asset) -> AssetRegistry:
        """Return a registry that holds these too; they replace those of the same symbol."""
        added = {asset.symbol: asset for asset in assets}
        return AssetRegistry(MappingProxyType({**self.assets, **added}))

    def get(self, symbol: str) -> Asset:
        """Return the asset; one that is not registered is taken to be what its symbol looks like.

        Raises:
            InvalidSymbolError: the text is no symbol at all.
        """
        canonical = parse_symbol(symbol)
        return self.assets.get(canonical) or assume_asset(canonical, classify(canonical))

    def canonical(self, symbol: str) -> str:
        """Return our symbol for what a vendor, or a person, spells otherwise.

        A registered symbol is itself. Else a vendor's spelling in the registry counts where one
        asset alone has it, else what `canonical_spelling` makes of the text.

        Raises:
            InvalidSymbolError: the text is no symbol at all.
        """
        text = parse_symbol(symbol)
        if text in self.assets:
            return text
        owners = {
            asset.symbol
            for asset in self.assets.values()
            if text in {spelling.upper() for spelling in asset.vendor_symbols.values()}
        }
        return owners.pop() if len(owners) == 1 else canonical_spelling(text)

    def __contains__(self, symbol: object) -> bool:
        """Return whether the symbol is registered, not merely guessed."""
        return symbol in self.assets

    def __iter__(self) -> Iterator[Asset]:
        """Yield the registered assets, ordered by symbol."""
        return iter(sorted(self.assets.values(), key=lambda asset: asset.symbol))

    def __len__(self) -> int:
        """Return how many assets are registered."""
        return len(self.assets)


def assume_asset(symbol: str, asset_type: AssetType) -> Asset:
    """Return an asset of that class with what follows from the class and the spelling alone.

    US equities step by 0.01 USD and one share and follow `XNYS`, as does what is unknown; coins
    trade by `24/7`, currencies and metals by `24/5`, other commodities by `CMES`, foreign listings
    by the exchange their suffix names. Other steps are not guessed.
    """
    pair = split_pair(symbol)
    currency = pair[1] if pair else "USD"
    if asset_type is AssetType.US_EQUITY:
        # SEC rule 612: quotes of 1 dollar and more step by a cent.
        return Asset(symbol, asset_type, "XNYS", "USD", tick_size=_CENT, lot_size=_ONE)
    if asset_type is AssetType.INTERNATIONAL_EQUITY:
        calendar, currency = EXCHANGE_SUFFIXES.get(symbol.rpartition(".")[2], ("XNYS", currency))
        return Asset(symbol, asset_type, calendar, currency)
    calendar = {
        AssetType.CRYPTO: "24/7",
        AssetType.FOREX: "24/5",
        AssetType.COMMODITY: "24/5" if pair else "CMES",
    }.get(asset_type, "XNYS")
    return Asset(symbol, asset_type, calendar, currency)


@lru_cache(maxsize=1)
def _default_registry() -> AssetRegistry:
    text = (files("simutrador_core.assets") / "data" / _DEFAULTS).read_text(encoding="utf-8")
    return AssetRegistry(MappingProxyType({})).with_assets(*_parse_assets(text, source=_DEFAULTS))


def _parse_assets(text: str, *, source: str) -> list[Asset]:
    assets: dict[str, Asset] = {}
    for table in parse_tables(text, source=source, kinds={"asset"}):
        asset = _to_asset(table)
        if asset.symbol in assets:
            raise table.refuse("symbol", f"{asset.symbol!r} stands there twice")
        assets[asset.symbol] = asset
    return list(assets.values())


def _to_asset(table: Table) -> Asset:
    table.allow_only(_FIELDS)
    symbol = _symbol(table)
    guess = assume_asset(symbol, _asset_type(table) or classify(symbol))
    listed, delisted = table.find("listed", date), table.find("delisted", date)
    if listed and delisted and delisted <= listed:
        raise table.refuse("delisted", f"{delisted} must be after 'listed' {listed}")
    return Asset(
        symbol=symbol,
        asset_type=guess.asset_type,
        calendar=table.find("calendar", str) or guess.calendar,
        currency=table.find("currency", str) or guess.currency,
        tick_size=_step(table, "tick_size") or guess.tick_size,
        lot_size=_step(table, "lot_size") or guess.lot_size,
        listed=listed,
        delisted=delisted,
        name=table.find("name", str) or "",
        vendor_symbols=_vendor_symbols(table),
        source=table.find("source", str) or "",
    )


def _symbol(table: Table) -> str:
    text = table.require("symbol", str)
    try:
        return parse_symbol(text)
    except InputError as e:
        raise table.refuse("symbol", f"is wrong: {e}") from e


def _asset_type(table: Table) -> AssetType | None:
    word = table.find("type", str)
    if word is not None and word not in set(AssetType):
        raise table.refuse("type", f"must be one of {', '.join(AssetType)}, not {word!r}")
    return None if word is None else AssetType(word)


def _step(table: Table, name: str) -> Decimal | None:
    text = table.find(name, str)
    if text is None:
        return None
    try:
        step = Decimal(text)
    except InvalidOperation as e:
        raise table.refuse(name, f"must be a decimal number in quotes, not {text!r}") from e
    if not step.is_finite() or step <= 0:
        raise table.refuse(name, f"{text} must be above 0")
    return step


def _vendor_symbols(table: Table) -> Mapping[str, str]:
    given = cast("Mapping[str, object]", table.find("vendor_symbols", dict) or {})
    found = {vendor: word for vendor, word in given.items() if isinstance(word, str) and word}
    if len(found) < len(given):
        raise table.refuse("vendor_symbols", 'must be texts by vendor: { yahoo = "CL=F" }')
    return MappingProxyType(found)
