"""The files of a folder that could be bars."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from simutrador_data.services.data_providers.files.detect import SUFFIXES


def bar_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder whose ending says that they could be bars, sorted by path.

    Hidden files and folders are left out, and links to folders are not followed.
    """
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(parent) / name
