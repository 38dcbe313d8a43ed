"""The formats bars are handed out in, written part by part so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final, TypeAlias

from simutrador_core.models.bars import Bars
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.arrow_formats import arrow_parts, parquet_parts
from simutrador_data.services.serving.text_formats import csv_parts, json_parts


class ExportFormat(StrEnum):
    """A format for many bars."""

    JSON = "json"
    ARROW = "arrow"
    CSV = "csv"
    PARQUET = "parquet"


Writer: TypeAlias = Callable[[Answer, Iterable[Bars]], Iterator[bytes]]

MEDIA_TYPES: Final = {
    ExportFormat.JSON: "application/json",
    ExportFormat.ARROW: "application/vnd.apache.arrow.stream",
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}

SUFFIXES: Final = {
    ExportFormat.JSON: ".json",
    ExportFormat.ARROW: ".arrows",
    ExportFormat.CSV: ".csv",
    ExportFormat.PARQUET: ".parquet",
}

_WRITERS: Final[dict[ExportFormat, Writer]] = {
    ExportFormat.JSON: json_parts,
    ExportFormat.ARROW: arrow_parts,
    ExportFormat.CSV: csv_parts,
    ExportFormat.PARQUET: parquet_parts,
}


def write_parts(answer: Answer, parts: Iterable[Bars], *, to: ExportFormat) -> Iterator[bytes]:
    """Yield the bytes of one answer.

    Args:
        answer: What the answer as a whole says.
        parts: The bars: of each symbol in time order, one symbol after the other.
        to: The format.
    """
    return _WRITERS[to](answer, parts)
