"""What `validate` and `gaps` share: the ledgers of the series a command names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simutrador_data.cli.parsing import parse_adjustment
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import NoStoreError, Session

if TYPE_CHECKING:
    from simutrador_core.interfaces.validation import Gap
    from simutrador_core.models.bars import SeriesKey
    from simutrador_data.services.validation.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series and range a command names, as text; None stands for all."""

    symbols: list[str] | None
    timeframe: str | None
    adjustment: str | None
    start: str | None
    end: str | None


def ledgers(session: Session, wanted: Selection) -> Iterator[Ledger]:
    """Yield the ledger of each series, in order of symbol, with a progress bar.

    Raises:
        InputError: a text names no symbol, timeframe, adjustment or range.
        UnknownSymbolError: a symbol is not stored.
        NoStoreError: nothing is stored that could be judged.
    """
    from simutrador_data.services.serving.ledgers import ledger_of
    from simutrador_data.services.serving.ranges import parse_range
    from simutrador_data.services.workflows.validate_store import read_once

    dates = parse_range(wanted.start, wanted.end)
    keys = _keys(session, wanted)
    waiting = progress()
    waiting.start(len(keys), "series", "Validating")
    try:
        for done, key in enumerate(keys):
            waiting.advance(done, str(key))
            yield ledger_of(session.store, key, dates, registry=session.registry, read=read_once)
    finally:
        waiting.finish()


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """Return the counts of a ledger as plain values."""
    query = ledger.query
    return {
        "symbol": query.symbol,
        "timeframe": str(query.timeframe),
        "adjustment": str(query.adjustment),
        "start": query.start,
        "end": query.end,
        "rows": ledger.rows,
        "expected": ledger.expected,
        "present": ledger.present,
        "completeness": ledger.completeness,
        "is_explained": ledger.is_explained,
        "reasons": {
            str(reason): {"bars": total.bars, "runs": total.runs}
            for reason, total in ledger.by_reason().items()
        },
        "outside_hours": ledger.strays.outside,
        "off_grid": ledger.strays.off_grid,
    }


def gap_document(gap: Gap) -> dict[str, Any]:
    """Return a gap as plain values."""
    return {
        "symbol": gap.symbol,
        "timeframe": str(gap.timeframe),
        "session": gap.session,
        "start": gap.start,
        "end": gap.end,
        "expected": gap.expected,
        "reason": str(gap.reason),
        "evidence": gap.evidence,
    }


def _keys(session: Session, wanted: Selection) -> list[SeriesKey]:
    from simutrador_core.models.bars import SeriesKey
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.timeframe_utils import parse_timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.serving.reading import explain_unknown

    timeframe = None if wanted.timeframe is None else parse_timeframe(wanted.timeframe)
    adjustment = parse_adjustment(wanted.adjustment)
    held = [
        info.series
        for info in session.store.symbols(timeframe)
        if info.series.adjustment is adjustment
    ]
    symbols = {parse_symbol(symbol): None for symbol in wanted.symbols or []}
    for symbol in symbols:
        if not any(key.symbol == symbol for key in held):
            missing = SeriesKey(symbol, timeframe or Timeframe.MINUTE_1, adjustment)
            raise explain_unknown(session.store, missing)
    if not held:
        kind = f"{timeframe} {adjustment}" if timeframe else str(adjustment)
        raise NoStoreError(
            f"the store at {session.root} holds no {kind} bars to judge; "
            "simutrador-data symbols lists what it holds, simutrador-data import FILE adds to it"
        )
    return [key for key in held if not symbols or key.symbol in symbols]
