"""The command as a user runs it."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from simutrador_core.testing.builders import make_change
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_server import __version__
from simutrador_server.cli.commands import app
from simutrador_server.cli.demo import tutorial_text
from simutrador_server.services import demo_bars
from venue_fixtures import minute_bars
from venue_process import started


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if (
            name.startswith(("VENUE__", "SIMULATION__", "LOGGING__", "DATABASE__"))
            or name == "JWT_SECRET_KEY"
        ):
            monkeypatch.delenv(name)


def call(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.stdout


def call_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code))


def test_version_is_told() -> None:
    assert call("--version").strip() == __version__


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    key = call("keys", "create", "alice", "--plan", "free").strip()
    prefix = key.partition(".")[0]
    listed = call_json("keys", "list")["keys"]
    assert [(one["prefix"], one["owner"], one["plan"]) for one in listed] == [
        (prefix, "alice", "free")
    ]
    secret = key.partition(".")[2].encode()
    assert all(secret not in file.read_bytes() for file in (tmp_path / "venue").iterdir())
    assert prefix in call("keys", "list")
    assert call_json("keys", "revoke", prefix)["prefix"] == prefix
    assert call_json("keys", "list")["keys"][0]["revoked_at"]


def test_no_keys_yet_says_how_to_make_one() -> None:
    assert "keys create" in call("keys", "list")


def test_unknown_key_is_named() -> None:
    error = call_json("keys", "revoke", "sk_nothing", code=1)["error"]
    assert error["code"] == "unknown_key"
    assert "sk_nothing" in error["message"]


def test_config_shows_settings_and_masks_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "s" * 40)
    shown = call_json("config", "show")["settings"]
    assert (shown["VENUE__WS_PORT"], shown["VENUE__AUTH_PORT"]) == (8003, 8001)
    assert "ssss" not in call("config", "show")
    assert call_json("config", "validate") == {"valid": True}


def test_short_signing_key_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "short")
    error = call_json("serve", code=2)["error"]
    assert error["code"] == "invalid_settings"
    assert "short" not in error["message"]


def test_serve_without_a_store_says_so() -> None:
    assert call_json("serve", "--auth-port", "0", "--ws-port", "0", code=1)["error"]["message"]


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    ParquetStore(tmp_path / "storage").close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for first, second in ((port, "0"), ("0", port)):
            answer = call_json("serve", "--auth-port", first, "--ws-port", second, code=1)
            assert answer["error"]["code"] == "port_taken"
            assert port in answer["error"]["message"]


@pytest.mark.integration
def test_serve_gives_tokens_for_the_keys_of_its_folder(tmp_path: Path) -> None:
    with ParquetStore(tmp_path / "bars") as store:
        store.commit(make_change(minute_bars()))
    key = call("keys", "create", "alice").strip()
    with started("serve", "--bars", "local:bars", cwd=tmp_path) as places:
        url = f"{places['auth_url']}/auth/token"
        answer = httpx.post(url, headers={"X-API-Key": key})
        assert answer.json()["user_id"] == "alice"
        call("keys", "revoke", key.partition(".")[0])
        ends = time.monotonic() + 10  # another process notices within two seconds
        while (status := httpx.post(url, headers={"X-API-Key": key}).status_code) == 200:
            assert time.monotonic() < ends
            time.sleep(0.25)  # the service counts requests
        assert status == 401


def test_tutorial_client_has_at_most_25_lines_of_code() -> None:
    code = [
        line
        for line in tutorial_text().splitlines()
        if line.strip() and not line.startswith(("#", '"""'))
    ]
    assert len(code) <= 25


def test_demo_bars_are_made_once(tmp_path: Path) -> None:
    said: list[str] = []
    rows: list[int] = []
    for _ in range(2):
        source = demo_bars.open_demo_store(tmp_path / "demo", say=said.append)
        rows.append(sum(info.rows for info in source.symbols()))
        source.close()
    assert rows[0] == rows[1] > 10_000
    assert len(said) == 2
