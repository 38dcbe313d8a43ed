"""Reading many small spans: neighbours in one object are decoded together, not one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.reading import STEP, Span
from simutrador_data.services.storage.table import Table


def read_spans(spans: Sequence[Span], contents: Contents) -> Iterator[Table]:
    """Yield the rows of spans in their order, at most `STEP` at a time, without any mirror.

    Raises:
        ObjectGoneError: an object was vacuumed meanwhile.
        CorruptDataError: an object does not match its checksum.
    """
    for group in _groups(spans):
        yield _load(group, contents)


def _groups(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield runs of spans of one object whose rows lie near each other."""
    group: list[Span] = []
    low = high = 0
    for span in _short(spans):
        low, high = min(low, span.first), max(high, span.last)
        if group and (group[0].object.id != span.object.id or high - low > STEP):
            yield group
            group = []
        if not group:
            low, high = span.first, span.last
        group.append(span)
    if group:
        yield group


def _short(spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        for first in range(span.first, span.last, STEP):
            yield Span(span.object, first, min(first + STEP, span.last))


def _load(group: Sequence[Span], contents: Contents) -> Table:
    first, last = min(span.first for span in group), max(span.last for span in group)
    table = contents.rows_once(group[0].object, first, last)
    if len(group) == 1:
        return table
    index = np.concatenate([np.arange(span.first - first, span.last - first) for span in group])
    return np.take(table, index, axis=1)


__all__ = ["read_spans"]
