"""`config show` and `config validate`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kit_settings import Settings
from simutrador_service.config import SettingsError, load
from simutrador_service.config.commands import config_commands


def only_loopback(settings: Settings) -> None:
    if settings.api.host != "127.0.0.1":
        raise SettingsError(f"API__HOST={settings.api.host} is open to others; set 127.0.0.1")


app = config_commands(
    partial(load, Settings),
    check=only_loopback,
    facts=lambda settings: {"data": str(settings.data_path)},
)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_show_lists_settings_with_secrets_masked(folder: Path) -> None:
    (folder / ".env").write_text("VENDOR__API_KEY=hunter2\nNIGHTLY_UPDATE__X=hunter2\n")
    shown = CliRunner().invoke(app, ["show"])
    assert shown.exit_code == 0
    assert "hunter2" not in shown.output
    assert "VENDOR__API_KEY" in shown.output
    assert "not read by this release" in shown.output
    assert "data: data" in shown.output


def test_show_as_json_says_where_each_value_came_from(folder: Path) -> None:
    (folder / "my.toml").write_text("[api]\nport = 7\n")
    shown = json.loads(CliRunner().invoke(app, ["show", "--json", "--config", "my.toml"]).stdout)
    assert shown["settings"]["API__PORT"] == 7
    assert shown["origins"]["API__PORT"] == "my.toml"
    assert shown["config_file"] == "my.toml"
    assert shown["settings"]["API__ALLOWED_ORIGINS"] == []


def test_validate_names_the_wrong_setting(folder: Path) -> None:
    assert CliRunner().invoke(app, ["validate"]).exit_code == 0
    (folder / "bad.env").write_text("API__PORT=70000\n")
    refused = CliRunner().invoke(app, ["validate", "--env-file", "bad.env", "--json"])
    assert refused.exit_code == 2
    error = json.loads(refused.stdout)["error"]
    assert error["code"] == "invalid_settings"
    assert error["message"].startswith("API__PORT=70000 (bad.env)")


def test_validate_asks_what_only_the_service_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API__HOST", "0.0.0.0")
    refused = CliRunner().invoke(app, ["validate"])
    assert refused.exit_code == 2
    assert "set 127.0.0.1" in refused.output
