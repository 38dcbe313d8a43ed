"""Which providers are found, also when another package's is broken."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import Capabilities
from simutrador_data.services.data_providers import finding
from simutrador_data.services.data_providers.plugin import ProviderPlugin

CAPABILITIES = Capabilities(frozenset(), frozenset(), 1, None, needs_key=False)


def plugin(name: str) -> ProviderPlugin:
    return ProviderPlugin(name, CAPABILITIES, open=lambda access: pytest.fail("not opened"))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("others_providers")
    made.__dict__.update(ACME=plugin("acme"), AGAIN=plugin("acme"), WRONG="acme")
    monkeypatch.setitem(__import__("sys").modules, "others_providers", made)
    return made


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"others_providers:{value}", finding.GROUP)


def test_a_broken_entry_point_is_listed_and_the_rest_found(module: ModuleType) -> None:
    points = [
        EntryPoint("absent", "no_such_package_at_all:PLUGIN", finding.GROUP),
        point("acme", "ACME"),
        point("text", "WRONG"),
        point("twice", "AGAIN"),
    ]
    found = finding.installed_providers(points)
    assert list(found.plugins) == ["acme"]
    reasons = {one.name: one.reason for one in found.broken}
    assert "no_such_package_at_all" in reasons["absent"]
    assert reasons["text"].endswith("is str, not a ProviderPlugin")
    assert "taken by another package" in reasons["twice"]


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"there is no provider 'acmee'; .*installed are"):
        finding.find_provider("acmee")
