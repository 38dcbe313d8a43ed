"""Patches and the log as plain documents, for `--json`."""

from __future__ import annotations

from typing import Any

from simutrador_core.models.bars import OHLCV, from_us
from simutrador_data.services.repairing.applying import Done
from simutrador_data.services.repairing.log import Entry
from simutrador_data.services.repairing.patches import Patch, Values


def patch_document(patch: Patch) -> dict[str, Any]:
    """Return what `orjson` can write of a patch."""
    return {
        "id": patch.id,
        "symbol": patch.series.symbol,
        "timeframe": str(patch.series.timeframe),
        "adjustment": str(patch.series.adjustment),
        "opened_at": from_us(patch.opened_at),
        "session": patch.session,
        "columns": list(patch.columns),
        "old": _bar(patch.old),
        "new": _bar(patch.new),
        "rule": str(patch.rule),
        "evidence": patch.evidence,
    }


def done_document(done: Done) -> dict[str, Any]:
    """Return what `orjson` can write of a commit of repairs."""
    return {
        "action": str(done.action),
        "commit": done.commit.id,
        "source": done.commit.source,
        "patches": [patch_document(patch) for patch in done.patches],
    }


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return what `orjson` can write of an entry of the log."""
    return {
        "number": entry.number,
        "action": str(entry.action),
        "at": entry.at,
        "commit": entry.commit,
        "patch": patch_document(entry.patch),
    }


def _bar(values: Values) -> dict[str, float]:
    return dict(zip(OHLCV, values, strict=True))


__all__ = ["patch_document", "done_document", "entry_document"]
