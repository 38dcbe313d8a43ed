"""API keys: shown once, kept as hashes, revoked at once, never half written."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_server.auth.keys import KeyStore, KeyStoreError, write_private
from venue_fixtures import NOW


def test_key_finds_its_user_and_plan(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    key = keys.create("alice", UserPlan.FREE, now=NOW)
    found = KeyStore(tmp_path).find(key)
    assert found is not None
    assert (found.user_id, found.plan) == ("alice", UserPlan.FREE)


def test_key_has_256_random_bits_behind_its_prefix(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    made = {keys.create("alice", UserPlan.FREE, now=NOW) for _ in range(5)}
    assert len(made) == 5
    assert all(len(key.partition(".")[2]) >= 43 for key in made)


def test_file_holds_no_key_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "new")
    key = keys.create("alice", UserPlan.FREE, now=NOW)
    assert key not in keys.path.read_text()
    assert key.partition(".")[2] not in keys.path.read_text()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("change", ["", "x", " ", "\ud800"])
def test_wrong_key_finds_nobody(tmp_path: Path, change: str) -> None:
    keys = KeyStore(tmp_path)
    key = keys.create("alice", UserPlan.FREE, now=NOW)
    wrong = key[:-1] if not change else key + change
    assert keys.find(wrong) is None
    assert keys.find("") is None
    assert keys.find("sk_000000000000.x") is None


def test_revoked_key_stops_working_in_a_running_server(tmp_path: Path) -> None:
    server = KeyStore(tmp_path)
    key = server.create("alice", UserPlan.FREE, now=NOW)
    assert server.find(key) is not None
    revoked = KeyStore(tmp_path).revoke(key.partition(".")[0], now=NOW)
    assert revoked.revoked_at == "2024-06-03T12:00:00+00:00"
    assert server.find(key) is None
    assert [one.revoked_at for one in server.list()] == [revoked.revoked_at]


def test_unknown_key_cannot_be_revoked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no key 'sk_1'"):
        KeyStore(tmp_path).revoke("sk_1", now=NOW)


@pytest.mark.parametrize("user", ["", "x" * 129, "a\nb"])
def test_user_id_is_printable_and_short(tmp_path: Path, user: str) -> None:
    with pytest.raises(InputError, match="printable"):
        KeyStore(tmp_path).create(user, UserPlan.FREE, now=NOW)


@pytest.mark.parametrize("text", ["", "{}", '{"keys": [{"prefix": 1}]}', "[1]"])
def test_damaged_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    keys = KeyStore(tmp_path)
    keys.path.write_text(text)
    with pytest.raises(KeyStoreError, match=r"api-keys\.json is not a file of keys"):
        keys.find("sk_1.x")
    assert keys.path.read_text() == text


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    write_private(path, "before")
    with pytest.raises(TypeError):
        write_private(path, 5)  # pyright: ignore[reportArgumentType]
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
