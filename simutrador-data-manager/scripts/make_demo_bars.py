"""Make `simutrador_data/demo/bars.parquet` from two packages of the Python package index.

Run it where both are installed (they are needed for nothing else):

    uv venv build-demo && uv pip install --python build-demo/bin/python --no-deps \
        bokeh_sampledata==2026.1 gym-anytrading==2.0.0
    python scripts/make_demo_bars.py build-demo/lib/python3.11/site-packages

Prices and volumes are copied unchanged. The same inputs give the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

STOCKS: Final = "bokeh_sampledata/_data/stocks.csv.gz"
EURUSD: Final = "gym_anytrading/datasets/data/FOREX_EURUSD_1H_ASK.csv"
SHA256: Final = {
    STOCKS: "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd",
    EURUSD: "28398b7edff9f74860d35a6f3c263f08e15c55264316dc07737d459d8688d7aa",
}
OUTPUT: Final = Path(__file__).parents[1] / "src" / "simutrador_data" / "demo" / "bars.parquet"

# XNYS opened its sessions at 09:30 New York on every day of the file.
NEW_YORK: Final = ZoneInfo("America/New_York")
OPENING: Final = time(9, 30, tzinfo=NEW_YORK)

SCHEMA: Final = pa.schema(
    [
        ("symbol", pa.dictionary(pa.int8(), pa.string())),
        ("timeframe", pa.dictionary(pa.int8(), pa.string())),
        ("opened_at", pa.timestamp("us", tz="UTC")),
        ("session", pa.date32()),
        *((name, pa.float64()) for name in ("open", "high", "low", "close", "volume", "adj_close")),
    ]
)

Row = tuple[str, str, datetime, date | None, float, float, float, float, float, float | None]


def stock_rows(file: Path) -> Iterator[Row]:
    """Yield the daily bars as the file has them: raw prices beside the vendor's adjusted close."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            session = date.fromisoformat(line["Date"])
            opened_at = datetime.combine(session, OPENING).astimezone(UTC)
            prices = [float(line[name]) for name in ("Open", "High", "Low", "Close", "Volume")]
            yield (
                line["Ticker"], "daily", opened_at, session, *prices, float(line["Adj Close"])
            )  # fmt: skip


def eurusd_rows(file: Path) -> Iterator[Row]:
    """Yield the hourly ask bars; their times are UTC, the instant each bar opens."""
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            opened_at = datetime.strptime(line["Time"], "%d.%m.%Y %H:%M:%S.%f").replace(tzinfo=UTC)
            prices = [float(line[name]) for name in ("Open", "High", "Low", "Close", "Volume")]
            yield ("EUR/USD", "1h", opened_at, None, *prices, None)


def main(site_packages: Path) -> None:
    """Write the Parquet file."""
    for name, expected in SHA256.items():
        found = hashlib.sha256((site_packages / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{name} has sha256 {found}, expected {expected}: another release?")
    rows = [*stock_rows(site_packages / STOCKS), *eurusd_rows(site_packages / EURUSD)]
    rows.sort(key=lambda row: (row[0], row[2]))
    columns = [
        pa.array(list(column), type=field.type)
        for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    pq.write_table(table, OUTPUT, compression="zstd", compression_level=19)
    print(f"{OUTPUT.name}: {table.num_rows} bars, {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
