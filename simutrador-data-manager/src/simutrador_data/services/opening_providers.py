"""Opens the providers that the settings name: keys, addresses and budgets all processes share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import AuthenticationError, InputError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    DataProvider,
    TradeRequest,
    Trades,
)
from simutrador_data.core.settings import Settings
from simutrador_data.core.vendor_settings import VendorSection
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_service.limits import Budget, Rule

if TYPE_CHECKING:
    import redis.asyncio

    from simutrador_service.database import Database

LONGEST_WAIT_S: Final = 600.0
"""Many symbols wait in line for a small budget; beyond this the line is too long."""

BUDGET_FILE: Final = "budgets.sqlite"
"""Where processes of one machine share what vendors may be asked, in the service's folder."""

_REDIS_TIMEOUT_S: Final = 0.25
_ONE_MACHINE: Final = "sqlite:"


def section_of(plugin: ProviderPlugin, settings: Settings) -> VendorSection:
    """Return what is set about a vendor; of one from another package nothing is."""
    names = [*(name.partition("__")[0] for name in plugin.key_names), plugin.name]
    for name in names:
        section = getattr(settings, name.lower(), None)
        if isinstance(section, VendorSection):
            return section
    return VendorSection()


def keys_of(plugin: ProviderPlugin, settings: Settings) -> Mapping[str, SecretStr]:
    """Return the keys that are set, by setting.

    Those of a vendor of another package stand in the environment.
    """
    found: dict[str, SecretStr] = {}
    for name in plugin.key_names:
        section, _, field = name.lower().partition("__")
        key: object = getattr(getattr(settings, section, None), field, None)
        if isinstance(key, SecretStr) and key.get_secret_value():
            found[name] = key
        elif os.environ.get(name):
            found[name] = SecretStr(os.environ[name])
    return found


def base_url_of(plugin: ProviderPlugin, settings: Settings) -> str:
    """Return where a vendor answers."""
    return section_of(plugin, settings).base_url or plugin.base_url


def rule_of(plugin: ProviderPlugin, settings: Settings) -> Rule | None:
    """Return how often a vendor may be asked: as set, else as its capabilities say.

    Raises:
        InputError: the setting is no rate.
    """
    text = section_of(plugin, settings).rate
    if text is not None:
        return Rule.of(text)
    rate = plugin.capabilities.requests_per_minute
    if rate is None:
        return None
    return Rule.of(f"{int(rate)}/min" if rate >= 1 else f"{max(1, ceil(rate * 60))}/h")


@asynccontextmanager
async def opened_providers(
    names: Sequence[str], settings: Settings, *, registry: AssetRegistry
) -> AsyncGenerator[tuple[DataProvider, ...]]:
    """Open providers by name, in this order; leaving the context closes them.

    All our processes share one budget a vendor: through Redis where the settings name one, else
    through the service's database where several machines can share that, else through a file beside
    it. A provider whose key is absent stands there refused: what is
    asked of it fails with that reason, and the next one of a chain is asked.

    Raises:
        InputError: a name is unknown or stands there twice, or a rate is none.
        AuthenticationError: none of them has its key; the text names the setting.
    """
    plugins = [find_provider(name) for name in names]
    if len({plugin.name for plugin in plugins}) < len(plugins):
        raise InputError(f"{', '.join(names)}: name each provider once", field="provider")
    rules = [rule_of(plugin, settings) for plugin in plugins]
    async with AsyncExitStack() as opened:
        budgets = await _budgets(settings, opened) if any(rules) else None
        found: list[DataProvider] = []
        refusals: list[AuthenticationError] = []
        for plugin, rule in zip(plugins, rules, strict=True):
            access = ProviderAccess(
                base_url=base_url_of(plugin, settings),
                keys=keys_of(plugin, settings),
                budget=budgets and rule and budgets.of(plugin, rule),
                registry=registry,
            )
            try:
                found.append(await opened.enter_async_context(plugin.open(access)))
            except AuthenticationError as e:
                refusals.append(e)
                found.append(refused_provider(plugin, e))
        if refusals and len(refusals) == len(found):
            raise refusals[0]
        yield tuple(found)


def refused_provider(plugin: ProviderPlugin, error: AuthenticationError) -> DataProvider:
    """Return what stands for a provider that cannot be opened: it answers with the reason."""

    class Refused:
        name: ClassVar[str] = plugin.name
        capabilities: ClassVar[Capabilities] = plugin.capabilities

        def fetch_bars(
            self, request: BarRequest, *, cursor: str | None = None
        ) -> AsyncIterator[BarPage]:
            raise error

        def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
            raise error

        def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
            raise error

    return Refused()


@dataclass(frozen=True, slots=True)
class _Budgets:
    """Where the budgets are kept: one of the three."""

    client: redis.asyncio.Redis | None = None
    database: Database | None = None
    file: Path | None = None

    def of(self, plugin: ProviderPlugin, rule: Rule) -> Budget:
        """Return the budget of a vendor."""
        return Budget(
            f"provider:{plugin.name}",
            rule,
            client=self.client,
            database=self.database,
            file=self.file,
            longest_wait_s=LONGEST_WAIT_S,
        )


async def _budgets(settings: Settings, opened: AsyncExitStack) -> _Budgets:
    client = _redis(settings, opened)
    if client is not None:
        return _Budgets(client=client)
    settings.service_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.database_url.startswith(_ONE_MACHINE):
        return _Budgets(file=settings.service_folder / BUDGET_FILE)
    database = await asyncio.to_thread(_migrated, settings.database_url)
    opened.callback(database.close)
    return _Budgets(database=database)


def _redis(settings: Settings, opened: AsyncExitStack) -> redis.asyncio.Redis | None:
    if settings.redis.url is None:
        return None
    from simutrador_service.redis import connect_async  # an extra

    client = connect_async(settings.redis.url, timeout_s=_REDIS_TIMEOUT_S, retries=0)
    opened.push_async_callback(client.aclose)
    return client


def _migrated(url: str) -> Database:
    from simutrador_service.database import KIT, Database  # pulls in SQLAlchemy

    database = Database(url)
    KIT.upgrade(database)
    return database
