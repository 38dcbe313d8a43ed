"""The bars that ship with the package, as files that anyone could have downloaded."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pyarrow.compute
import pyarrow.parquet

# pyarrow ships no types: what comes from it is `Any` inside this module.
_compute: Final[Any] = pyarrow.compute
_parquet: Final[Any] = pyarrow.parquet

DAILY_FILE: Final = "quandl-wiki-daily.parquet"
HOURLY_FILE: Final = "eurusd-hourly-ask.parquet"

_FILES: Final = {
    DAILY_FILE: ("daily", ()),
    HOURLY_FILE: ("1h", ("session", "adj_close")),
}


def write_demo_files(folder: Path) -> list[Path]:
    """Write the shipped bars, one file a timeframe, into a folder; the bytes are always the same.

    Daily bars of AAPL, FB, GOOG, IBM and MSFT with raw prices and the adjusted close, and hourly
    bars of EUR/USD. Where they come from: `DATA-LICENSES/ATTRIBUTION.md` beside this module.
    """
    with files("simutrador_data.demo").joinpath("bars.parquet").open("rb") as shipped:
        table = _parquet.read_table(shipped)
    written: list[Path] = []
    for name, (timeframe, absent) in _FILES.items():
        rows = table.filter(_compute.equal(table["timeframe"], timeframe))
        path = folder / name
        _parquet.write_table(rows.drop_columns(["timeframe", *absent]), path)
        written.append(path)
    return written
