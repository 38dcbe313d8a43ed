"""What the tests of file imports share: files from text, and real calendars."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.services.data_providers.files import (
    FilePage,
    ImportOptions,
    RegistryCalendars,
    open_bar_file,
)

Write = Callable[..., Path]
Read = Callable[..., FilePage]


@pytest.fixture(scope="session")
def calendars() -> RegistryCalendars:
    return RegistryCalendars(AssetRegistry.default())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a file and returns its path."""

    def to_file(content: str | bytes, name: str = "AAPL.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return to_file


@pytest.fixture
def read(write: Write, calendars: RegistryCalendars) -> Read:
    """Return a function that writes a file and returns its only page."""

    def only_page(content: str | bytes, name: str = "AAPL.csv", **options: object) -> FilePage:
        path = write(content, name)
        file = open_bar_file(path, ImportOptions(**options), calendars=calendars)  # pyright: ignore[reportArgumentType]
        pages = list(file.pages())
        assert len(pages) == 1
        return pages[0]

    return only_page
