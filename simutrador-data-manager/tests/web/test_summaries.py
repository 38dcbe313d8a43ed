"""How complete a series is, remembered until it changes."""

from __future__ import annotations

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.api.dependencies import Services
from simutrador_data.api.gaps import summary_of
from simutrador_data.core.settings import Settings
from simutrador_data.models.responses import LedgerSummary
from simutrador_data.services.serving.ledgers import ledger_of
from simutrador_data.services.serving.ranges import Range
from simutrador_data.web.summaries import Summaries

KEY = SeriesKey("AAPL", Timeframe.MINUTE_1)


class Counting:
    """Judges series of a store and counts how often."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.judged = 0
        self.summaries = Summaries(self.judge, self.store)

    def judge(self, key: SeriesKey) -> LedgerSummary:
        self.judged += 1
        services = Services(Settings(), self.store, AssetRegistry.default())
        found = ledger_of(self.store, key, Range(), registry=services.registry)
        return summary_of(found, services)


def test_a_series_is_judged_once_until_it_changes() -> None:
    counting = Counting()
    counting.store.commit(make_change(make_bars(n=3)))
    assert counting.summaries.known(KEY) is None
    assert counting.summaries.of(KEY).rows == 3
    assert counting.summaries.of(KEY).rows == 3
    assert counting.judged == 1
    counting.store.commit(make_change(make_bars(n=5)))
    assert counting.summaries.known(KEY) is None
    assert counting.summaries.of(KEY).rows == 5
    assert counting.judged == 2


def test_what_is_not_stored_raises_and_is_not_remembered() -> None:
    counting = Counting()
    with pytest.raises(UnknownSymbolError):
        counting.summaries.of(KEY)
    assert counting.summaries.known(KEY) is None
