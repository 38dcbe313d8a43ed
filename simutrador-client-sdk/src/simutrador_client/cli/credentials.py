"""Where a key or token comes from: a file, the environment, or an earlier `auth login`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from simutrador_client.auth import AuthClient, AuthenticationError
from simutrador_client.settings import get_settings
from simutrador_core.errors import InputError


def auth_client(server_url: str | None) -> AuthClient:
    """Return the client of a server, the configured one when None, with its kept token."""
    client = AuthClient(server_url or get_settings().auth.server_url)
    kept = _read().get(client.server_url)
    if kept is not None:
        client.keep(kept["token"], datetime.fromisoformat(kept["expires_at"]))
    return client


async def signed_in(server_url: str | None, key_file: Path | None) -> AuthClient:
    """Return a client that holds a token.

    A key that was given is traded for a token; without one the token of `auth login` is used.

    Raises:
        AuthenticationError: there is neither key nor token, or the server refuses the key.
        InputError: the file holds no key.
    """
    client = auth_client(server_url)
    key = api_key(key_file)
    if key:
        await client.login(key)
    elif not client.is_authenticated():
        raise AuthenticationError(
            "there is no API key: set SIMUTRADOR_API_KEY, give --api-key-file FILE, "
            "or run: simutrador-client auth login"
        )
    return client


def api_key(key_file: Path | None) -> str:
    """Return the key of the file, else the configured one, else an empty text."""
    if key_file is None:
        return get_settings().auth.api_key
    key = key_file.read_text(encoding="utf-8").strip()
    if not key:
        raise InputError(f"{key_file} holds no API key", field="api_key_file")
    return key


def keep_token(client: AuthClient) -> Path:
    """Write the client's token where only this user can read it, and return the file."""
    info = client.get_token_info()
    token = client.get_cached_token()
    assert info is not None
    _write({**_read(), client.server_url: {"token": token, "expires_at": info["expires_at"]}})
    return token_file()


def forget_token(client: AuthClient) -> bool:
    """Delete the kept token of the client's server; return whether there was one."""
    kept = _read()
    had = kept.pop(client.server_url, None) is not None
    if had:
        _write(kept)
    return had


def token_file() -> Path:
    """Return where tokens are kept: the user's own folder for settings."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"))
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "simutrador" / "tokens.json"


def _read() -> dict[str, Any]:
    try:
        return orjson.loads(token_file().read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}


def _write(tokens: dict[str, Any]) -> None:
    path = token_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(tokens))
    fresh.replace(path)
