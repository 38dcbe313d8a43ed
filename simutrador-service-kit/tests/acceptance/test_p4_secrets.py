"""P4: a real service is driven through successes and failures; no secret is in what it wrote.

What a secret was asked for, and only that, is left out: the answer that gives a token or a new key,
and the file that keeps the signing key.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from kit_auth import PASSWORD
from kit_redis import unused_port
from kit_whole import FAULT, PEOPLE, USERS, process
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.auth import Role

SIGNING_KEY = "hK2vQ9sLw7Zx4Tn8Rb3Yd6Mf1Pc5Jg0AqXeU"
REDIS_PASSWORD = "rP8dis7Word3xYz"
DATABASE_PASSWORD = "dB5pass9Word1Qr"
ROUNDS = at_scale(1, 20)


@contextmanager
def write_secrets_as_they_are() -> Iterator[None]:
    """Mask nothing in the log."""
    os.environ[FAULT] = "no-mask"
    yield
    del os.environ[FAULT]


@dataclass
class Drive:
    """Somebody who uses a service, and remembers all secrets and all answers."""

    client: httpx.Client
    secrets: set[str] = field(default_factory=set[str])
    told: list[str] = field(default_factory=list[str])
    sent: int = 0

    def ask(self, method: str, path: str, *, gives: bool = False, **rest: Any) -> Any:
        """Send a request; its answer is kept unless it gives a secret."""
        self.sent += 1
        answer = self.client.request(method, path, **rest)
        kept = {**answer.headers} if gives else {**answer.headers, "body": answer.text}
        self.told.append(f"{answer.status_code} {json.dumps(kept)}")
        return answer.json() if gives else answer

    def log_in(self, role: Role) -> dict[str, str]:
        """Log in and remember the tokens."""
        login = {"username": USERS[role], "password": PASSWORD}
        pair = self.ask("POST", "/auth/token", gives=True, json=login)
        self.secrets |= {pair["access_token"], pair["refresh_token"].partition(".")[2]}
        self.secrets.add(pair["access_token"].rpartition(".")[2])
        return pair

    def new_key(self, bearer: dict[str, str]) -> str:
        """Make a key and remember it."""
        asked = {"scopes": ["*:read", "keys:write"]}
        made = self.ask("POST", "/auth/keys", gives=True, json=asked, headers=bearer)
        self.secrets |= {made["api_key"], made["api_key"].partition(".")[2]}
        return made["api_key"]


def use_well(drive: Drive) -> tuple[str, str]:
    """Do what people do; return a token and a key."""
    pair = drive.log_in(Role.ADMIN)
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    key = drive.new_key(bearer)
    rotated = drive.ask(
        "POST", f"/auth/keys/{key.partition('.')[0]}/rotate", gives=True, json={}, headers=bearer
    )["api_key"]
    drive.secrets |= {rotated, rotated.partition(".")[2]}
    for path in ("/auth/me", "/auth/keys", "/auth/users", "/auth/audit", "/jobs", "/schedules"):
        drive.ask("GET", path, headers=bearer)
        drive.ask("GET", path, headers={"X-API-Key": rotated})
    for path in ("/metrics", "/health/deep", "/docs", "/openapi.json", "/overview"):
        drive.ask("GET", path, headers=bearer)
    job = {"kind": "repeat", "params": {"text": "fail on purpose"}}
    drive.ask("POST", "/jobs", json=job, headers=bearer)
    return pair["access_token"], rotated


def use_badly(drive: Drive, token: str, key: str) -> None:
    """Put secrets where they do not belong."""
    both = {"X-API-Key": key, "Authorization": f"Bearer {token}"}
    for secret in (token, key):
        for path in ("/crash", "/nothing", "/jobs", "/auth/token"):
            for name in ("token", "api_key", "said", "access_token"):
                drive.ask("GET", f"{path}?{name}={secret}", headers=both)
        for path in ("auth/keys", "auth/users", "jobs"):
            drive.ask("DELETE", f"/{path}/{secret}", headers=both)
        drive.ask("POST", f"/auth/keys/{secret}/rotate", json={}, headers=both)
        drive.ask("PATCH", f"/auth/users/{secret}", json={"active": False}, headers=both)
        drive.ask("GET", "/auth/me", headers={"Authorization": f"Basic {secret}"})
        drive.ask("GET", "/auth/me", headers={"X-Request-ID": secret, "Cookie": f"token={secret}"})
        drive.ask("GET", "/auth/me", headers={"X-API-Key": secret[:-1]})
        drive.ask("GET", "/auth/me", headers={"Authorization": secret, "X-Big": "a" * 40_000})
        drive.ask("POST", "/auth/refresh", json={"refresh_token": secret * 9})
        drive.ask("POST", "/jobs", json={"kind": secret, "params": {}}, headers=both)
    for body in ({"username": PASSWORD, "password": PASSWORD}, {"username": "a", "pass": PASSWORD}):
        drive.ask("POST", "/auth/token", json=body)
    drive.ask("POST", "/auth/token", content=f'{{"password": "{PASSWORD}"')
    drive.ask("POST", "/auth/register", json={"email": PASSWORD, "password": [PASSWORD]})
    drive.ask("POST", "/auth/users", json={"name": "a b", "password": PASSWORD}, headers=both)
    change = {"current_password": PASSWORD + "x", "new_password": PASSWORD}
    drive.ask("PUT", "/auth/password", json=change, headers=both)


def speak_raw(address: str, token: str, key: str) -> list[str]:
    """Send what no client library sends; return the answers."""
    told: list[str] = []
    where = urlsplit(address)
    for line in (
        f"GET /?token={token} HTTP/9.9\r\nX-API-Key: {key}\r\n\r\n",
        f"GET /crash?said={key} HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\nX {token}\r\n\r\n",
        f"\x16\x03\x01{key}\r\n\r\n",
        f"POST /auth/token HTTP/1.1\r\nHost: a\r\nContent-Length: {PASSWORD}\r\n\r\n",
    ):
        with socket.create_connection((where.hostname, where.port or 0), timeout=5) as raw:
            raw.sendall(line.encode("latin-1"))
            raw.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                told.append(raw.recv(65_536).decode("latin-1"))
    ws = address.replace("http", "ws", 1)
    for query in (f"?token={token}", f"?token={key}", f"?token={key}x", ""):
        try:
            with connect(f"{ws}/ws/echo{query}", proxy=None) as echo:
                told.append(str(echo.recv(timeout=5)))
        except (WebSocketException, OSError, TimeoutError) as error:
            told.append(str(error))
    return told


def start_badly(folder: Path) -> list[str]:
    """Start with settings that cannot work; return what the process said."""
    told: list[str] = []
    for number, settings in enumerate(
        (
            {"AUTH__JWT_SECRET": SIGNING_KEY[:20]},
            {"REDIS__URL": f"nonsense://:{REDIS_PASSWORD}@localhost"},
            {"DATABASE__URL": f"postgresql://ann:{DATABASE_PASSWORD}@127.0.0.1:1/x"},
        )
    ):
        place = folder / str(number)
        place.mkdir()
        with pytest.raises(RuntimeError) as error, process(place, **settings):
            pass
        told.append(str(error.value))
    return told


def kept_by(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the service but the one that keeps the signing key."""
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in {"jwt-secret", "initial-api-key"}:
            yield file.name, file.read_bytes()


def found_in(text: bytes, secrets: Sequence[str]) -> list[str]:
    """Return the secrets that stand in a text, as they are or encoded."""
    return [
        secret
        for secret in secrets
        if any(
            form in text
            for form in (
                secret.encode(),
                quote(secret).encode(),
                base64.b64encode(secret.encode()),
            )
        )
    ]


@pytest.mark.integration
@pytest.mark.acceptance("P4", package="service-kit", breaks=write_secrets_as_they_are)
def test_no_secret_is_in_anything_the_service_wrote(tmp_path: Path, figure: Figure) -> None:
    folder, bad = tmp_path / "service", tmp_path / "bad"
    folder.mkdir()
    bad.mkdir()
    settings = {
        PEOPLE: "1",
        "AUTH__ENABLED": "true",
        "AUTH__JWT_SECRET": SIGNING_KEY,
        "REDIS__URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{unused_port()}/0",
    }
    with process(folder, **settings) as address, httpx.Client(base_url=address) as client:
        drive, token, key = Drive(client), "", ""
        for _ in range(ROUNDS):
            token, key = use_well(drive)
            use_badly(drive, token, key)
        drive.told += speak_raw(address, token, key)
    drive.told += start_badly(bad)
    secrets = [*drive.secrets, SIGNING_KEY, SIGNING_KEY[:20], PASSWORD]
    secrets += [REDIS_PASSWORD, DATABASE_PASSWORD]
    log = (folder / "log").read_text()
    assert log.count("request_crashed") >= 4
    assert "Traceback" in log
    assert re.search(r"rate_limits_alone", log)
    for place, text in [("answer", told.encode()) for told in drive.told] + list(kept_by(tmp_path)):
        found = found_in(text, secrets)
        around = [text[max(0, text.find(s.encode()) - 90) :][:120] for s in found]
        assert not found, f"{place}: {around}"
    figure(
        f"{drive.sent} requests, {len(secrets)} secrets: 0 in {len(drive.told)} answers, "
        f"{len(log.splitlines())} lines of log and {len(list(kept_by(folder)))} files"
    )
