"""Files for the browser: our own and Plotly's, each under an address that names its content.

An address changes with the content, so that a browser may keep what it has for ever.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

FOREVER: Final = "public, max-age=31536000, immutable"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Plotly writes the style sheet of its map library into the page unless an element with this id is
# there already. No page of ours has maps, and our content security policy refuses inline style.
_STYLE_GUARD: Final = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True, slots=True)
class Asset:
    """A file for the browser."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class PlotlyScript:
    """Plotly's script as the installed package holds it.

    Attributes:
        version: Version of the package.
        content: The minified script.
        style_guards: Ids of elements that keep it from writing style sheets into the page.
    """

    version: str
    content: bytes
    style_guards: tuple[str, ...]


@lru_cache(maxsize=1)
def own_files() -> Mapping[str, Asset]:
    """Return our files by their path below `static`, `js/chart.js`."""
    return dict(_walk(files("simutrador_data.web").joinpath("static"), ""))


@lru_cache(maxsize=1)
def own_version() -> str:
    """Return a short hash of all our files: they name each other, so they change together."""
    digest = hashlib.sha256()
    for path, asset in sorted(own_files().items()):
        digest.update(path.encode() + b"\0" + asset.content + b"\0")
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def plotly_script() -> PlotlyScript:
    """Return Plotly's script, read once (5 MB)."""
    content = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    guards = dict.fromkeys(match.decode() for match in _STYLE_GUARD.findall(content))
    return PlotlyScript(version("plotly"), content, tuple(guards))


def own_url(path: str) -> str:
    """Return the address of one of our files.

    Raises:
        KeyError: there is no such file.
    """
    if path not in own_files():
        raise KeyError(path)
    return f"/static/{own_version()}/{path}"


def plotly_url() -> str:
    """Return the address of Plotly's script."""
    return f"/static/plotly-{plotly_script().version}/plotly.min.js"


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _walk(entry, f"{path}/")
            continue
        kind = MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind is not None:
            found.append((path, Asset(entry.read_bytes(), kind)))
    return found
