"""What the function of a job works with, in the service's process as in a worker's."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import BarStore
from simutrador_data.core.settings import Settings
from simutrador_data.services.opening import load_registry, open_store


@dataclass(frozen=True, slots=True)
class Work:
    """What a running job has at hand.

    Attributes:
        settings: How the service runs.
        store: Its bars; jobs of several threads and processes may write side by side.
        registry: What is known about symbols.
    """

    settings: Settings
    store: BarStore
    registry: AssetRegistry


OpenWork = Callable[[], AbstractContextManager[Work]]
"""Lends a job what it works with until it ends."""


@contextmanager
def opened_work(settings: Settings) -> Generator[Work]:
    """Open the store of the settings for one job, in a process that does not serve.

    Raises:
        StoreError: the store cannot be opened.
        InputError: `assets.toml` cannot be understood.
    """
    registry = load_registry(settings.data_storage)
    store = open_store(settings.data_storage)
    try:
        yield Work(settings, store, registry)
    finally:
        store.close()
