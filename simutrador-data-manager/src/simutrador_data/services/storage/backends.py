"""Which store an address names: embedded in a folder, or a Delta table in a folder or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, Union
from urllib.parse import unquote, urlsplit

from simutrador_core.errors import StoreError
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.parquet_store import ParquetStore

if TYPE_CHECKING:
    from simutrador_data.services.storage.delta import DeltaStore

AnyStore: TypeAlias = Union[ParquetStore, "DeltaStore"]
_DELTA: Final = "delta:"
_DELTA_LOG: Final = Path("bars") / "_delta_log"


def open_store(
    address: str | Path,
    *,
    create: bool = True,
    storage_options: Mapping[str, str] | None = None,
) -> AnyStore:
    """Return the store at an address; the caller closes it.

    Args:
        address: A folder (what lies there decides; an empty one becomes an embedded store),
            `delta:FOLDER` for a Delta table in a folder, or an object store's URL
            (`s3://bucket/folder`), always a Delta table.
        create: Whether to make a store where there is none.
        storage_options: What opens an object store; the environment gives the rest.

    Raises:
        StoreError: there is no store and none shall be made, or it cannot be opened.
        InputError: the URL carries credentials, or names no kind of store.
        MissingExtraError: a Delta table is named and the extra `delta` is not installed.
    """
    text = str(address)
    if text.startswith(_DELTA):
        return _delta(text.removeprefix(_DELTA), create=create, options=storage_options)
    if "://" in text and not text.startswith("file://"):
        return _delta(text, create=create, options=storage_options)
    folder = Path(unquote(urlsplit(text).path)) if "://" in text else Path(address)
    if (folder / _DELTA_LOG).is_dir():
        return _delta(str(folder), create=create, options=storage_options)
    if not create and not (folder / CATALOGUE_NAME).is_file():
        raise StoreError(
            f"there is no store at {folder}; import bars first (simutrador-data import FILE), or "
            "correct the address"
        )
    return ParquetStore(folder)


def _delta(url: str, *, create: bool, options: Mapping[str, str] | None) -> DeltaStore:
    from simutrador_data.services.storage.delta import DeltaStore

    return DeltaStore(url, create=create, storage_options=options)


__all__ = ["open_store", "AnyStore"]
