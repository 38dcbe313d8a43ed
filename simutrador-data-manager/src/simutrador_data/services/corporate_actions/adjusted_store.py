"""`AdjustedStore`: a store whose adjusted series are made on read, of the raw rows it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simutrador_core.interfaces.storage import (
    BarStore,
    Change,
    Commit,
    Coverage,
    Report,
    Segment,
)
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Adjustment, Maintenance, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.corporate_actions.adjusted_bars import AdjustedBars
from simutrador_data.services.corporate_actions.local_actions import LocalActions


class AdjustedStore(AdjustedBars):
    """The bars of a store, adjusted on read; satisfies `BarStore`."""

    def __init__(
        self,
        store: BarStore,
        actions: LocalActions,
        *,
        calendar: Callable[[str], Calendar],
    ) -> None:
        """Keep the store and its actions, which their owner closes; see `AdjustedBars`."""
        super().__init__(store, actions, calendar=calendar)
        self._store = store
        self._recorded = actions

    @property
    def recorded(self) -> LocalActions:
        """The corporate actions it adjusts by."""
        return self._recorded

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        """Write a change as it is; see `BarStore.commit`."""
        return self._store.commit(change, base=base)

    def history(
        self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
    ) -> list[Commit]:
        """Return the commits that touched a symbol and timeframe, oldest first.

        Among them those that recorded actions of the symbol's companies: they change what its
        adjusted series read. A symbol without bars has none.
        """
        found = self._store.history(symbol, timeframe, newest=newest)
        if not found:
            return []
        companies = self.companies()
        names = {
            tenure.symbol
            for own in companies.tenures_of(symbol)
            for tenure in companies.company_with(own)
        }
        found = sorted([*found, *self._recorded.history(names)], key=lambda commit: commit.id)
        return found if newest is None else found[-newest:]

    def segments(self, query: BarQuery) -> list[Segment]:
        """Return where the raw rows of a read came from, in time order; see `BarStore.segments`."""
        return self._store.segments(self._behind(query))

    def coverage(self, query: BarQuery) -> list[Coverage]:
        """Return what was asked of whom inside the query's range; see `BarStore.coverage`."""
        return self._store.coverage(self._behind(query))

    def maintain(self, task: Maintenance) -> Report:
        """Compact, verify or vacuum; readers and writers may go on meanwhile."""
        return self._store.maintain(task)

    def _behind(self, query: BarQuery) -> BarQuery:
        """Return the query of the rows that are stored: raw ones for a series made on read."""
        if query.adjustment is Adjustment.RAW or self._is_stored(query):
            return query
        return replace(query, adjustment=Adjustment.RAW, actions_as_of=None)


__all__ = ["AdjustedStore"]
