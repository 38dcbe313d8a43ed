"""What is wrong with a Redis server, told from what redis-py raises; and what to change."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from simutrador_service.errors import UnavailableError


class RedisTrouble(StrEnum):
    """Why Redis did not do what was asked."""

    SILENT = "silent"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    READ_ONLY = "read_only"
    FULL = "full"
    DISK = "disk"
    STARTING = "starting"
    CROWDED = "crowded"


class RedisUnavailableError(UnavailableError):
    """Redis does not answer or refuses; `trouble` says which."""

    def __init__(self, trouble: RedisTrouble, *, server: str) -> None:
        super().__init__(f"Redis at {server} {_SAYS[trouble]}")
        self.trouble = trouble
        self.server = server


_SAYS: Final = {
    RedisTrouble.SILENT: "does not answer; start it, or correct REDIS__URL",
    RedisTrouble.LOGIN: "refused the user or password; correct them in REDIS__URL",
    RedisTrouble.FORBIDDEN: (
        "forbids this command to the user of REDIS__URL; allow it with ACL SETUSER, or name "
        "another user"
    ),
    RedisTrouble.READ_ONLY: (
        "refuses writes: it is a read-only replica; name its primary in REDIS__URL"
    ),
    RedisTrouble.FULL: (
        "refuses writes: its memory is full; raise its maxmemory, or set a maxmemory-policy"
    ),
    RedisTrouble.DISK: (
        "refuses writes: it cannot save to its disk; free space in its folder, or set "
        "stop-writes-on-bgsave-error no there"
    ),
    RedisTrouble.STARTING: "is still loading its data; wait, nothing needs to be changed",
    RedisTrouble.CROWDED: "has no connection left; raise its maxclients",
}
# Class names of redis-py first, where it has one; else the word a server's refusal begins with.
_CLASSES: Final = (
    ("OutOfMemoryError", RedisTrouble.FULL),
    ("ReadOnlyError", RedisTrouble.READ_ONLY),
    ("NoPermissionError", RedisTrouble.FORBIDDEN),
    ("AuthenticationError", RedisTrouble.LOGIN),
    ("AuthorizationError", RedisTrouble.LOGIN),
    ("AuthenticationWrongNumberOfArgsError", RedisTrouble.LOGIN),
    ("BusyLoadingError", RedisTrouble.STARTING),
)
_WORDS: Final = (
    ("OOM ", RedisTrouble.FULL),
    ("READONLY", RedisTrouble.READ_ONLY),
    ("NOPERM", RedisTrouble.FORBIDDEN),
    ("NOAUTH", RedisTrouble.LOGIN),
    ("WRONGPASS", RedisTrouble.LOGIN),
    ("MISCONF", RedisTrouble.DISK),
    ("NOREPLICAS", RedisTrouble.READ_ONLY),
    ("LOADING", RedisTrouble.STARTING),
    ("max number of clients", RedisTrouble.CROWDED),
)


def trouble_of(error: Exception) -> RedisTrouble | None:
    """Return what is wrong with the server, or None when the request was."""
    from redis.exceptions import ConnectionError as NoConnection
    from redis.exceptions import TimeoutError as NoAnswer

    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = str(error)
    for name, trouble in _CLASSES:
        if name in kinds:
            return trouble
    for word, trouble in _WORDS:
        if word in text:
            return trouble
    return RedisTrouble.SILENT if isinstance(error, NoConnection | NoAnswer) else None
