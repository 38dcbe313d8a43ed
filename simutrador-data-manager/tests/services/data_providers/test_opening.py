"""What the settings give a provider, and what it lacks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simutrador_core.errors import AuthenticationError
from simutrador_core.interfaces.data_provider import Capabilities
from simutrador_data.core.settings import load_settings
from simutrador_data.services.data_providers.opening import (
    access_to,
    lacking,
    open_provider,
    rate_of,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_data.services.data_providers.polygon import BASE_URL, KEY, PLUGIN

SECRET = "a-key-nobody-may-see"
OTHERS = ProviderPlugin(
    "acme",
    Capabilities(frozenset(), frozenset(), 1, 30, needs_key=True),
    open=lambda access: pytest.fail("not opened"),
    key_names=("ACME__API_KEY",),
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder with none of our settings set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if "__" in name or name in {"ENV", "SIMUTRADOR_CONFIG"}:
            monkeypatch.delenv(name)


def test_without_settings_a_vendor_is_asked_at_its_own_address_and_free_rate() -> None:
    settings = load_settings()
    access = access_to(PLUGIN, settings)
    assert access.base_url == BASE_URL
    assert access.budget is not None
    assert str(access.budget.rule) == "5/60s"
    assert lacking(PLUGIN, settings) == (KEY,)


async def test_a_key_that_is_not_set_is_named_when_it_is_needed() -> None:
    with pytest.raises(AuthenticationError, match=KEY):
        async with open_provider(PLUGIN, load_settings()):
            pytest.fail("opened without a key")


async def test_settings_reach_the_provider_and_the_key_stays_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setenv("POLYGON__BASE_URL", "https://proxy.example")
    monkeypatch.setenv("POLYGON__RATE_LIMIT", "40/10s")
    settings = load_settings()
    access = access_to(PLUGIN, settings)
    assert lacking(PLUGIN, settings) == ()
    assert access.base_url == "https://proxy.example"
    assert access.keys[KEY].get_secret_value() == SECRET
    assert access.budget is not None
    assert access.budget.name.startswith("polygon ")
    assert SECRET not in repr(access) + access.budget.name + repr(settings)
    async with open_provider(PLUGIN, settings) as provider:
        assert provider.name == "polygon"


def test_the_key_of_another_package_s_vendor_stands_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()
    assert lacking(OTHERS, settings) == ("ACME__API_KEY",)
    assert rate_of(OTHERS, settings) == "30/min"
    monkeypatch.setenv("ACME__API_KEY", SECRET)
    assert lacking(OTHERS, settings) == ()
    assert access_to(OTHERS, settings).keys["ACME__API_KEY"].get_secret_value() == SECRET
