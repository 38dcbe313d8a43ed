"""What is replayed is one version of the bars, whoever writes while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from simutrador_core import dataset
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarSource, SeriesInfo, VersionedSource
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.models.websocket import CreateAndStartRequest
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_server.services.bars import BarLoader
from simutrador_server.services.one_version import ChangedError
from simutrador_server.simulation.conversation import Wanted
from simutrador_server.simulation.setup import Defaults, Material, Refusal
from venue_fixtures import ALICE, NOW, OPENS, START, store_of

BOTH = ["AAPL", "MSFT"]


def restate(store: MemoryStore, price: float) -> None:
    """Commit other prices of both symbols, at once."""
    pages = [make_bars(symbol, start=OPENS, n=5, price=price) for symbol in BOTH]
    store.commit(make_change(*pages, on_conflict=OnConflict.REPLACE))


class Plain:
    """A source without versions; a writer restates its store before each of its first reads."""

    def __init__(self, store: MemoryStore, *, writes: int) -> None:
        self._store = store
        self._prices = iter(range(2, 2 + writes))

    def write(self) -> None:
        price = next(self._prices, None)
        if price is not None:
            restate(self._store, price)

    def read(self, query: BarQuery, /) -> Bars:
        self.write()
        return self._store.read(query)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        yield from self._store.stream(query, rows=rows)

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        return self._store.symbols(timeframe)

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        return self._store.dataset_id(queries)


class Versioned(Plain):
    """The same of a source that knows its versions; nothing of the newest is read by chance."""

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        self.write()
        return super().dataset_id(queries)

    def latest_commit(self) -> int:
        return self._store.latest_commit()


def ask(**changes: Any) -> CreateAndStartRequest:
    return CreateAndStartRequest.model_validate({**START, "symbols": BOTH, **changes})


def material(source: BarSource, **changes: Any) -> Material:
    return BarLoader(source, AssetRegistry.default(), Defaults()).material(ask(**changes))


@pytest.mark.parametrize(("make", "writes"), [(Versioned, 100), (Plain, 1), (Plain, 7)])
@pytest.mark.parametrize("warmup", [0, 2])
def test_bars_and_their_name_are_of_one_version(
    make: Callable[..., Plain], writes: int, warmup: int
) -> None:
    store = MemoryStore()
    restate(store, 1)
    source = make(store, writes=writes)
    assert isinstance(source, VersionedSource) == (make is Versioned)
    found = material(source, start_date="2024-01-02T14:32:00Z", warmup_bars=warmup)
    aapl, msft = (found.bars[symbol] for symbol in BOTH)
    assert len(aapl) == len(msft) == 3 + warmup
    assert aapl.close.tolist() == msft.close.tolist()
    assert found.dataset_id == dataset.dataset_id([aapl, msft])


def test_a_source_that_never_stands_still_is_refused_with_a_reason() -> None:
    source = Plain(store_of(*(make_bars(symbol, start=OPENS, n=5) for symbol in BOTH)), writes=100)
    with pytest.raises(ChangedError, match="changed while they were read"):
        material(source)
    loader = BarLoader(source, AssetRegistry.default(), Defaults())
    with pytest.raises(Refusal, match="changed while they were read"):
        loader.load(Wanted(ask(), "s", ALICE.user_id, None, None), now=NOW)


def test_a_series_that_comes_meanwhile_is_not_seen() -> None:
    store = store_of(make_bars("AAPL", start=OPENS, n=5))

    class Growing(Versioned):
        def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
            found = super().symbols(timeframe)
            store.commit(make_change(make_bars("MSFT", start=OPENS, n=5)))
            return found

    with pytest.raises(Refusal, match="no bars are stored for MSFT"):
        material(Growing(store, writes=0))
