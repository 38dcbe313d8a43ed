"""Settings: names, which wins, and the project's `.env`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from simutrador_client.settings import get_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings are read anew in an empty project; what `.env` adds is taken away again."""
    (tmp_path / ".git").mkdir()
    deep = tmp_path / "src" / "app"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    before = dict(os.environ)
    get_settings.cache_clear()
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    get_settings.cache_clear()


def test_defaults_are_the_documented_ones() -> None:
    settings = get_settings()
    assert settings.server.websocket.url == "ws://127.0.0.1:8003"
    assert settings.auth.server_url == "http://127.0.0.1:8001"
    assert settings.auth.api_key == ""
    session = settings.session
    assert session.default_initial_capital == Decimal("100000.00")
    assert session.default_data_provider == "polygon"
    assert session.default_commission_per_share == Decimal("0.005")
    assert session.default_slippage_bps == 5
    assert session.session_timeout_seconds == 30
    assert session.max_retry_attempts == 3


@pytest.mark.parametrize(
    ("set_", "key"),
    [
        ({"SIMUTRADOR_API_KEY": "alias"}, "alias"),
        ({"AUTH__API_KEY": "nested"}, "nested"),
        ({"SIMUTRADOR_API_KEY": "alias", "AUTH__API_KEY": "nested"}, "nested"),
        ({"SIMUTRADOR_API_KEY": "alias", "AUTH__API_KEY": ""}, "alias"),
    ],
)
def test_the_key_has_two_names_and_the_nested_one_wins(
    monkeypatch: pytest.MonkeyPatch, set_: dict[str, str], key: str
) -> None:
    for name, value in set_.items():
        monkeypatch.setenv(name, value)
    assert get_settings().auth.api_key == key
    assert key not in repr(get_settings())


def test_the_env_file_beside_git_is_found_from_below_and_foreign_keys_are_ignored(
    tmp_path: Path,
) -> None:
    lines = [
        "# keys",
        "SIMUTRADOR_API_KEY=from_file",
        "APP_ONLY=1",
        "SERVER__WEBSOCKET__URL=ws://v",
    ]
    (tmp_path / ".env").write_text("\n".join(lines))
    settings = get_settings()
    assert settings.auth.api_key == "from_file"
    assert settings.server.websocket.url == "ws://v"
    assert os.environ["APP_ONLY"] == "1"


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SIMUTRADOR_API_KEY=from_file")
    monkeypatch.setenv("SIMUTRADOR_API_KEY", "from_environment")
    assert get_settings().auth.api_key == "from_environment"


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = get_settings()
    monkeypatch.setenv("SIMUTRADOR_API_KEY", "later")
    assert get_settings() is first


def test_outside_a_project_only_the_environment_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".git").rmdir()
    (tmp_path / ".env").write_text("SIMUTRADOR_API_KEY=from_file")
    assert get_settings().auth.api_key == ""
