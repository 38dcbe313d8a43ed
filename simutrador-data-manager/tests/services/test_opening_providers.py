"""Providers opened as the settings say: keys, addresses, rates, and what stands for a refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import AuthenticationError, InputError
from simutrador_core.interfaces.data_provider import ActionRequest, BarRequest, TradeRequest
from simutrador_core.models.enums import Timeframe
from simutrador_data.core.settings import Settings, load_settings
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.opening_providers import (
    base_url_of,
    keys_of,
    opened_providers,
    rule_of,
)

REGISTRY = AssetRegistry.default()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name in ("POLYGON__API_KEY", "POLYGON__BASE_URL", "POLYGON__RATE_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    return load_settings(polygon={"rate_limit": "7/s"})


async def test_providers_stand_in_the_order_named(settings: Settings) -> None:
    async with opened_providers(["yahoo", "synthetic"], settings, registry=REGISTRY) as found:
        assert [one.name for one in found] == ["yahoo", "synthetic"]


async def test_one_without_its_key_answers_with_the_reason(settings: Settings) -> None:
    day = datetime(2024, 1, 2, tzinfo=UTC)
    async with opened_providers(["polygon", "synthetic"], settings, registry=REGISTRY) as found:
        refused = found[0]
        assert (refused.name, refused.capabilities.needs_key) == ("polygon", True)
        with pytest.raises(AuthenticationError, match="POLYGON__API_KEY"):
            refused.fetch_bars(BarRequest("AAPL", Timeframe.MINUTE_1, day, day))
        with pytest.raises(AuthenticationError):
            refused.fetch_actions(ActionRequest("AAPL", day.date(), day.date()))
        with pytest.raises(AuthenticationError):
            refused.fetch_trades(TradeRequest("AAPL", day, day))


async def test_none_with_a_key_is_an_error_that_names_the_setting(settings: Settings) -> None:
    with pytest.raises(AuthenticationError, match="POLYGON__API_KEY"):
        async with opened_providers(["polygon"], settings, registry=REGISTRY):
            pass


async def test_a_provider_is_named_once(settings: Settings) -> None:
    with pytest.raises(InputError, match="name each provider once"):
        async with opened_providers(["yahoo", "yahoo"], settings, registry=REGISTRY):
            pass


def test_a_rate_is_what_is_set_else_what_the_vendor_allows(settings: Settings) -> None:
    assert str(rule_of(find_provider("polygon"), settings)) == "7/1s"
    assert str(rule_of(find_provider("polygon"), load_settings())) == "5/60s"
    assert rule_of(find_provider("synthetic"), settings) is None


def test_keys_and_addresses_are_those_of_the_vendors_section() -> None:
    plugin = find_provider("polygon")
    settings = load_settings(polygon={"api_key": "k", "base_url": "http://127.0.0.1:9"})
    assert keys_of(plugin, settings)["POLYGON__API_KEY"].get_secret_value() == "k"
    assert base_url_of(plugin, settings) == "http://127.0.0.1:9"
    assert base_url_of(plugin, load_settings()) == plugin.base_url


async def test_budgets_of_one_machine_stand_in_a_file_that_all_its_processes_find(
    settings: Settings,
) -> None:
    async with opened_providers(["yahoo"], settings, registry=REGISTRY):
        assert settings.service_folder.stat().st_mode & 0o777 == 0o700
        assert not list(settings.service_folder.glob("*.db*"))
