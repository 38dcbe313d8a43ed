"""A service is open to this machine alone; elsewhere it has a key, or does not start."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest
from structlog.testing import capture_logs

from kit_auth import PASSWORD, quick_passwords
from simutrador_service.auth.exposure import FIRST_KEY, guard_exposure, is_loopback
from simutrador_service.auth.keys import KeyStore
from simutrador_service.auth.principal import Role
from simutrador_service.auth.private_files import load_secret
from simutrador_service.auth.users import Users
from simutrador_service.config import AuthSection, ServerSection
from simutrador_service.database import Database
from simutrador_service.errors import SettingsError


def at(host: str) -> ServerSection:
    return ServerSection(host=host)


def auth(*, enabled: bool | None = None) -> AuthSection:
    return AuthSection(enabled=enabled)


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("::ffff:192.168.1.5", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, inside: bool) -> None:
    assert is_loopback(host) is inside


def test_the_default_is_open_on_loopback_and_writes_no_key(
    sqlite: Database, tmp_path: Path
) -> None:
    keys = KeyStore(sqlite)
    assert guard_exposure(ServerSection(), AuthSection(), keys=keys, data=tmp_path).is_open
    assert not (tmp_path / FIRST_KEY).exists()
    assert keys.list_keys() == []


def test_a_key_or_a_user_closes_loopback_unless_told_otherwise(
    sqlite: Database, tmp_path: Path
) -> None:
    keys = KeyStore(sqlite)
    made = keys.create("ann", scopes=["*"])
    assert not guard_exposure(at("127.0.0.1"), auth(), keys=keys, data=tmp_path).is_open
    assert guard_exposure(at("127.0.0.1"), auth(enabled=False), keys=keys, data=tmp_path).is_open
    keys.revoke(made.kept.prefix)
    assert guard_exposure(at("127.0.0.1"), auth(), keys=keys, data=tmp_path).is_open
    Users(sqlite, passwords=quick_passwords()).create("ann", PASSWORD, role=Role.ADMIN)
    assert not guard_exposure(at("127.0.0.1"), auth(), keys=keys, data=tmp_path).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_elsewhere_a_first_key_is_written_for_its_owner_alone(
    sqlite: Database, tmp_path: Path, host: str
) -> None:
    keys, data = KeyStore(sqlite), tmp_path / "data"
    with capture_logs() as logged:
        exposure = guard_exposure(at(host), auth(), keys=keys, data=data)
    assert not exposure.is_open
    file = data / FIRST_KEY
    assert file.stat().st_mode & 0o777 == 0o600
    key = file.read_text().strip()
    assert keys.verify(key).scopes == {"*"}
    assert [entry.get("file") for entry in logged] == [str(file)]
    assert key.partition(".")[2] not in str(logged)


def test_a_second_start_writes_no_other_key(sqlite: Database, tmp_path: Path) -> None:
    keys = KeyStore(sqlite)
    for _ in range(2):
        guard_exposure(at("0.0.0.0"), auth(), keys=keys, data=tmp_path)
    assert len(keys.list_keys()) == 1


def test_processes_that_start_at_once_write_one_key(database: Database, tmp_path: Path) -> None:
    keys = KeyStore(database)

    def start() -> None:
        guard_exposure(at("0.0.0.0"), auth(), keys=keys, data=tmp_path)

    threads = [Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys.list_keys()) == 1
    assert keys.verify((tmp_path / FIRST_KEY).read_text().strip()).id == "admin"


def test_auth_switched_on_for_loopback_also_gets_its_first_key(
    sqlite: Database, tmp_path: Path
) -> None:
    keys = KeyStore(sqlite)
    assert not guard_exposure(at("::1"), auth(enabled=True), keys=keys, data=tmp_path).is_open
    assert (tmp_path / FIRST_KEY).exists()


def test_switching_auth_off_elsewhere_refuses_to_start(sqlite: Database, tmp_path: Path) -> None:
    keys = KeyStore(sqlite)
    with pytest.raises(SettingsError, match=r"AUTH__ENABLED=false.*SERVER__HOST=0\.0\.0\.0"):
        guard_exposure(at("0.0.0.0"), auth(enabled=False), keys=keys, data=tmp_path)
    with pytest.raises(SettingsError, match=r"but API__HOST=::.*set API__HOST=127\.0\.0\.1"):
        guard_exposure(at("::"), auth(enabled=False), keys=keys, data=tmp_path, section="API")
    assert keys.list_keys() == []


def test_loopback_behind_a_proxy_that_the_settings_name_counts_as_elsewhere(
    sqlite: Database, tmp_path: Path
) -> None:
    keys = KeyStore(sqlite)
    server = ServerSection(public_url="https://bars.example.com")
    with pytest.raises(SettingsError, match=r"PUBLIC_URL=https://bars\.example\.com"):
        guard_exposure(server, auth(enabled=False), keys=keys, data=tmp_path)
    assert not guard_exposure(server, auth(), keys=keys, data=tmp_path).is_open
    assert (tmp_path / FIRST_KEY).exists()
    here = ServerSection(public_url="http://localhost:9000")
    keys.revoke(keys.list_keys()[0].prefix)
    assert guard_exposure(here, auth(), keys=keys, data=tmp_path).is_open


def test_a_key_that_cannot_be_written_is_not_made(sqlite: Database, tmp_path: Path) -> None:
    keys, file = KeyStore(sqlite), tmp_path / "a file"
    file.write_text("")
    with pytest.raises(OSError, match="a file"):
        guard_exposure(at("0.0.0.0"), auth(), keys=keys, data=file)
    assert keys.list_keys() == []


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    found: list[str] = []

    def load() -> None:
        found.append(load_secret(tmp_path).get_secret_value())

    threads = [Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) >= 32
    assert [file.name for file in tmp_path.iterdir()] == ["jwt-secret"]
    assert (tmp_path / "jwt-secret").stat().st_mode & 0o777 == 0o600
