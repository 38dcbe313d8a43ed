"""Where a Delta store lies, and what opens it: a folder of this machine or an object store's URL.

Credentials come as options or from the environment, never in the URL, and no error shows one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from simutrador_core.errors import InputError

OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl"})
_S3: Final = frozenset({"s3", "s3a"})
_UNSAFE: Final = "ALLOW_UNSAFE_RENAME"
_OFF: Final = frozenset({"", "0", "false", "no", "off"})
_SECRET: Final = re.compile(r"(secret|token|password|key|sas|credential)", re.IGNORECASE)
_ENVIRONMENT: Final = re.compile(r"^(AWS|AZURE|GOOGLE|GCP)_")
_LEAST_SECRET: Final = 4
_DEFAULTS: Final = {
    "max_retries": "3",
    "retry_timeout": "30s",
    "connect_timeout": "5s",
    "timeout": "30s",
}
"""The library's own would wait three minutes for a server that is not there."""
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Place:
    """A store's address, and the options that open it (kept out of `repr`)."""

    url: str
    path: Path | None
    options: Mapping[str, str] = field(repr=False)

    def child(self, name: str) -> Place:
        """Return the place of a table inside the store."""
        path = None if self.path is None else self.path / name
        url = str(path) if path is not None else f"{self.url}/{name}"
        return Place(url, path, self.options)

    def without_secrets(self, text: str) -> str:
        """Return a text of the library on one line, every secret replaced by `***`."""
        plain = " ".join(_COLOURS.sub("", text).replace("\u21b3", "").split())
        for secret in sorted(set(_secrets(self.options)), key=len, reverse=True):
            plain = plain.replace(secret, "***")
        return plain


def place_of(url: str | Path, options: Mapping[str, str] | None = None) -> Place:
    """Return the place that a path, a `file://` URL or an object store's URL names.

    Raises:
        InputError: the URL carries credentials or names no kind of store known here, the folder
            cannot hold a Delta table, or an option or the environment asks for a rename that lets
            two writers overwrite each other.
    """
    given = dict(options or {})
    _refuse_unsafe(given)
    text = str(url)
    scheme = text.split("://", 1)[0].lower() if "://" in text else ""
    if not scheme:
        return _folder(Path(url), given)
    parts = urlsplit(text)
    if "@" in parts.netloc and not scheme.startswith("abfs"):
        raise InputError(
            f"the {scheme} URL carries credentials; take them out and set them in the environment "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3)",
            field="url",
        )
    if parts.query or parts.fragment:
        raise InputError(
            f"the {scheme} URL carries parameters; a store's URL is {scheme}://BUCKET/FOLDER, "
            "keys and tokens come from the environment",
            field="url",
        )
    if scheme == "file":
        return _folder(Path(unquote(parts.path)), given)
    if scheme not in OBJECT_STORES:
        known = ", ".join(f"{one}://" for one in sorted(OBJECT_STORES))
        raise InputError(f"{scheme}:// is no store; use a folder or {known}", field="url")
    return Place(text.rstrip("/"), None, _with_defaults(scheme, given))


def _folder(path: Path, options: dict[str, str]) -> Place:
    path = path.absolute()
    if found := _ESCAPE.search(str(path)):
        raise InputError(
            f"{path} cannot hold a Delta table: the library takes {found[0]} in a folder's name "
            "for another character; use a folder without it",
            field="url",
        )
    return Place(str(path), path, options)


def _with_defaults(scheme: str, options: dict[str, str]) -> dict[str, str]:
    names = {name.lower() for name in options}
    made = {name: value for name, value in _DEFAULTS.items() if name not in names}
    if scheme in _S3:
        # The commit is the creation of one file that must not exist: the server has to refuse
        # the second writer.
        chosen = next((v for k, v in options.items() if k.lower().endswith("conditional_put")), "")
        if chosen.lower() == "disabled":
            raise InputError(
                "conditional_put=disabled lets two writers overwrite each other's commit; "
                "leave it out",
                field="storage_options",
            )
        if not chosen:
            made["conditional_put"] = "etag"
    return {**made, **options}


def _refuse_unsafe(options: Mapping[str, str]) -> None:
    for name, value in [*options.items(), *os.environ.items()]:
        if name.upper().endswith(_UNSAFE) and value.lower() not in _OFF:
            raise InputError(
                f"{name} lets two writers overwrite each other's commit; remove it: "
                "this store commits by conditional put, which every current S3 service knows",
                field="storage_options",
            )


def _secrets(options: Mapping[str, str]) -> Iterator[str]:
    known = {name: value for name, value in os.environ.items() if _ENVIRONMENT.match(name)}
    for name, value in [*options.items(), *known.items()]:
        if _SECRET.search(name) and len(value) >= _LEAST_SECRET:
            yield value


__all__ = ["Place", "place_of", "OBJECT_STORES"]
