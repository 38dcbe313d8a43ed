"""A5: no symbol leaves the store's folder, and no two share a file, whatever they are called."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.awkward_values import ODD_SYMBOLS
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage import contents, names
from simutrador_data.services.storage.parquet_store import ParquetStore

WINDOWS_RESERVED: Final = frozenset('<>:"/\\|?*') | frozenset(map(chr, range(32)))
WINDOWS_DEVICES: Final = {"con", "prn", "aux", "nul"} | {
    f"{d}{n}" for d in ("com", "lpt") for n in range(10)
}
LONGEST_NAME: Final = 255
"""Bytes of one name on ext4, APFS and NTFS; naming rules of Windows: learn.microsoft.com,
"Naming Files, Paths, and Namespaces", read 2026-11-20."""

SYMBOLS: Final = [
    *ODD_SYMBOLS,
    "../../../../../X", "..", ".", "...", "/etc/passwd", "C:\\X", "\\\\host\\share",
    "a\x00b", "a\nb", "aux.csv", "COM1", "lpt9.txt", "con ", "Con", "~root", "$HOME", "*", "?",
    "A" * 121, "A" * 122, "\u00e9" * 60, "\u00e9" * 61, "\ufb01", "fi", "\u00df", "ss", "\u0130",
    "i", "K", "\u212a", "\uff21", "A", "\U0001f600", "A\u200bB", "AB", "A\u00adB", "\u0391",
    "\u1e9e", "x;y", "x y", "%25", "%",
]  # fmt: skip


def as_the_symbol_is() -> Any:
    """Fault: only what the disk itself refuses is kept out of file names."""

    def careless(symbol: str) -> str:
        return symbol.lstrip("/").replace("\x00", "")[:100]

    return patch.object(contents, "encode_name", careless)


def folded(name: str) -> str:
    """Return how a disk that ignores case and normalises Unicode knows a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.acceptance("A5", package="data-manager", breaks=as_the_symbol_is)
def test_symbols_stay_in_the_store_and_apart(tmp_path: Path, figure: Callable[[str], None]) -> None:
    outside, root = tmp_path / "outside", tmp_path / "outside" / "deep" / "store"
    kept, refused = [], []
    with ParquetStore(root) as store:
        for number, symbol in enumerate(dict.fromkeys(SYMBOLS)):
            try:
                store.commit(make_change(make_bars(symbol, price=100 + number)))
                kept.append((symbol, 100 + number))
            except InvalidSymbolError:
                refused.append(symbol)
        store.maintain(Maintenance.COMPACT)
        for symbol, price in kept:
            assert_same_bars(store.read(query_all(symbol)), make_bars(symbol, price=price))
        assert {info.symbol for info in store.symbols()} == {symbol for symbol, _ in kept}
        assert store.maintain(Maintenance.VERIFY).problems == ()
    stray = [path for path in files_below(outside) if not path.is_relative_to(root)]
    assert stray == []
    folders = parquet_folders(root)
    assert len(folders) == len(kept)
    assert_portable(path.relative_to(root) for path in files_below(root))
    assert len(kept) >= len(SYMBOLS) - 5
    figure(f"{len(kept)} names kept apart in {len(folders)} folders, {len(refused)} refused")


def parquet_folders(root: Path) -> set[str]:
    """Return the folders with bars as a disk that ignores case tells them apart."""
    found: defaultdict[str, set[Path]] = defaultdict(set)
    for path in root.rglob("*.parquet"):
        found[folded(str(path.parent))].add(path.parent)
    shared = {name: folders for name, folders in found.items() if len(folders) > 1}
    assert shared == {}, "folders that one disk takes for the same"
    return set(found)


def assert_portable(paths: Any) -> None:
    for path in paths:
        for part in path.parts:
            assert len(part.encode()) <= LONGEST_NAME, part
            assert not WINDOWS_RESERVED & set(part), part
            assert part[-1] not in ". ", part
            assert part.split(".")[0].lower().rstrip() not in WINDOWS_DEVICES, part


def loses_case() -> Any:
    """Fault: names are made of the characters alone, so small letters and capitals meet."""
    return patch.object(names, "_escape", lambda character: character)


@pytest.mark.acceptance("A5", package="data-manager", breaks=loses_case)
def test_any_two_symbols_have_names_that_any_disk_tells_apart(
    figure: Callable[[str], None],
) -> None:
    examples = at_scale(400, 20_000)
    text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
    near = st.sampled_from(SYMBOLS)
    changed = st.builds(lambda symbol, how: how(symbol), near, st.sampled_from([
        str.upper, str.lower, str.casefold, str.title, str.swapcase,
        lambda s: unicodedata.normalize("NFC", s), lambda s: unicodedata.normalize("NFD", s),
        lambda s: unicodedata.normalize("NFKC", s), lambda s: s + ".", lambda s: s + " ",
    ]))  # fmt: skip

    @settings(max_examples=examples, deadline=None)
    @given(st.one_of(text, near, changed), st.one_of(text, near, changed))
    def check(one: str, other: str) -> None:
        first, second = names.encode_name(one), names.encode_name(other)
        assert (folded(first) == folded(second)) == (one == other)
        assert_portable([Path(first)])
        assert first not in {".", ".."}
        assert "~" in first or names.decode_name(first) == one

    check()
    figure(f"{examples} pairs, 0 collisions")
