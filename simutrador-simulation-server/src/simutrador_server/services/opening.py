"""Opens the bars that the settings name: a store on this machine, or a data manager elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import MissingExtraError
from simutrador_core.interfaces.storage import BarSource
from simutrador_server.core.settings import VenueSettings

if TYPE_CHECKING:
    from simutrador_data.services.corporate_actions.opening import LocalAdjustedBars

ASSETS_FILE = "assets.toml"


class ClosableSource(BarSource, Protocol):
    """A source that holds files or connections until it is closed."""

    def close(self) -> None:
        """Let go of them."""
        ...


def open_bars(settings: VenueSettings) -> ClosableSource:
    """Return the source the settings name, for reading; the caller closes it.

    A data manager elsewhere is not asked yet: it may start later.

    Raises:
        MissingExtraError: the extra `local` is not installed, or for a data manager elsewhere the
            extra `remote` of simutrador-core.
        StoreError: the folder holds no store.
    """
    if settings.service is None:
        return open_local(settings.store)
    from simutrador_core.remote.remote_bars import RemoteBars

    key = settings.bars_api_key
    return RemoteBars(settings.service, api_key=key.get_secret_value() if key else None)


def open_local(folder: Path) -> LocalAdjustedBars:
    """Return the store at a folder, for reading, adjusted on read; the caller closes it.

    Raises:
        MissingExtraError: the extra `local` is not installed.
        StoreError: the folder holds no store.
    """
    try:
        from simutrador_data.services.corporate_actions.opening import LocalAdjustedBars
    except ModuleNotFoundError as e:
        raise MissingExtraError(
            "simutrador-data-manager", extra="local", package="simutrador-simulation-server"
        ) from e
    return LocalAdjustedBars(folder, registry=load_registry(folder))


def load_registry(folder: Path) -> AssetRegistry:
    """Return the built-in assets, with those of the store's `assets.toml` where there is one.

    Raises:
        InputError: the file cannot be understood; the text names the place.
    """
    file = folder / ASSETS_FILE
    return AssetRegistry.load(file) if file.is_file() else AssetRegistry.default()
