"""Instants as vendors write them, to microseconds UTC, many at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import I64
from simutrador_data.services.data_providers.http.errors import BadAnswerError

_UTC: Final = ("Z", "+00:00")
_HOUR_US: Final = 3_600_000_000


def utc_instants(texts: Sequence[str], *, provider: str) -> I64:
    """Return RFC 3339 instants in UTC as int64 microseconds; finer digits are cut off.

    Raises:
        BadAnswerError: one is in another zone, or none at all.
    """
    bare = [text.removesuffix("Z").removesuffix("+00:00") for text in texts]
    for text, short in zip(texts, bare, strict=True):
        if len(text) - len(short) not in map(len, _UTC):
            raise BadAnswerError(f"sent the time {text[:40]!r}, not UTC", provider=provider)
    return _parsed(bare, provider)


def local_instants(texts: Sequence[str], zone: ZoneInfo, *, provider: str) -> I64:
    """Return times on a zone's clocks as int64 microseconds UTC.

    A time that the clocks show twice is taken as the first, unless times before it in the sequence
    show that they were set back already. One that they skip is refused.

    Args:
        texts: `2024-03-08 09:30:00`, oldest first.
        zone: Whose clocks.
        provider: Who wrote them.

    Raises:
        BadAnswerError: one is no time, or one that the clocks skipped.
    """
    naive = _parsed(texts, provider)
    if not len(naive):
        return naive
    found = naive - _offsets(naive, zone, fold=0)
    again = naive - _offsets(naive, zone, fold=1)
    for at in np.flatnonzero(found != again).tolist():
        if again[at] < found[at]:  # set forward: neither reading is a time of that day
            text = f"sent the time {texts[at][:40]!r}, which {zone.key} skipped"
            raise BadAnswerError(text, provider=provider)
        if at and found[at] <= found[at - 1]:
            found[at] = again[at]
    return found


def _offsets(naive: I64, zone: ZoneInfo, *, fold: int) -> I64:
    """Return how far the zone is ahead of UTC at each local time; asked once for each hour."""
    hours, places = np.unique(naive // _HOUR_US, return_inverse=True)
    ahead = [
        int(
            _wall(int(hour)).replace(fold=fold, tzinfo=zone).utcoffset().total_seconds()  # pyright: ignore[reportOptionalMemberAccess] - a zone has one
        )
        for hour in hours.tolist()
    ]
    return np.asarray(ahead, dtype=np.int64)[places] * 1_000_000


def _wall(hour: int) -> datetime:
    return np.datetime64(hour, "h").astype("datetime64[s]").item()


def _parsed(texts: Sequence[str], provider: str) -> I64:
    try:
        found = np.array(texts, dtype="datetime64[us]")
    except ValueError as e:
        raise BadAnswerError(f"sent what is no time: {e}", provider=provider) from e
    if np.isnat(found).any():  # numpy takes an empty text, and NaT, for a time that is absent
        raise BadAnswerError("sent a bar without a time", provider=provider)
    return found.astype(np.int64)
