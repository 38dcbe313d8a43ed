"""Files for the browser, each under an address that names its content, so that it may be kept.

A service's files lie in the folder `static` of one of its packages, the kit's below `kit/`, and
Plotly's script comes out of the installed package. Scripts name each other by relative addresses
(`../kit/js/api.js`), so all files change their address together.
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

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from simutrador_core.errors import MissingExtraError
from simutrador_service.auth import public
from simutrador_service.web.encodings import choose_encoding, encodings

FOREVER: Final = "public, max-age=31536000, immutable"
PLOTLY: Final = "plotly.min.js"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_ALREADY_SMALL: Final = frozenset({"image/png", "image/x-icon", "font/woff2"})

# Plotly writes the style sheet of its map library into the page unless an element with this id is
# there already. No page of ours has maps, and our content security policy refuses inline style.
_STYLE_GUARD: Final = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True, slots=True)
class Asset:
    """A file for the browser."""

    content: bytes
    media_type: str


class Assets:
    """The files of one service and the kit's."""

    def __init__(self, package: str | None = None) -> None:
        """Read the files of a package's folder `static`, and the kit's; none but these are served.

        Args:
            package: For instance `simutrador_data.web`; None for the kit's alone.
        """
        found = {f"kit/{path}": asset for path, asset in _files("simutrador_service.web").items()}
        if package is not None:
            found.update(_files(package))
        self.files: Final[Mapping[str, Asset]] = found
        self.version: Final = _digest(found)
        self._compressed: dict[tuple[str, str], bytes] = {}

    def url(self, path: str) -> str:
        """Return the address of a file, `kit/css/base.css`.

        Raises:
            KeyError: there is no such file.
        """
        if path not in self.files:
            raise KeyError(path)
        return f"/static/{self.version}/{path}"

    def find(self, folder: str, path: str) -> Asset | None:
        """Return the file at an address, or None."""
        if folder == self.version:
            return self.files.get(path)
        if path == PLOTLY and folder.startswith("plotly-"):
            script = plotly_script()
            is_it = folder == f"plotly-{script.version}"
            return Asset(script.content, MEDIA_TYPES[".js"]) if is_it else None
        return None

    def compressed(self, folder: str, path: str, asset: Asset, encoding: str) -> bytes:
        """Return a file compressed, once for all who ask."""
        key = (f"{folder}/{path}", encoding)
        if key not in self._compressed:
            self._compressed[key] = encodings()[encoding]().compress(asset.content, last=True)
        return self._compressed[key]


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

    @property
    def url(self) -> str:
        """Its address."""
        return f"/static/plotly-{self.version}/{PLOTLY}"


@lru_cache(maxsize=1)
def plotly_script() -> PlotlyScript:
    """Return Plotly's script, read once (5 MB).

    Raises:
        MissingExtraError: the extra `charts` is not installed.
    """
    try:
        content = files("plotly").joinpath("package_data", PLOTLY).read_bytes()
    except ModuleNotFoundError as e:
        raise MissingExtraError("plotly", extra="charts", package="simutrador-service-kit") from e
    guards = dict.fromkeys(match.decode() for match in _STYLE_GUARD.findall(content))
    return PlotlyScript(version("plotly"), content, tuple(guards))


def asset_routes(assets: Assets) -> APIRouter:
    """Return `/static` and `/favicon.ico`."""
    router = APIRouter(include_in_schema=False, dependencies=[public()])

    @router.get("/static/{folder}/{path:path}")
    def static_file(request: Request, folder: str, path: str) -> Response:
        asset = assets.find(folder, path)
        if asset is None:
            raise HTTPException(404)
        headers = {"Cache-Control": FOREVER}
        if asset.media_type in _ALREADY_SMALL:
            return Response(asset.content, media_type=asset.media_type, headers=headers)
        headers["Vary"] = "Accept-Encoding"
        content = asset.content
        encoding = choose_encoding(request.headers.get("accept-encoding", ""))
        if encoding is not None:
            headers["Content-Encoding"] = encoding
            content = assets.compressed(folder, path, asset, encoding)
        return Response(content, media_type=asset.media_type, headers=headers)

    @router.get("/favicon.ico")
    async def favicon() -> Response:
        icon = assets.files.get("icon.svg") or assets.files["kit/icon.svg"]
        headers = {"Cache-Control": "max-age=86400"}
        return Response(icon.content, media_type=icon.media_type, headers=headers)

    return router


def _files(package: str) -> dict[str, Asset]:
    return dict(_walk(files(package).joinpath("static"), ""))


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


def _digest(found: Mapping[str, Asset]) -> str:
    digest = hashlib.sha256()
    for path, asset in sorted(found.items()):
        digest.update(path.encode() + b"\0" + asset.content + b"\0")
    return digest.hexdigest()[:16]


__all__ = ["FOREVER", "Asset", "Assets", "PlotlyScript", "asset_routes", "plotly_script"]
