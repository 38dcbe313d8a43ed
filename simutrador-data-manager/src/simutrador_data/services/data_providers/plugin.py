"""`ProviderPlugin`: what an entry point of the group `simutrador.data_providers` names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from simutrador_core.interfaces.data_provider import Capabilities, DataProvider
from simutrador_data.services.data_providers.access import ProviderAccess


@dataclass(frozen=True, slots=True)
class ProviderPlugin:
    """A vendor that can be opened.

    Attributes:
        name: What settings and commands call it; the same as the provider's own.
        capabilities: What it can do; the same as the provider's own.
        open: Opens it; leaving the context closes all it holds.
        key_names: Settings it needs, `("POLYGON__API_KEY",)`; empty where no key is needed.
        key_url: Where a key is to be had.
        base_url: Where the vendor answers unless the settings name another place.
    """

    name: str
    capabilities: Capabilities
    open: Callable[[ProviderAccess], AbstractAsyncContextManager[DataProvider]]
    key_names: tuple[str, ...] = ()
    key_url: str = ""
    base_url: str = ""
