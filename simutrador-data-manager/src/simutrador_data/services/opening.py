"""Opens what the settings name: the store, and the registry with the assets users describe."""

from __future__ import annotations

from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.core.settings import DataStorageSettings
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.parquet_store import ParquetStore


def open_store(settings: DataStorageSettings) -> ParquetStore:
    """Return the store at the folder of the settings, made when absent; the caller closes it.

    Raises:
        StoreError: the folder cannot be used; the text says why.
    """
    return ParquetStore(settings.root)


def holds_store(settings: DataStorageSettings) -> bool:
    """Return whether the folder of the settings has been made a store."""
    return (settings.root / CATALOGUE_NAME).is_file()


def probe(settings: DataStorageSettings) -> None:
    """Open and close the store and read its assets, so that what is wrong shows before serving.

    Raises:
        StoreError: the folder cannot be used; the text says why.
        InputError: `assets.toml` cannot be understood; the text names the place.
    """
    load_registry(settings)
    open_store(settings).close()


def load_registry(settings: DataStorageSettings) -> AssetRegistry:
    """Return the built-in assets, with those of the store's `assets.toml` where there is one.

    Raises:
        InputError: the file cannot be understood; the text names the place.
    """
    if settings.assets_file.is_file():
        return AssetRegistry.load(settings.assets_file)
    return AssetRegistry.default()
