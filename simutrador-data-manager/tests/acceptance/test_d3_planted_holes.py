"""D3: holes of eight kinds, told apart by calendar, halts, trades and what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pytest

from planted_holes import (
    END,
    SERIES,
    START,
    Truth,
    download,
    every_minute,
    found_by,
    market_of,
    planted,
    registry,
    truth_of,
)
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    DataProvider,
    TradeRequest,
    Trades,
)
from simutrador_core.models.enums import GapReason, Timeframe
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_core.testing.synthetic_market import Hole, SyntheticMarket
from simutrador_data.services.gap_filling import FillRequest, confirmation, fill_gaps
from simutrador_data.services.gap_filling.activity import Activity
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.halts import HALTS_FILE
from simutrador_data.services.workflows.validate_store import validate_series

ROUNDS: Final = at_scale(3, 30)
NOW: Final = datetime(2024, 8, 1, tzinfo=UTC)

# Juneteenth, the afternoon of 3 July, Independence Day: NYSE, Holidays & Trading Hours 2024.
CLOSED: Final = [
    (datetime(2024, 6, 19, 4, tzinfo=UTC), datetime(2024, 6, 20, 4, tzinfo=UTC)),
    (datetime(2024, 7, 3, 17, tzinfo=UTC), datetime(2024, 7, 3, 20, tzinfo=UTC)),
    (datetime(2024, 7, 4, 4, tzinfo=UTC), datetime(2024, 7, 5, 4, tzinfo=UTC)),
]


@dataclass
class Tape:
    """A `DataProvider` that knows every trade and has no bars."""

    market: SyntheticMarket

    name: ClassVar[str] = "tape"
    capabilities: ClassVar[Capabilities] = Capabilities(
        timeframes=frozenset(),
        adjustments=frozenset(),
        rows_per_request=1,
        requests_per_minute=None,
        needs_key=False,
        trades=True,
    )

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield nothing."""
        for nothing in ():
            yield nothing

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield nothing."""
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield a trade one second into each minute that traded."""
        bars = self.market.traded("ACME", Timeframe.MINUTE_1, request.start, request.end)
        yield Trades("ACME", bars.opened_at + 1_000_000, bars.close, np.ones(len(bars)))


@contextmanager
def trades_are_not_seen() -> Iterator[None]:
    """Fault: whoever is asked for trades seems to have none."""

    async def blind(_provider: DataProvider, _symbol: str, start: int, end: int) -> Activity:
        return Activity(start, end, traded=False)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(confirmation, "ask_for_trades", blind)
        yield


def halts_of(holes: list[Hole]) -> str:
    """Return the file of the halts among the holes."""
    return "".join(
        f'[[halt]]\nsymbol = "ACME"\nstart = {hole.start.isoformat()}\n'
        f'end = {hole.end.isoformat()}\nsource = "told by the exchange"\n'
        for hole in holes
        if hole.reason is GapReason.HALTED
    )


def judged(folder: Path, holes: list[Hole]) -> tuple[Truth, list[tuple[datetime, datetime]]]:
    """Return why each minute is absent, and the closed times, as the ledger says in the end."""
    with ParquetStore(folder) as store:
        download(store, holes)
        (store.root / HALTS_FILE).write_text(halts_of(holes))
        tape = Tape(market_of(holes))
        request = FillRequest(("ACME",), range=Range(START, END), max_attempts=10_000)
        asyncio.run(
            fill_gaps(
                request,
                providers=[tape],
                trades_from=[tape],
                store=store,
                registry=registry(),
                now=lambda: NOW,
            )
        )
        ledger = validate_series(store, registry(), SERIES, start=START, end=END)
    closed = [(gap.start, gap.end) for gap in ledger.gaps if gap.reason is GapReason.CLOSED]
    return found_by(ledger), closed


@pytest.mark.acceptance("D3", package="data-manager", breaks=trades_are_not_seen)
def test_planted_holes_are_found_with_their_reasons(fast_path: Path, figure: Figure) -> None:
    holes = missed = invented = right = minutes = 0
    kinds: set[GapReason] = set()
    everything = {at for _, at in every_minute()}
    for seed in range(ROUNDS):
        plan = planted(1_000 + seed)
        truth = truth_of(plan)
        found, closed = judged(fast_path / f"store-{seed}", plan)
        assert set(found) <= everything
        assert closed == CLOSED
        holes += len(plan) + len(CLOSED) + 2  # and before the listing, after the delisting
        kinds |= set(truth.values())
        missed += len(truth.keys() - found.keys())
        invented += len(found.keys() - truth.keys())
        minutes += len(truth)
        right += sum(found.get(at) is reason for at, reason in truth.items())
    figure(
        f"{holes} holes of {len(kinds) + 2} kinds, {minutes} minutes: {missed} missed, "
        f"{invented} invented, reason right {right / minutes:.2%}"
    )
    assert len(kinds) + 2 == 8  # holidays and the tail of a half day are told apart by their times
    assert (missed, invented) == (0, 0)
    assert right / minutes >= 0.99
