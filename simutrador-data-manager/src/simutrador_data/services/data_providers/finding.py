"""Which providers are installed: ours and those of other packages, by their entry points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Final

from simutrador_core.errors import InputError
from simutrador_data.services.data_providers.plugin import ProviderPlugin

GROUP: Final = "simutrador.data_providers"


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An entry point that gives no provider, and why."""

    name: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Installed:
    """The providers that were found, by name, and the entry points that are broken."""

    plugins: Mapping[str, ProviderPlugin]
    broken: tuple[BrokenPlugin, ...] = ()


def installed_providers(points: Iterable[EntryPoint] | None = None) -> Installed:
    """Return what is installed, ordered by name; a broken entry point is listed, never raised.

    Args:
        points: Entry points to load instead of those of the installed packages.
    """
    chosen = entry_points(group=GROUP) if points is None else points
    plugins: dict[str, ProviderPlugin] = {}
    broken: list[BrokenPlugin] = []
    for point in sorted(chosen, key=lambda point: point.name):
        loaded = _load(point)
        if isinstance(loaded, BrokenPlugin):
            broken.append(loaded)
        elif loaded.name in plugins:
            reason = f"the name {loaded.name!r} is taken by another package"
            broken.append(BrokenPlugin(point.name, point.value, reason))
        else:
            plugins[loaded.name] = loaded
    return Installed(MappingProxyType(dict(sorted(plugins.items()))), tuple(broken))


def find_providers() -> Mapping[str, ProviderPlugin]:
    """Return the providers that are installed, by name."""
    return installed_providers().plugins


def find_provider(name: str) -> ProviderPlugin:
    """Return a provider by name; `ccxt:kraken` is the provider `ccxt`, at the place `kraken`.

    Raises:
        InputError: none of that name is installed; the text names those that are, or why it fails.
    """
    installed = installed_providers()
    family, _, place = name.partition(":")
    found = installed.plugins.get(family)
    if found is not None:
        return replace(found, name=name, base_url=place) if place else found
    for one in installed.broken:
        if one.name == name:
            raise InputError(f"provider {name!r} cannot be used: {one.reason}", field="provider")
    near = get_close_matches(name, installed.plugins, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"there is no provider {name[:60]!r}; {hint}installed are {', '.join(installed.plugins)}",
        field="provider",
    )


def _load(point: EntryPoint) -> ProviderPlugin | BrokenPlugin:
    try:
        loaded: object = point.load()
    except Exception as e:  # noqa: BLE001 - others' code: whatever it raises, the rest must go on
        return BrokenPlugin(point.name, point.value, f"{type(e).__name__}: {e}")
    if not isinstance(loaded, ProviderPlugin):
        reason = f"{point.value} is {type(loaded).__name__}, not a ProviderPlugin"
        return BrokenPlugin(point.name, point.value, reason)
    return loaded
