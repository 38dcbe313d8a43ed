"""Settings: names, bounds, precedence, and secrets that stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from simutrador_server.core.settings import load_settings
from simutrador_service.config import SettingsError

LONG = "k" * 32


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("JWT_SECRET_KEY", "VENUE__HOST", "VENUE__WS_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_the_documented_ports_on_loopback() -> None:
    venue = load_settings().venue
    assert (venue.host, venue.auth_port, venue.ws_port) == ("127.0.0.1", 8001, 8003)
    assert venue.jwt_secret_key is None


def test_command_line_wins_over_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("VENUE__WS_PORT=1\nVENUE__AUTH_PORT=2\nOTHER__THING=5\n")
    monkeypatch.setenv("VENUE__WS_PORT", "3")
    venue = load_settings(venue={"host": "127.0.0.2"}).venue
    assert (venue.host, venue.ws_port, venue.auth_port) == ("127.0.0.2", 3, 2)


@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "VENUE__JWT_SECRET_KEY"])
def test_signing_key_is_read_under_both_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, LONG)
    key = load_settings().venue.jwt_secret_key
    assert key is not None
    assert key.get_secret_value() == LONG


@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "VENUE__JWT_SECRET_KEY"])
def test_short_signing_key_is_refused_and_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "hunter2-hunter2-hunter2-hunter2")
    with pytest.raises(SettingsError, match="31 bytes are too few") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_secret_is_masked_when_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", LONG)
    settings = load_settings()
    assert LONG not in repr(settings)
    assert LONG not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("VENUE__WS_PROT", "1", "VENUE__WS_PORT"),
        ("VENUE__WS_PORT", "70000", "VENUE__WS_PORT"),
        ("VENUE__BARS", "folder:x", "local:FOLDER"),
        ("SIMULATION__SLIPPAGE_BPS", "-1", "SIMULATION__SLIPPAGE_BPS"),
        ("LOGGING__LEVEL", "LOUD", "LOGGING__LEVEL"),
    ],
)
def test_wrong_setting_is_named(
    name: str, value: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=text):
        load_settings()


def test_env_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.env does not exist"):
        load_settings(env_file=tmp_path / "none.env")
