"""The event log: UTF-8, one JSON object a line, the same bytes wherever the run is repeated.

Fixed key order, integers and plain decimal strings only: no floats, no wall clock.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from decimal import Decimal
from functools import cache

from simutrador_engine.models.config import FILL_CONTRACT, LOG_FORMAT, EngineConfig
from simutrador_engine.models.decimals import plain
from simutrador_engine.models.events import Event

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def header(config: EngineConfig) -> str:
    """Return line 0: what the run was configured with."""
    return _ENCODER.encode(
        {
            "format": LOG_FORMAT,
            "fill_contract": FILL_CONTRACT,
            "config": config.digest(),
            "dataset_id": config.dataset_id,
            "seed": config.seed,
        }
    )


def line(event: Event) -> str:
    """Return the event's one line, without the line feed; absent values are left out."""
    record: dict[str, object] = {"seq": event.seq, "at": event.at, "type": event.type}
    for name in _names(type(event)):
        value = getattr(event, name)
        if value is not None:
            record[name] = plain(value) if isinstance(value, Decimal) else value
    return _ENCODER.encode(record)


@cache
def _names(kind: type[Event]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind) if f.name not in {"seq", "at"})


def _encoded(text: str) -> bytes:
    # Half a surrogate pair in an order id has no UTF-8 form; as a JSON escape it reads back.
    return text.encode(errors="backslashreplace")


class EventLog:
    """All lines of one run, in order, with a running hash."""

    def __init__(self, config: EngineConfig) -> None:
        self._lines: list[str] = []
        self._digest = hashlib.sha256()
        self._add(header(config))

    def append(self, event: Event) -> None:
        """Add one event."""
        self._add(line(event))

    def _add(self, text: str) -> None:
        self._lines.append(text)
        self._digest.update(_encoded(text) + b"\n")

    def __len__(self) -> int:
        """Return the number of lines, the header included."""
        return len(self._lines)

    def to_bytes(self) -> bytes:
        """Return the whole log."""
        return _encoded("".join(f"{text}\n" for text in self._lines))

    def sha256(self) -> str:
        """Return the hash of the whole log, 64 hexadecimal digits."""
        return self._digest.hexdigest()
