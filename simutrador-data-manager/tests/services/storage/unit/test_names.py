from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.errors import InvalidSymbolError
from simutrador_data.services.storage.names import LONGEST, decode_name, encode_name

symbols = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("AAPL", "AAPL"),
        ("BRK.B", "BRK.B"),
        ("BTC-USD", "BTC-USD"),
        ("EUR/USD", "EUR%2FUSD"),
        ("^GSPC", "%5EGSPC"),
        ("aapl", "%61%61%70%6C"),
        ("../", "%2E.%2F"),
        ("..%2F", "%2E.%252F"),
        ("%00", "%2500"),
        ("A\0", "A%00"),
        ("CON", "%43ON"),
        ("NUL.TXT", "%4EUL.TXT"),
        ("CONSOLE", "CONSOLE"),
        ("-X", "%2DX"),
        (".", "%2E"),
        ("X.", "X%2E"),
        ("X ", "X%20"),
        ("\u202eLPAA", "%E2%80%AELPAA"),
    ],
)
def test_name_of_a_symbol_is_plain_where_it_can_be(symbol: str, name: str) -> None:
    assert encode_name(symbol) == name
    assert decode_name(name) == symbol


@given(symbols)
def test_names_are_safe_and_decode_to_their_symbol(symbol: str) -> None:
    name = encode_name(symbol)
    assert re.fullmatch(r"[A-Z0-9%_][A-Z0-9%._~-]*", name)
    assert len(name) <= LONGEST
    assert not name.endswith(".")
    if "~" not in name:
        assert decode_name(name) == symbol


@given(symbols, symbols)
def test_two_symbols_never_share_a_name_on_a_disk_without_case(one: str, other: str) -> None:
    folded = [unicodedata.normalize("NFC", encode_name(s)).casefold() for s in (one, other)]
    assert (folded[0] == folded[1]) == (one == other)


def test_long_symbols_are_told_apart_by_a_hash() -> None:
    names = {encode_name("X" * 300), encode_name("X" * 301), encode_name("X" * 299 + "Y")}
    assert len(names) == 3
    assert {len(name) for name in names} == {LONGEST}
    with pytest.raises(InvalidSymbolError, match="catalogue"):
        decode_name(names.pop())


@pytest.mark.parametrize("symbol", ["", "\ud800"])
def test_what_is_no_text_has_no_name(symbol: str) -> None:
    with pytest.raises(InvalidSymbolError):
        encode_name(symbol)


@pytest.mark.parametrize("name", ["", "aapl", "%41", "A%2f", "CON", "%FF", "X.", "A B"])
def test_names_the_store_does_not_make_are_refused(name: str) -> None:
    with pytest.raises(InvalidSymbolError):
        decode_name(name)
