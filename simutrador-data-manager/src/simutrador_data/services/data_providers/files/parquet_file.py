"""Parquet files of bars: ours, pandas', and those of the older layout with decimal columns.

The line of a rejected row is its number in the file, 1-based.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simutrador_core.errors import ImportFileError, InvalidSymbolError
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.data_providers.files._arrow import pa, parquet
from simutrador_data.services.data_providers.files.calendars import Calendars
from simutrador_data.services.data_providers.files.columns import Role, find_roles
from simutrador_data.services.data_providers.files.model import (
    DateOrder,
    Description,
    Facts,
    FilePage,
    ImportOptions,
)
from simutrador_data.services.data_providers.files.names import guess_symbol, guess_timeframe
from simutrador_data.services.data_providers.files.pages import to_page
from simutrador_data.services.data_providers.files.parquet_rows import ColumnFormat, to_raw
from simutrador_data.services.data_providers.files.planning import Decided, Hints, Planner
from simutrador_data.services.data_providers.files.source import Source

PAGE_ROWS: Final = 131_072
_MAX_GROUP_BYTES: Final = 2**30
_MAX_COLUMNS: Final = 256
_TEXT_LIMIT: Final = 8 * 2**20
_ITEM_LIMIT: Final = 200_000


class ParquetBars:
    """A Parquet file of bars; satisfies `BarFile`."""

    def __init__(
        self, source: Source, how: ColumnFormat, decided: Decided, calendars: Calendars
    ) -> None:
        """Read `source` as decided; see `open_parquet`."""
        self._source = source
        self._how = how
        self._decided = decided
        self._calendars = calendars

    @property
    def description(self) -> Description:
        """What the file was taken for."""
        return self._decided.description

    def pages(self) -> Iterator[FilePage]:
        """Yield pages of at most 131,072 rows, in file order.

        Raises:
            ImportFileError: the file is damaged further on.
        """
        file = _open(self._source)
        total = max(1, int(file.metadata.num_rows))
        done = 0
        for number, batch in enumerate(_batches(file, self._how.names, self._source), start=1):
            raw = to_raw(batch, self._how, first=done + 1)
            done += len(raw)
            yield to_page(
                raw, self._decided, self._calendars, number=number, position=min(1.0, done / total)
            )


def open_parquet(
    source: Source, options: ImportOptions, calendars: Calendars, *, now_us: int | None = None
) -> ParquetBars:
    """Return a Parquet file as bars.

    Raises:
        ImportFileError: it is damaged, beyond the limits, empty, or lacks a column.
    """
    path = str(source.path)
    file = _open(source)
    schema = file.schema_arrow
    header = _header(schema)
    roles = find_roles(header, options.columns, path=path)
    names = {role: schema.names[at] for role, at in roles.items()}
    facts = Facts()
    shown = ", ".join(f"{role}={name}" for role, name in names.items())
    facts.note("columns", shown, "given" if options.columns else "names")
    scale = options.price_scale or 1.0
    how = ColumnFormat(names, options.date_order or DateOrder.MONTH_FIRST, scale)
    batch = next(_batches(file, names, source), None)
    if batch is None or not len(batch):
        raise ImportFileError("holds no rows", path=path)
    planner = Planner(path, "parquet", options, _hints(source, schema), calendars, facts)
    decided = planner.decide(to_raw(batch, how, first=1), now_us=now_us)
    return ParquetBars(source, how, decided, calendars)


def _open(source: Source) -> Any:
    path = str(source.path)
    try:
        file = parquet().ParquetFile(
            source.path,
            thrift_string_size_limit=_TEXT_LIMIT,
            thrift_container_size_limit=_ITEM_LIMIT,
        )
    except (pa.ArrowException, OSError, ValueError, MemoryError) as e:
        raise ImportFileError(f"is a damaged Parquet file: {e}; get it again", path=path) from e
    meta = file.metadata
    if meta.num_columns > _MAX_COLUMNS:
        raise ImportFileError(
            f"has {meta.num_columns:,} columns, above the limit of {_MAX_COLUMNS}", path=path
        )
    # `row_group().column()` ends the process on a damaged chunk: a C++ exception pyarrow lets pass.
    largest = max(
        (int(meta.row_group(g).total_byte_size) for g in range(meta.num_row_groups)), default=0
    )
    if largest > _MAX_GROUP_BYTES:
        raise ImportFileError(
            f"has a row group of {largest:,} bytes, above the limit of "
            f"{_MAX_GROUP_BYTES:,}; write it with smaller row groups",
            path=path,
        )
    return file


def _batches(file: Any, names: Mapping[Role, str], source: Source) -> Iterator[Any]:
    columns = list(dict.fromkeys(names.values()))
    try:
        yield from file.iter_batches(batch_size=PAGE_ROWS, columns=columns, use_threads=False)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as e:
        raise ImportFileError(
            f"is a damaged Parquet file: {e}; get it again", path=str(source.path)
        ) from e


def _header(schema: Any) -> list[str]:
    """Return the column names; an unnamed pandas index of times is called `timestamp`."""
    return [
        "timestamp"
        if name.startswith("__index_level_") and pa.types.is_timestamp(schema.field(at).type)
        else name
        for at, name in enumerate(schema.names)
    ]


def _hints(source: Source, schema: Any) -> Hints:
    stored: dict[bytes, bytes] = dict(schema.metadata or {})
    meta = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in stored.items()}
    symbol = guess_symbol(source.path.name)
    timeframe = guess_timeframe(source.path.name)
    try:
        return Hints(
            symbol=_either(parse_symbol(meta["symbol"]) if "symbol" in meta else None, symbol),
            timeframe=_frame(meta.get("timeframe"), timeframe),
            adjustment=(Adjustment(meta["adjustment"]), "metadata")
            if "adjustment" in meta
            else None,
        )
    except (InvalidSymbolError, ValueError) as e:
        raise ImportFileError(
            f"has metadata that cannot be right: {e}", path=str(source.path)
        ) from e


def _either(stated: str | None, guessed: str | None) -> tuple[str, str] | None:
    if stated:
        return stated, "metadata"
    return (guessed, "name") if guessed else None


def _frame(stated: str | None, guessed: Timeframe | None) -> tuple[Timeframe, str] | None:
    if stated:
        return parse_timeframe(stated), "metadata"
    return (guessed, "name") if guessed else None
