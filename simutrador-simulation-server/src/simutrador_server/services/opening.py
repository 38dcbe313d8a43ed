"""Opens the bar store that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import MissingExtraError
from simutrador_core.interfaces.storage import BarSource

if TYPE_CHECKING:
    from simutrador_data.services.storage.local_bars import LocalBars

ASSETS_FILE = "assets.toml"


class ClosableSource(BarSource, Protocol):
    """A source that holds files until it is closed."""

    def close(self) -> None:
        """Let go of every file."""
        ...


def open_local(folder: Path) -> LocalBars:
    """Return the store at a folder, for reading; the caller closes it.

    Raises:
        MissingExtraError: the extra `local` is not installed.
        StoreError: the folder holds no store.
    """
    try:
        from simutrador_data.services.storage.local_bars import LocalBars
    except ModuleNotFoundError as e:
        raise MissingExtraError(
            "simutrador-data-manager", extra="local", package="simutrador-simulation-server"
        ) from e
    return LocalBars(folder)


def load_registry(folder: Path) -> AssetRegistry:
    """Return the built-in assets, with those of the store's `assets.toml` where there is one.

    Raises:
        InputError: the file cannot be understood; the text names the place.
    """
    file = folder / ASSETS_FILE
    return AssetRegistry.load(file) if file.is_file() else AssetRegistry.default()
