"""What pandas-market-calendars says, recorded for this release: read without it and pandas.

`data/sessions.zip` holds every calendar the library can compute over our known ranges, before our
corrections. So a process that asks when an exchange trades needs neither the second nor the 60 MB
that importing the library takes, and one release gives the same sessions whichever version of the
library stands beside it. `scripts/record_sessions.py` writes the file; a test compares both.

Each calendar is a pair of members: `N.json` (range, zone, names of days) and `N.i32`, int32 little
endian of shape (5, n): days since the session before, then open, close, break start and break end
in minutes since midnight UTC of the session's date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simutrador_core.models.bars import D64
from simutrador_core.sessions.calendar import MINUTE_US, Schedule
from simutrador_core.sessions.draft import Draft

FILE: Final = files("simutrador_core.sessions") / "data" / "sessions.zip"

_DAY_MINUTES: Final = 24 * 60
_INDEX: Final = "index.json"
_WRITTEN_AT: Final = (1980, 1, 1, 0, 0, 0)  # the same calendars give the same file


def recorded_names() -> list[str]:
    """Return the names of the recorded calendars, as the library spells them."""
    return list(_index()["names"])


def recorded_with() -> Mapping[str, str]:
    """Return the versions of the libraries that were asked, by distribution."""
    return dict(_index()["libraries"])


def find_recorded(name: str, start: date, end: date) -> Draft | None:
    """Return the library's sessions dated in `[start, end)`, None where that is not recorded."""
    number = _index()["names"].get(name)
    if number is None:
        return None
    with as_file(FILE) as path, ZipFile(path) as book:
        about = json.loads(book.read(f"{number}.json"))
        if (about["start"], about["end"]) != (start.isoformat(), end.isoformat()):
            return None
        table = np.frombuffer(book.read(f"{number}.i32"), dtype="<i4").reshape(5, -1)
    return Draft(
        ZoneInfo(about["zone"]),
        _to_schedule(table),
        _to_names(about["closures"]),
        _to_names(about["early_closes"]),
    )


def pack(drafts: Mapping[str, tuple[date, date, Draft]], *, libraries: Mapping[str, str]) -> bytes:
    """Return the file that `find_recorded` reads; calendars that are the same are kept once.

    Args:
        drafts: First date, first date left out and the sessions between, by name.
        libraries: The versions of what was asked, by distribution.

    Raises:
        ValueError: a session opens or closes within a minute.
    """
    numbers: dict[tuple[str, bytes], int] = {}
    names: dict[str, int] = {}
    for name, (start, end, draft) in drafts.items():
        about = {
            "start": start.isoformat(),
            "end": end.isoformat(),
            "zone": str(draft.zone),
            "closures": _to_texts(draft.closures),
            "early_closes": _to_texts(draft.early_closes),
        }
        content = json.dumps(about, indent=0), _to_table(name, draft.schedule).tobytes()
        names[name] = numbers.setdefault(content, len(numbers))
    index = json.dumps({"libraries": dict(libraries), "names": names}, indent=0)
    members = {_INDEX: index.encode()}
    for (about, table), number in numbers.items():
        members |= {f"{number}.json": about.encode(), f"{number}.i32": table}
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as book:
        for member, content in members.items():
            place = ZipInfo(member, _WRITTEN_AT)
            place.compress_type = ZIP_DEFLATED
            book.writestr(place, content, compresslevel=9)
    return made.getvalue()


@lru_cache(maxsize=1)
def _index() -> Mapping[str, Any]:
    with as_file(FILE) as path, ZipFile(path) as book:
        return json.loads(book.read(_INDEX))


def _to_table(name: str, plan: Schedule) -> NDArray[np.int32]:
    days = plan.sessions.astype(np.int64)
    rows = [np.diff(days, prepend=0)]
    for column in (plan.opens, plan.closes, plan.breaks_start, plan.breaks_end):
        minutes, rest = np.divmod(column, MINUTE_US)
        if rest.any():
            raise ValueError(f"{name} has a session that opens or closes within a minute")
        rows.append(minutes - days * _DAY_MINUTES)
    return np.stack(rows).astype("<i4")


def _to_schedule(table: NDArray[np.int32]) -> Schedule:
    days = np.cumsum(table[0], dtype=np.int64)
    sessions: D64 = days.astype("datetime64[D]")
    columns = (table[1:].astype(np.int64) + days * _DAY_MINUTES) * MINUTE_US
    return Schedule(sessions, *(column.copy() for column in columns))


def _to_texts(names: Mapping[date, str]) -> dict[str, str]:
    return {day.isoformat(): name for day, name in names.items()}


def _to_names(texts: Mapping[str, str]) -> dict[date, str]:
    return {date.fromisoformat(day): name for day, name in texts.items()}
