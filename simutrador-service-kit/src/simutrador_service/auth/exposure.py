"""The safe default: open to this machine alone, and never open elsewhere."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from simutrador_service.auth.audit import SERVICE
from simutrador_service.auth.keys import KeyStore, no_key_works
from simutrador_service.auth.new_keys import add_key, new_key
from simutrador_service.auth.principal import EVERYTHING
from simutrador_service.auth.private_files import write_private
from simutrador_service.auth.tables import User
from simutrador_service.config import AuthSection, ServerSection
from simutrador_service.errors import SettingsError
from simutrador_service.logging.loggers import get_logger

FIRST_KEY: Final = "initial-api-key"
_OURS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who gets in.

    Attributes:
        is_open: Whether no credential is needed.
        hosts: Names by which an open service may be called, lower case, without port.
    """

    is_open: bool
    hosts: frozenset[str]


def guard_exposure(
    server: ServerSection,
    auth: AuthSection,
    *,
    keys: KeyStore,
    data: Path,
    section: str = "SERVER",
) -> Exposure:
    """Decide at the start whether a service is open.

    The address it binds decides, never where a request seems to come from: behind a proxy on this
    machine every request comes from loopback. Bound elsewhere, or reached through a proxy that the
    settings name, it is closed, and when nobody could get in, a first key that may do everything
    is written to `<data>/initial-api-key`.

    Args:
        server: Where it listens.
        auth: Whether it asks who calls.
        keys: The keys there are.
        data: Folder of the first key.
        section: What the service's settings call `server`, for the text of an error.

    Raises:
        SettingsError: others can reach it and auth is switched off.
    """
    names = _names(server)
    hosts = _OURS | {f"[{name}]" if ":" in name else name.lower() for name in names}
    refuse_open(server, auth, section=section)
    if not can_be_reached(server):
        is_open = auth.enabled is False or (auth.enabled is None and _nobody_can_log_in(keys))
        if not is_open and auth.enabled:
            write_first_key(keys, data)
        return Exposure(is_open, hosts)
    write_first_key(keys, data)
    return Exposure(is_open=False, hosts=hosts)


def refuse_open(server: ServerSection, auth: AuthSection, *, section: str = "SERVER") -> None:
    """Refuse settings by which a service that others can reach would ask nobody for a key.

    Raises:
        SettingsError: they say so; `section` is what they call `server`.
    """
    if auth.enabled is False and can_be_reached(server):
        raise SettingsError(
            f"AUTH__ENABLED=false, but {section}__HOST={server.host} {_proxied(server, section)}"
            "can be reached from other machines; leave AUTH__ENABLED out, or set "
            f"{section}__HOST=127.0.0.1 and no {section}__PUBLIC_URL",
            field="enabled",
        )


def can_be_reached(server: ServerSection) -> bool:
    """Return whether other machines reach the service: by its address, or through a proxy."""
    return not (is_loopback(server.host) and all(map(is_loopback, _names(server))))


def _names(server: ServerSection) -> set[str]:
    return {server.host, urlsplit(server.public_url or "").hostname or ""} - {""}


def _proxied(server: ServerSection, section: str) -> str:
    return f"with {section}__PUBLIC_URL={server.public_url} " if server.public_url else ""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what binds this address."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False  # a name may mean any address; so may an empty text
    inner = getattr(address, "ipv4_mapped", None)
    return (inner or address).is_loopback


def write_first_key(keys: KeyStore, data: Path) -> Path | None:
    """Write a key that may do everything, if nobody could get in without it.

    Returns:
        The file, readable by its owner alone; None where a key or a user is there already.
    """
    path, now = data / FIRST_KEY, keys.clock()
    with keys.database.write() as session:
        if not keys.database.is_sqlite:  # SQLite has one writer anyway
            session.execute(text("LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE"))
        if not (no_key_works(session, now) and _no_user(session)):
            return None
        made = new_key(
            "admin",
            scopes=[EVERYTHING],
            plan=None,
            tenant=None,
            label="made at the first start",
            lifetime=None,
            now=now,
        )
        add_key(session, made, by=SERVICE, now=now)
        session.flush()
        write_private(path, made.key + "\n")  # before the commit: a key nobody knows is no use
    _log.warning("first_key_written", file=str(path), note="keep it elsewhere, delete the file")
    return path


def _nobody_can_log_in(keys: KeyStore) -> bool:
    with keys.database.read() as session:
        return no_key_works(session, keys.clock()) and _no_user(session)


def _no_user(session: Session) -> bool:
    return session.scalar(select(User.id).where(User.active).limit(1)) is None
