"""Reading many small spans: what lies near each other in one object is decoded once.

Restated bars make a series alternate between the file of the old rows and the block of the new
ones, row by row; decoding for each of them would take a thousand times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.reading import STEP, Span
from simutrador_data.services.storage.segment_list import ObjectRef
from simutrador_data.services.storage.table import Table, join


def read_spans(spans: Sequence[Span], contents: Contents) -> Iterator[Table]:
    """Yield the rows of spans in their order, at most `STEP` at a time, without any mirror.

    Raises:
        ObjectGoneError: an object was vacuumed meanwhile.
        CorruptDataError: an object does not match its checksum.
    """
    window = _Window()
    for span in _short(spans):
        if not window.accepts(span):
            yield window.load(contents)
            window = _Window()
        window.add(span)
    if window.spans:
        yield window.load(contents)


def _short(spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        for first in range(span.first, span.last, STEP):
            yield Span(span.object, first, min(first + STEP, span.last))


class _Window:
    """Spans that follow each other, with the rows of each object they need."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._rows = 0
        self._bounds: dict[ObjectRef, tuple[int, int]] = {}

    def accepts(self, span: Span) -> bool:
        """Return whether there is room, and the span is near what is needed of its object."""
        low, high = self._with(span)
        return self._rows + span.last - span.first <= STEP and high - low <= STEP

    def add(self, span: Span) -> None:
        self._bounds[span.object] = self._with(span)
        self.spans.append(span)
        self._rows += span.last - span.first

    def load(self, contents: Contents) -> Table:
        tables = {
            ref: contents.rows_once(ref, low, high) for ref, (low, high) in self._bounds.items()
        }
        return join([self._cut(tables[span.object], span) for span in self.spans])

    def _with(self, span: Span) -> tuple[int, int]:
        low, high = self._bounds.get(span.object, (span.first, span.last))
        return min(low, span.first), max(high, span.last)

    def _cut(self, table: Table, span: Span) -> Table:
        low, _ = self._bounds[span.object]
        return table[:, span.first - low : span.last - low]


__all__ = ["read_spans"]
