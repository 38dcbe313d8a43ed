"""`symbols show`, `classify` and `add`: what is known about symbols, and what users add."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def classes(run: Run, *symbols: str, data: Path | None = None) -> dict[str, str]:
    where = () if data is None else ("--data", data)
    document = run("symbols", "classify", *symbols, *where, "--json").document
    return {one["asked"]: one["type"] for one in document["symbols"]}


def test_every_symbol_that_was_classified_wrong_is_right(run: Run) -> None:
    shares = ["CL", "PL", "CC", "SB", "HE", "NG", "GC", "UNI", "COMP", "LINK", "ZS", "BRK.B"]
    assert classes(run, *shares) == dict.fromkeys(shares, "us_equity")
    others = {
        "X:BTCUSD": "crypto",
        "C:EURUSD": "forex",
        "XAUUSD": "commodity",
        "ABCUSD": "unknown",
        "BTCUSDT": "crypto",
        "VOD.L": "international_equity",
        "CL=F": "commodity",
        "TWTR": "us_equity",
        "SQ": "us_equity",
    }
    assert classes(run, *others) == others


def test_list_is_what_symbols_alone_says(run: Run, imported: Path) -> None:
    plain = run("symbols", "--data", imported, "--json").document
    assert run("symbols", "list", "--data", imported, "--json").document == plain
    assert "ACME" in run("symbols", "list", "--data", imported).out


def test_show_says_what_is_known(run: Run) -> None:
    found = run("symbols", "show", "X:BTCUSD", "--json").document
    assert (found["asked"], found["symbol"], found["registered"]) == ("X:BTCUSD", "BTC-USD", True)
    assert (found["type"], found["calendar"], found["tick_size"]) == ("crypto", "24/7", "0.01")
    guessed = run("symbols", "show", "zzz", "--json").document
    assert (guessed["symbol"], guessed["registered"]) == ("ZZZ", False)
    assert (guessed["type"], guessed["calendar"], guessed["lot_size"]) == ("us_equity", "XNYS", "1")
    text = run("symbols", "show", "BRK-B").out
    assert "Berkshire" in text
    assert "yahoo: BRK-B" in text


def test_an_added_asset_wins_over_spelling_and_built_in_ones(run: Run, tmp_path: Path) -> None:
    assert classes(run, "CL") == {"CL": "us_equity"}
    done = run(
        "symbols", "add", "cl", "--type", "commodity", "--name", 'Crude "WTI" oil',
        "--tick-size", "0.01", "--lot-size", "1", "--listed", "1983-03-30",
        "--vendor", "yahoo=CL=F", "--source", "CME rule book", "--data", "store", "--json",
    )  # fmt: skip
    assert done.code == 0
    document = done.document
    assert Path(document["file"]) == tmp_path / "store" / "assets.toml"
    store = tmp_path / "store"
    assert classes(run, "CL", "CL=F", data=store) == {"CL": "commodity", "CL=F": "commodity"}
    found = run("symbols", "show", "CL=F", "--data", store, "--json").document
    assert (found["symbol"], found["name"]) == ("CL", 'Crude "WTI" oil')
    assert (found["calendar"], found["listed"]) == ("CMES", "1983-03-30")
    assert found["vendor_symbols"] == {"yahoo": "CL=F"}


def test_adding_again_changes_what_is_said_and_keeps_the_rest(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "store" / "assets.toml"
    file.parent.mkdir()
    file.write_text('# mine\n\n[[asset]]\nsymbol = "OLD"\n# kept\n\n[[asset]]\nsymbol = "NEW"\n')
    run("symbols", "add", "NEW", "--tick-size", "0.05", "--data", "store")
    run("symbols", "add", "NEW", "--delisted", "2024-01-02", "--data", "store")
    text = file.read_text()
    assert text.startswith('# mine\n\n[[asset]]\nsymbol = "OLD"\n# kept\n')
    assert text.count('symbol = "NEW"') == 1
    found = run("symbols", "show", "NEW", "--data", "store", "--json").document
    assert (found["tick_size"], found["delisted"]) == ("0.05", "2024-01-02")
    left = sorted(one.name for one in file.parent.iterdir())
    assert left == [".assets.toml.lock", "assets.toml"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["X", "--type", "share"], "type 'share' is unknown"),
        (["X", "--calendar", "NOWHERE"], "NOWHERE"),
        (["X", "--tick-size", "0"], "tick_size 0 must be above 0"),
        (["X", "--lot-size", "one"], "'one' is not a number"),
        (["X", "--listed", "2.1.2024"], "is not a date"),
        (["X", "--listed", "2024-01-02", "--delisted", "2024-01-02"], "must be after"),
        (["X", "--vendor", "yahoo"], "not VENDOR=SPELLING"),
        (["../x"], "not a symbol"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(
    run: Run, tmp_path: Path, arguments: list[str], problem: str
) -> None:
    done = run("symbols", "add", *arguments, "--data", "store")
    assert done.code in {1, 2}
    assert problem in done.err
    assert not (tmp_path / "store" / "assets.toml").exists()


def test_a_broken_file_is_named_and_left_alone(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "store" / "assets.toml"
    file.parent.mkdir()
    file.write_text("[[asset]]\nsymbol = 5\n")
    done = run("symbols", "add", "X", "--data", "store")
    assert done.code == 2
    assert "assets.toml line 1" in done.err
    assert file.read_text() == "[[asset]]\nsymbol = 5\n"
