"""What people are shown of settings: never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit_settings import Settings
from simutrador_service.config import SecretUrl, describe, load

SECRET = "a-secret-that-is-longer-than-32-bytes"


@pytest.fixture(autouse=True)
def settings_of_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        f"AUTH__JWT_SECRET={SECRET}\nREDIS__URL=redis://user:{SECRET}@cache:6379/0\n"
        f"DATABASE__URL=postgresql://bars:{SECRET}@db/bars\nVENDOR__API_KEY={SECRET}\n"
    )
    monkeypatch.setenv("API_PORT", "1234")


def test_every_setting_is_shown_with_its_place_and_without_secrets() -> None:
    settings = load(Settings, logging={"level": "debug"})
    rows = {row.name: (row.value, row.origin) for row in describe(settings)}
    assert rows["AUTH__JWT_SECRET"] == ("********", ".env")
    assert rows["REDIS__URL"] == ("redis://user:********@cache:6379/0", ".env")
    assert rows["DATABASE__URL"] == ("postgresql://bars:********@db/bars", ".env")
    assert rows["API__PORT"] == (1234, "environment as API_PORT")
    assert rows["API__HOST"] == ("127.0.0.1", "default")
    assert rows["LOGGING__LEVEL"] == ("DEBUG", "command line")
    assert rows["DATA_PATH"] == ("data", "default")


def test_no_way_of_printing_settings_shows_a_secret() -> None:
    settings = load(Settings)
    for text in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(describe(settings)),
    ):
        assert SECRET not in text
    assert settings.redis.url is not None
    assert SECRET in settings.redis.url.get_secret_value()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///service.db", "sqlite:///service.db"),
        ("redis://:pw@host/0", "redis://:********@host/0"),
        ("redis://host/0?password=pw", "redis://host/0?********"),
        ("redis://u:p:w@host/0", "redis://u:********@host/0"),
        ("redis://[pw", "********"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown
    assert repr(SecretUrl(url)) == f"SecretUrl({shown!r})"
