"""Which column of a file is what: from header names, the user's word, or the usual order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from simutrador_core.errors import ImportFileError
from simutrador_data.services.data_providers.files.model import NotBarsError

ABSENT: Final = "none"
"""What stands for a column that the file does not have, in the user's column names."""


class Role(StrEnum):
    """What a column holds."""

    TIME = "time"
    CLOCK = "clock"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    VOLUME = "volume"
    ADJ_OPEN = "adj_open"
    ADJ_HIGH = "adj_high"
    ADJ_LOW = "adj_low"
    ADJ_CLOSE = "adj_close"
    ADJ_VOLUME = "adj_volume"
    SYMBOL = "symbol"


PRICES: Final = (Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE)
REQUIRED: Final = (Role.TIME, *PRICES, Role.VOLUME)

_TIMES: Final = (
    *("unix", "unixtimestamp", "epoch", "openedat", "timestamp", "datetime", "opentime"),
    *("datetimeutc", "gmttime", "timeutc", "utctime", "dateutc", "localtime", "dateandtime"),
    *("date", "tradedate", "tradingday", "day", "dt", "time", "ts", "t", "index"),
)
_NAMES: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.OPEN: ("open", "o", "openprice", "opening", "op"),
    Role.HIGH: ("high", "h", "highprice", "max", "hi"),
    Role.LOW: ("low", "l", "lowprice", "min", "lo"),
    Role.CLOSE: ("close", "c", "closeprice", "closing", "last", "closelast", "cl", "price"),
    Role.VOLUME: ("volume", "v", "vol", "tradedvolume", "totalvolume", "tickvol", "tickvolume"),
    Role.ADJ_OPEN: ("adjopen", "adjustedopen"),
    Role.ADJ_HIGH: ("adjhigh", "adjustedhigh"),
    Role.ADJ_LOW: ("adjlow", "adjustedlow"),
    Role.ADJ_CLOSE: ("adjclose", "adjustedclose", "closeadj", "adj"),
    Role.ADJ_VOLUME: ("adjvolume", "adjustedvolume"),
    Role.SYMBOL: ("symbol", "ticker", "tic", "sym", "stock", "instrument", "name"),
}
_KNOWN: Final = frozenset({name for names in _NAMES.values() for name in names} | set(_TIMES))


def plain(name: str) -> str:
    """Return a header name without case, blanks, signs and leading numbers: `2. high` is `high`."""
    return re.sub(r"^\d+", "", re.sub(r"[^a-z0-9]", "", name.lower()))


def is_header(cells: Sequence[str]) -> bool:
    """Return whether a line names columns: at least three names that bars files use."""
    return sum(plain(cell) in _KNOWN for cell in cells) >= 3


def find_roles(
    header: Sequence[str], given: Mapping[str, str] | None, *, path: str
) -> dict[Role, int]:
    """Return the position of each role's column, from a header and what the user said.

    Raises:
        ImportFileError: a required column is absent, or the user names one there is not.
    """
    names = [plain(name) for name in header]
    roles = _by_name(names)
    for role, column in _given(given, path=path).items():
        roles.pop(role, None)
        if column.lower() != ABSENT:
            roles[role] = _position(column, header, path=path)
    require(roles, header, given, path=path)
    return roles


def _by_name(names: Sequence[str]) -> dict[Role, int]:
    roles: dict[Role, int] = {}
    for role, spellings in _NAMES.items():
        at = next((names.index(s) for s in spellings if s in names), None)
        if at is not None:
            roles[role] = at
    at = next((names.index(s) for s in _TIMES if s in names), None)
    if at is not None:
        roles[Role.TIME] = at
        if names[at] in ("date", "tradedate", "day", "dt") and "time" in names:
            roles[Role.CLOCK] = names.index("time")
    return roles


def usual_order(width: int, *, has_clock: bool) -> dict[Role, int] | None:
    """Return the roles of a file without header by its number of columns, or None.

    Time, open, high, low, close, volume; or date, time of day and the same. A twelve-column file
    of numbers is an exchange's kline export, which begins with the same six.
    """
    start = 2 if has_clock else 1
    if width not in (start + 4, start + 5, start + 6, 12):
        return None
    roles = {Role.TIME: 0}
    if has_clock:
        roles[Role.CLOCK] = 1
    values = enumerate((*PRICES, Role.VOLUME), start=start)
    return roles | {role: at for at, role in values if at < width}


def given_roles(given: Mapping[str, str] | None, width: int, *, path: str) -> dict[Role, int]:
    """Return the roles the user gave for a file without header, by 1-based position.

    Raises:
        ImportFileError: a role is unknown, or a position is not a number from 1 to `width`.
    """
    header = [str(at) for at in range(1, width + 1)]
    return {
        role: _position(column, header, path=path)
        for role, column in _given(given, path=path).items()
        if column.lower() != ABSENT
    }


def require(
    roles: Mapping[Role, int],
    header: Sequence[str],
    given: Mapping[str, str] | None,
    *,
    path: str,
) -> None:
    """Check that every column that bars need is there.

    Raises:
        ImportFileError: one is absent; the text names it, what there is, and what to do.
        NotBarsError: so many are absent that the file holds something else.
    """
    waived = {role for role, column in _given(given, path=path).items() if column.lower() == ABSENT}
    absent = [role for role in REQUIRED if role not in roles and role not in waived]
    if not absent:
        return
    there = ", ".join(header[:20])
    if len([role for role in PRICES if role in absent]) >= 3:
        raise NotBarsError(
            f"this does not look like bars: no columns for {', '.join(absent)} among {there}; "
            "if it is bars, name the columns, for instance open=2,high=3,low=4,close=5",
            path=path,
        )
    names = " and ".join(absent)
    hint = f"name it, for instance {absent[0]}=COLUMN"
    if Role.VOLUME in absent:
        hint += ", or say volume=none when the file has none (then volume is 0)"
    raise ImportFileError(
        f"column {names} is missing; there are {there}; {hint} with --columns", path=path
    )


def _given(given: Mapping[str, str] | None, *, path: str) -> dict[Role, str]:
    found: dict[Role, str] = {}
    for name, column in (given or {}).items():
        try:
            found[Role(name.lower())] = column
        except ValueError:
            known = ", ".join(Role)
            raise ImportFileError(
                f"{name!r} is no column role; use one of {known}", path=path
            ) from None
    return found


def _position(column: str, header: Sequence[str], *, path: str) -> int:
    wanted = column.strip().lower()
    for at, name in enumerate(header):
        if name.strip().lower() == wanted:
            return at
    if column.isdigit() and 1 <= int(column) <= len(header):
        return int(column) - 1
    raise ImportFileError(
        f"there is no column {column!r}; there are {', '.join(header[:20])}", path=path
    )
