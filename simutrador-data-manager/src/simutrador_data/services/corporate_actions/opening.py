"""Opens the bars of a folder so that adjusted series are made on read."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.corporate_actions.adjusted_bars import AdjustedBars
from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.serving.reading import calendar_of
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore


class LocalAdjustedBars(AdjustedBars):
    """The bars of a store on this machine, adjusted on read, never written; a `BarSource`."""

    def __init__(self, root: Path, *, registry: AssetRegistry | None = None) -> None:
        """Open an existing store.

        Args:
            root: The store's folder.
            registry: Says by which calendar a symbol trades; None takes the built-in assets.

        Raises:
            StoreError: the folder holds no store.
            StoreFormatError: a newer release wrote it.
        """
        self._bars = LocalBars(root)
        self._recorded = LocalActions(root)
        calendars = _calendars(registry or AssetRegistry.default())
        super().__init__(self._bars, self._recorded, calendar=calendars)

    def close(self) -> None:
        """Let go of every file; bars read before stay valid."""
        self._bars.close()
        self._recorded.close()

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the source."""
        self.close()


@contextmanager
def adjusting(store: ParquetStore, registry: AssetRegistry) -> Generator[AdjustedStore]:
    """Lend the bars of an open store, adjusted on read."""
    with closing(LocalActions(store.root)) as actions:
        yield AdjustedStore(store, actions, calendar=_calendars(registry))


def _calendars(registry: AssetRegistry) -> Callable[[str], Calendar]:
    return lambda symbol: calendar_of(symbol, registry)


__all__ = ["LocalAdjustedBars", "adjusting"]
