"""From settings to an open provider: its keys, address and budget, or what is lacking."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_data.core.settings import Settings
from simutrador_data.core.vendor_settings import VendorSection
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_service.limits import Budget, Rule

if TYPE_CHECKING:
    import redis.asyncio

    from simutrador_service.database import Database

LONGEST_WAIT_S: Final = 600.0
"""Many symbols wait in line for a small budget; beyond this the line is too long."""


def section_of(plugin: ProviderPlugin, settings: Settings) -> VendorSection:
    """Return the settings of a vendor; one of another package has none, so nothing is set."""
    name = plugin.key_names[0].partition("__")[0] if plugin.key_names else plugin.name
    found = getattr(settings, name.lower(), None)
    return found if isinstance(found, VendorSection) else VendorSection()


def keys_of(plugin: ProviderPlugin, settings: Settings) -> Mapping[str, SecretStr]:
    """Return the keys that are set, by the name of their setting.

    Those of a vendor of another package stand in the environment.
    """
    found: dict[str, SecretStr] = {}
    for name in plugin.key_names:
        field = name.partition("__")[2].lower()
        value: object = getattr(section_of(plugin, settings), field, None)
        key = value if isinstance(value, SecretStr) else SecretStr(os.environ.get(name, ""))
        if key.get_secret_value():
            found[name] = key
    return found


def lacking(plugin: ProviderPlugin, settings: Settings) -> tuple[str, ...]:
    """Return the settings a vendor needs and that are not set."""
    keys = keys_of(plugin, settings)
    return tuple(name for name in plugin.key_names if name not in keys)


def base_url_of(plugin: ProviderPlugin, settings: Settings) -> str:
    """Return where a vendor answers: as set, else at its own address."""
    return section_of(plugin, settings).base_url or plugin.base_url


def rate_of(plugin: ProviderPlugin, settings: Settings) -> str | None:
    """Return how much a vendor may be asked: as set, else as its capabilities say."""
    each_minute = plugin.capabilities.requests_per_minute
    stated = None if each_minute is None else f"{max(1, int(each_minute))}/min"
    return section_of(plugin, settings).rate or stated


def access_to(
    plugin: ProviderPlugin,
    settings: Settings,
    *,
    registry: AssetRegistry | None = None,
    client: redis.asyncio.Redis | None = None,
    database: Database | None = None,
) -> ProviderAccess:
    """Return the access to a vendor that the settings give; a key may be absent.

    Args:
        plugin: The vendor.
        settings: Keys, address and rate.
        registry: Assets; None takes the built-in ones.
        client: Redis through which all processes share the budget.
        database: A migrated database through which they share it where Redis is absent.
    """
    keys = keys_of(plugin, settings)
    rate, budget = rate_of(plugin, settings), None
    if rate is not None:
        budget = Budget(
            _budget_name(plugin, keys),
            Rule.of(rate),
            client=client,
            database=database,
            longest_wait_s=LONGEST_WAIT_S,
        )
    return ProviderAccess(
        base_url_of(plugin, settings),
        keys=keys,
        budget=budget,
        registry=registry or AssetRegistry.default(),
    )


@asynccontextmanager
async def open_provider(
    plugin: ProviderPlugin,
    settings: Settings,
    *,
    registry: AssetRegistry | None = None,
    client: redis.asyncio.Redis | None = None,
    database: Database | None = None,
) -> AsyncGenerator[DataProvider]:
    """Open a vendor with the access of the settings; arguments as for `access_to`.

    Raises:
        AuthenticationError: a key is not set.
    """
    access = access_to(plugin, settings, registry=registry, client=client, database=database)
    async with plugin.open(access) as provider:
        yield provider


def _budget_name(plugin: ProviderPlugin, keys: Mapping[str, SecretStr]) -> str:
    """Return a name that says the vendor; each key has a budget of its own and stays unknown."""
    held = "\0".join(keys[name].get_secret_value() for name in sorted(keys))
    label = hashlib.sha256(f"budget {plugin.name} {held}".encode()).hexdigest()[:12]
    return f"{plugin.name} {label}" if held else plugin.name
