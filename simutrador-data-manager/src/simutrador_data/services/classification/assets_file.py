"""The user's `assets.toml`: adding an asset to it without touching what else stands there."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import InputError, StoreError

LONGEST_WAIT_S: Final = 10.0
"""How long a command waits for another one that changes the file."""

_BLOCK: Final = re.compile(r"^\s*\[\[\s*asset\s*\]\]", re.MULTILINE)
_SYMBOL: Final = re.compile(r"""^\s*symbol\s*=\s*["']([^"']*)["']""", re.MULTILINE)


@contextmanager
def changing(path: Path) -> Generator[None]:
    """Keep others from changing a user's file from when it is read until it is written.

    Raises:
        StoreError: another command is at it for too long, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_locked(path)):
        yield


def write_asset(path: Path, asset: Asset) -> AssetRegistry:
    """Add an asset to a user's file, or replace the one of its symbol; return what holds then.

    Call it inside `changing`, with what the asset is made from read there too.

    The file is replaced whole: a reader sees the old or the new one. Comments stay, except inside
    the block that is replaced.

    Raises:
        InputError: the file cannot be understood, or what would be written; nothing was changed.
        OSError: it cannot be written.
    """
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before:
        AssetRegistry.load(path)  # a broken file is named before anything is added to it
    kept = "".join(part for part in _parts(before) if _symbol_of(part) != asset.symbol)
    text = f"{kept.rstrip()}\n\n{to_toml(asset)}".lstrip()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        registry = AssetRegistry.load(draft)
        if registry.get(asset.symbol) != asset:
            raise InputError(f"{asset.symbol} cannot be written to {path}", field="symbol")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return registry


def _locked(path: Path) -> sqlite3.Connection:
    """Return what holds the lock until it is closed: SQLite's, which falls when its holder dies."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        held = sqlite3.connect(lock, timeout=LONGEST_WAIT_S, isolation_level=None)
        try:
            held.execute("PRAGMA journal_mode = MEMORY")  # otherwise one more file
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            held.close()
            raise
    except sqlite3.Error as e:
        raise StoreError(
            f"{path} cannot be locked ({e}); wait for the command that changes it, or check its "
            "folder"
        ) from e
    return held


def to_toml(asset: Asset) -> str:
    """Return an asset as the block of a TOML file."""
    lines = [f"symbol = {_text(asset.symbol)}", f"type = {_text(asset.asset_type)}"]
    words = {"name": asset.name, "calendar": asset.calendar, "currency": asset.currency}
    lines += [f"{name} = {_text(word)}" for name, word in words.items() if word]
    steps = {"tick_size": asset.tick_size, "lot_size": asset.lot_size}
    lines += [f'{name} = "{step:f}"' for name, step in steps.items() if step is not None]
    days = {"listed": asset.listed, "delisted": asset.delisted}
    lines += [f"{name} = {day}" for name, day in days.items() if day is not None]
    if asset.vendor_symbols:
        spellings = ", ".join(
            f"{_text(vendor)} = {_text(word)}" for vendor, word in asset.vendor_symbols.items()
        )
        lines.append(f"vendor_symbols = {{ {spellings} }}")
    if asset.source:
        lines.append(f"source = {_text(asset.source)}")
    return "\n".join(["[[asset]]", *lines]) + "\n"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'


def _parts(text: str) -> Iterator[str]:
    """Yield what stands before the first asset, then each asset's block."""
    starts = [found.start() for found in _BLOCK.finditer(text)]
    edges = [0, *starts, len(text)]
    for begin, end in pairwise(edges):
        yield text[begin:end]


def _symbol_of(part: str) -> str | None:
    found = _SYMBOL.search(part) if _BLOCK.match(part) else None
    return found[1].upper() if found else None


__all__ = ["LONGEST_WAIT_S", "changing", "to_toml", "write_asset"]
