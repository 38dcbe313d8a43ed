"""Files that only their owner can read: the signing key, and the first API key."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from pydantic import SecretStr

SIGNING_KEY: Final = "jwt-secret"
_SECRET_BYTES: Final = 48


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all; one that stands there is replaced."""
    _written(path, text).replace(path)


def load_secret(folder: Path) -> SecretStr:
    """Return the signing key of a data folder, made at random when there is none.

    Services that start at once agree: the first to link its file into place decides.
    """
    path = folder / SIGNING_KEY
    if not path.is_file():
        made = _written(path, secrets.token_urlsafe(_SECRET_BYTES))
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was first
        finally:
            made.unlink()
    return SecretStr(path.read_text(encoding="utf-8").strip())


def _written(path: Path, text: str) -> Path:
    """Return a new file beside `path` that holds the text, safe on the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
