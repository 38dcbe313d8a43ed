"""Every recorded file is stored whole, or is refused: counts are those of the data's README.

`tests/services/data_providers/files/test_recorded_files.py` looks at what is detected; here files
go through the whole import into a store on disk and are read back.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from simutrador_core.models.enums import Adjustment
from simutrador_core.testing.builders import query_all
from simutrador_data.services.data_providers.files import ImportOptions, Quotes
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.import_files import import_files
from simutrador_data.services.workflows.import_report import FileReport, FileStatus

NOW: Final = datetime(2026, 11, 20, tzinfo=UTC)

OPTIONS: Final = {
    "bars/crypto/bitstamp/30min-bitstampUSD-2.csv": ImportOptions(symbol="BTC-USD"),
    "bars/equity_us/minute_csv/intraday.csv": ImportOptions(symbol="SPY"),
}
"""What a user must say because neither name nor content does."""

NO_BARS: Final = ("/factor_files/", "/map_files/", "bitstamp/bitstampUSD.csv", "misc/ohlc.json")
"""Factors, tickers, single trades, and rows of signals for another program."""


def documented_rows(folder: Path) -> dict[str, int]:
    """Return the number of rows of each file below `bars` and `broken`, as the README gives it."""
    found: dict[str, int] = {}
    for line in (folder / "README.md").read_text(encoding="utf-8").splitlines():
        named = re.match(r"\| `((?:bars|broken)/[^`]+\.(?:csv|zip|gz|json))` \|", line)
        cells = [cell.strip() for cell in line.split(" | ")]
        if named and len(cells) > 4 and cells[3].isdigit():
            found[named[1]] = int(cells[3])
    return found


def options_of(name: str) -> ImportOptions:
    if name.startswith("broken/"):
        return ImportOptions(symbol=symbol_of_broken(Path(name)))
    if name.endswith("_quote.zip") and "/forex/" not in name:
        return ImportOptions(quotes=Quotes.MID)
    return OPTIONS.get(name, ImportOptions())


def symbol_of_broken(path: Path) -> str:
    if path.parent.name != "yahoo_price_repair":
        return "SPY"
    code, exchange = path.stem.split("-")[:2]
    return f"{code}.{exchange}" if exchange.isupper() else code


def imported(folder: Path, name: str, root: Path) -> tuple[FileReport, int]:
    """Import one file into a store of its own; return the report and the raw bars in the store."""
    with ParquetStore(root / "store") as store:
        report = import_files(
            [folder / name],
            store=store,
            now=NOW,
            options=options_of(name),
            quarantine=root / "aside",
        )
    with ParquetStore(root / "store") as reopened:
        counted = [
            len(reopened.read(query_all(info.symbol, info.series.timeframe)))
            for info in reopened.symbols()
            if info.series.adjustment is Adjustment.RAW
        ]
    (file,) = report.files
    return file, sum(counted)


def quarantined(file: FileReport) -> list[list[str]]:
    if file.quarantine is None:
        return []
    with Path(file.quarantine).open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))[1:]


def data_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a broken CSV file, names in small letters."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return [{str(k).lower(): v for k, v in row.items()} for row in csv.DictReader(lines)]


def is_sound(row: dict[str, str]) -> bool:
    """Return whether a row is a bar, the slow and obvious way."""
    day = next(row[name] for name in ("date", "datetime", "timestamp") if name in row)
    try:
        o, h, lo, c, v = (float(row[n]) for n in ("open", "high", "low", "close", "volume"))
    except ValueError:
        return False
    return bool(day) and 0 < lo <= min(o, c) <= max(o, c) <= h and v >= 0


def one_sided(path: Path) -> int:
    """Return how many quotes of a Lean zip lack a side, and so a middle."""
    with zipfile.ZipFile(path) as quotes:
        rows = [line.split(",") for line in quotes.read(quotes.namelist()[0]).decode().splitlines()]
    return sum("" in (row[1], row[6]) for row in rows)


NOT_A_SESSION: Final = {"broken/mismatch.csv": 1}
"""Its first row is of 18 January 2016, Martin Luther King day."""


def test_every_bar_file_is_stored_whole(test_data: Path, fast_path: Path) -> None:
    named = {n: r for n, r in documented_rows(test_data).items() if n.startswith("bars/")}
    bars = {n: r for n, r in named.items() if not any(part in n for part in NO_BARS)}
    assert len(bars) > 90
    wrong: dict[str, str] = {}
    for number, (name, rows) in enumerate(bars.items()):
        file, kept = imported(test_data, name, fast_path / str(number))
        rejected = sundays(test_data / name) if "/fxcm/daily/" in name else 0
        if name.endswith("_quote.zip"):
            rejected += one_sided(test_data / name)
        got = file.rows, kept, file.rejected_rows, file.duplicates
        if got != (rows, rows - rejected, rejected, 0):
            wrong[name] = f"{got} instead of {rows} rows, {rejected} rejected: {file.message}"
    assert wrong == {}


def sundays(path: Path) -> int:
    """Return how many days of a file of forex days are Sundays, which are no sessions."""
    return sum(date.fromisoformat(row[0][:8]).weekday() == 6 for row in zip_rows(path))


def zip_rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return list(csv.reader(io.StringIO(archive.read(name).decode())))


def test_no_price_of_a_lean_file_changes_on_its_way(test_data: Path, fast_path: Path) -> None:
    # US shares are written in ten-thousandths of a dollar.
    folder = test_data / "bars/equity_us"
    paths = [*folder.glob("daily/*.zip"), *folder.glob("minute/*/*_trade.zip")]
    assert len(paths) > 20
    for number, path in enumerate(paths):
        imported(test_data, str(path.relative_to(test_data)), fast_path / str(number))
        with ParquetStore(fast_path / str(number) / "store") as store:
            (info,) = store.symbols()
            bars = store.read(query_all(info.symbol, info.series.timeframe))
        want = [[int(cell) / 10_000 for cell in row[1:5]] for row in zip_rows(path)]
        assert np.stack([bars.open, bars.high, bars.low, bars.close], 1).tolist() == want, path
        assert bars.volume.tolist() == [float(row[5]) for row in zip_rows(path)], path


def test_every_broken_file_is_put_aside_row_by_row(test_data: Path, fast_path: Path) -> None:
    named = {n: r for n, r in documented_rows(test_data).items() if n.startswith("broken/")}
    assert len(named) > 45
    wrong: dict[str, str] = {}
    for number, (name, rows) in enumerate(named.items()):
        file, kept = imported(test_data, name, fast_path / str(number))
        bad = sum(not is_sound(row) for row in data_rows(test_data / name))
        bad += NOT_A_SESSION.get(name, 0)
        aside = quarantined(file)
        if (file.rows, kept, file.rejected_rows, len(aside)) != (rows, rows - bad, bad, bad):
            wrong[name] = f"{file.rows} rows, {kept} kept, {file.rejected} instead of {bad} bad"
        assert all(reason and text is not None for _, _, reason, text in aside), name
        complete = FileStatus.PARTIAL if bad else FileStatus.IMPORTED
        assert file.status is (complete if kept else FileStatus.FAILED), name
    assert wrong == {}


def test_other_recorded_files_are_refused_with_a_reason(test_data: Path, fast_path: Path) -> None:
    others = [n for n in documented_rows(test_data) if any(part in n for part in NO_BARS)]
    assert len(others) > 20
    for number, name in enumerate(others):
        file, kept = imported(test_data, name, fast_path / str(number))
        assert (file.status, kept) == (FileStatus.FAILED, 0), name
        assert len(file.message) > 20, name
