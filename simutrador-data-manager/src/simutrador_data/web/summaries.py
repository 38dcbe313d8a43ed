"""How complete each series is, remembered until it changes: judging a series reads all of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey
from simutrador_data.models.responses import LedgerSummary

KEPT: Final = 20_000


class Summaries:
    """Summaries of gap ledgers by series; one made before the latest commit is not shown.

    Threads may share one. Two that ask for the same series at once both judge it.
    """

    def __init__(self, judge: Callable[[SeriesKey], LedgerSummary], store: BarStore) -> None:
        """Keep how a series is judged, and the store that knows when it changed."""
        self._judge = judge
        self._store = store
        self._kept: OrderedDict[SeriesKey, tuple[int, LedgerSummary]] = OrderedDict()
        self._lock = Lock()

    def known(self, key: SeriesKey) -> LedgerSummary | None:
        """Return the summary if it is at hand and the series has not changed since."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] == self._version(key) else None

    def of(self, key: SeriesKey) -> LedgerSummary:
        """Return the summary, judging the series where it is not at hand.

        Raises:
            UnknownSymbolError: no such series is stored.
            CalendarError: its calendar is unknown.
        """
        found = self.known(key)
        if found is not None:
            return found
        # The version is asked first: a commit in between makes the summary too new, never too old.
        version = self._version(key)
        found = self._judge(key)
        with self._lock:
            self._kept[key] = (version, found)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _version(self, key: SeriesKey) -> int:
        commits = self._store.history(key.symbol, key.timeframe, newest=1)
        return commits[-1].id if commits else 0
