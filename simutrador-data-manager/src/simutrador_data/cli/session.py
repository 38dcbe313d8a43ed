"""What a command works with: settings, the open store and the registry."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simutrador_core.errors import StoreError

if TYPE_CHECKING:
    from simutrador_core.assets.registry import AssetRegistry
    from simutrador_data.core.settings import Settings
    from simutrador_data.services.corporate_actions.adjusted_store import AdjustedStore
    from simutrador_data.services.storage.parquet_store import ParquetStore


class NoStoreError(StoreError):
    """There is no store in that folder."""

    code = "no_store"


@dataclass(frozen=True, slots=True)
class Session:
    """One command's store and assets."""

    settings: Settings
    store: ParquetStore
    registry: AssetRegistry

    @property
    def root(self) -> Path:
        """The folder of the store."""
        return self.settings.data_storage.root


def settings_for(
    data: Path | None,
    *,
    env_file: Path | None = None,
    config_file: Path | None = None,
    **api: object,
) -> Settings:
    """Return the settings, with what the command line gives of them.

    Args:
        data: Folder of the store.
        env_file: The file to read instead of `.env`.
        config_file: The TOML file to read instead of `simutrador.toml`.
        api: Where to listen: `host`, `port`.

    Raises:
        SettingsError: a setting is wrong.
    """
    from simutrador_data.core.settings import load_settings  # pydantic is slow to import

    storage = {} if data is None else {"base_path": data, "candles_path": "."}
    return load_settings(env_file=env_file, config_file=config_file, api=api, data_storage=storage)


@contextmanager
def open_session(data: Path | None, *, create: bool = False) -> Generator[Session]:
    """Open the store for one command.

    Args:
        data: The folder given on the command line, or None for that of the settings.
        create: Whether to make a store where there is none; commands that only read do not.

    Raises:
        NoStoreError: there is no store, and none shall be made.
    """
    settings = settings_for(data)
    root = settings.data_storage.root
    from simutrador_data.services.opening import holds_store, load_registry, open_store

    if not create and not holds_store(settings.data_storage):
        raise NoStoreError(
            f"there is no store at {root}; import bars first (simutrador-data import FILE), "
            "or name its folder with --data DIR"
        )

    registry = load_registry(settings.data_storage)
    store = open_store(settings.data_storage)
    try:
        yield Session(settings, store, registry)
    finally:
        store.close()


@contextmanager
def adjusting_bars(session: Session) -> Generator[AdjustedStore]:
    """Lend the bars of a session's store, adjusted on read."""
    from simutrador_data.services.corporate_actions.opening import adjusting

    with adjusting(session.store, session.registry) as store:
        yield store
