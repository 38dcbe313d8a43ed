"""`KeyStore`: API keys `prefix.secret` in one file, of which only hashes are kept."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from simutrador_core.errors import InputError, SimutradorError
from simutrador_core.models.enums import UserPlan

FILE: Final = "api-keys.json"
_SECRET_BYTES: Final = 32
_NOBODY: Final = "0" * 64


class KeyStoreError(SimutradorError):
    """The file of keys cannot be used; the text names it."""

    code = "key_store"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who speaks: a user and the plan that limits them."""

    user_id: str
    plan: UserPlan


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as it is kept.

    Attributes:
        prefix: Its public half.
        sha256: Hash of the whole key, hexadecimal.
        user_id: Whose it is.
        plan: What it may do.
        created_at: ISO 8601, UTC.
        revoked_at: ISO 8601, UTC; None while it works.
    """

    prefix: str
    sha256: str
    user_id: str
    plan: UserPlan
    created_at: str
    revoked_at: str | None = None


class KeyStore:
    """The keys of a data folder; the file is read anew when it changed, so no restart is needed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def create(self, user_id: str, plan: UserPlan, *, now: datetime) -> str:
        """Make a key and return it: the only time it can be seen.

        Raises:
            InputError: the user id is empty or too long.
            KeyStoreError: the file cannot be read.
        """
        if not user_id or len(user_id) > 128 or not user_id.isprintable():
            raise InputError("a user id has 1 to 128 printable characters", field="user_id")
        prefix = f"sk_{secrets.token_hex(6)}"
        key = f"{prefix}.{secrets.token_urlsafe(_SECRET_BYTES)}"
        made = ApiKey(prefix, _hash(key), user_id, plan, now.astimezone(UTC).isoformat())
        self._save({**self._load(), prefix: made})
        return key

    def revoke(self, prefix: str, *, now: datetime) -> ApiKey:
        """Make a key useless and return what is kept of it.

        Raises:
            InputError: there is no such key.
            KeyStoreError: the file cannot be read.
        """
        keys = self._load()
        if prefix not in keys:
            raise InputError(f"no key {prefix!r}; `keys list` shows them", field="prefix")
        at = keys[prefix].revoked_at or now.astimezone(UTC).isoformat()
        revoked = replace(keys[prefix], revoked_at=at)
        self._save({**keys, prefix: revoked})
        return revoked

    def list(self) -> list[ApiKey]:
        """Return what is kept of every key, oldest first."""
        return sorted(self._load().values(), key=lambda key: key.created_at)

    def find(self, key: str) -> Principal | None:
        """Return whose key this is, or None; compared in constant time."""
        known = self._load().get(key.partition(".")[0])
        fits = hmac.compare_digest(_hash(key), known.sha256 if known else _NOBODY)
        if known is None or not fits or known.revoked_at is not None:
            return None
        return Principal(known.user_id, known.plan)

    def _load(self) -> dict[str, ApiKey]:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._keys = _parse(self.path)
            self._stamp = stamp
        return self._keys

    def _save(self, keys: dict[str, ApiKey]) -> None:
        rows = [asdict(key) for key in keys.values()]
        write_private(self.path, json.dumps({"format": 1, "keys": rows}, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _parse(path: Path) -> dict[str, ApiKey]:
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = [ApiKey(**{**row, "plan": UserPlan(row["plan"])}) for row in rows]
    except (ValueError, KeyError, TypeError) as e:
        raise KeyStoreError(f"{path} is not a file of keys; restore it or move it away") from e
    return {key.prefix: key for key in keys}


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
