"""A14: as installed a service is reached from this machine alone; elsewhere it is never open."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from kit_whole import FAULT, process
from simutrador_core.testing.acceptance import Figure


@contextmanager
def listen_everywhere() -> Iterator[None]:
    """Bind every address, whatever the settings say."""
    os.environ[FAULT] = "bind-everywhere"
    yield
    del os.environ[FAULT]


@contextmanager
def take_every_address_for_this_machines_own() -> Iterator[None]:
    """Believe that nobody else can reach 0.0.0.0."""
    os.environ[FAULT] = "loopback-everywhere"
    yield
    del os.environ[FAULT]


@contextmanager
def write_the_first_key_for_all() -> Iterator[None]:
    """Write a file that everybody on the machine can read."""
    os.environ[FAULT] = "key-for-all"
    yield
    del os.environ[FAULT]


def answers(host: str, address: str) -> bool:
    """Return whether something listens at this address of the machine."""
    try:
        socket.create_connection((host, urlsplit(address).port or 0), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.mark.integration
@pytest.mark.acceptance("A14", package="service-kit", breaks=listen_everywhere)
def test_as_installed_only_loopback_answers(tmp_path: Path, figure: Figure) -> None:
    with process(tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
        assert answers("127.0.0.1", address)
        # Every address 127.x.y.z is this machine's: whoever binds all of them answers here too.
        assert not answers("127.0.0.2", address)
        assert httpx.get(f"{address}/auth/keys").status_code == 200
        rebound = httpx.get(f"{address}/auth/keys", headers={"Host": "evil.example"})
        assert rebound.status_code == 421
    assert not (tmp_path / "initial-api-key").exists()
    figure("answers on 127.0.0.1 alone, open there, to no other name")


@pytest.mark.integration
@pytest.mark.acceptance(
    "A14", package="service-kit", breaks=take_every_address_for_this_machines_own
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_elsewhere_without_a_login_it_refuses_to_start(tmp_path: Path, host: str) -> None:
    with (
        pytest.raises(RuntimeError) as told,
        process(tmp_path, SERVER__HOST=host, AUTH__ENABLED="false"),
    ):
        pass
    last = str(told.value).splitlines()[-1]
    for word in ("AUTH__ENABLED=false", f"SERVER__HOST={host}", "127.0.0.1"):
        assert word in last
    assert "Traceback" not in str(told.value)


@pytest.mark.integration
@pytest.mark.acceptance("A14", package="service-kit", breaks=write_the_first_key_for_all)
def test_elsewhere_the_first_key_is_for_its_owner_alone(tmp_path: Path, figure: Figure) -> None:
    with process(tmp_path, SERVER__HOST="0.0.0.0") as address:
        here = address.replace("0.0.0.0", "127.0.0.1")
        file = tmp_path / "initial-api-key"
        assert file.stat().st_mode & 0o777 == 0o600
        key = file.read_text().strip()
        assert httpx.get(f"{here}/auth/users").status_code == 401
        assert httpx.get(f"{here}/auth/users", headers={"X-API-Key": key}).status_code == 200
    log = (tmp_path / "log").read_text()
    assert str(file) in log
    assert key.partition(".")[2] not in log
    secret = tmp_path / "jwt-secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text().strip() not in log
    figure("closed on 0.0.0.0; the first key in a file of mode 600 that the log names")
