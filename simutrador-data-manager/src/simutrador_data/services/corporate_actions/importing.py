"""Reading corporate actions from files into a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from simutrador_core.adjusting.companies import Companies, Company
from simutrador_core.errors import ImportFileError, InputError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.corporate_actions.action_rows import csv_actions, json_actions
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.lean_files import (
    UNTIL_NOW,
    factor_actions,
    map_actions,
    parse_day,
)
from simutrador_data.services.corporate_actions.records import ActionChange, ActionCommit, Asked

PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})
_DAY = timedelta(days=1)
_FORTNIGHT = timedelta(days=14)


class ActionFormat(StrEnum):
    """What a file of corporate actions looks like."""

    CSV = "csv"
    JSON = "json"
    LEAN_FACTORS = "lean-factors"
    LEAN_MAP = "lean-map"


@dataclass(frozen=True, slots=True)
class ActionFile:
    """A file to import, and how.

    Attributes:
        path: Where it is.
        format: What it looks like; None looks into it.
        symbol: Whose actions they are where the file does not say; a factor file's name says it.
        settles: The file says all there is of its symbols and kinds in effect in `[start, end)`;
            None lets recorded actions that it does not name stand.
    """

    path: Path
    format: ActionFormat | None = None
    symbol: str | None = None
    settles: tuple[date, date] | None = None


def import_actions(
    file: ActionFile,
    store: ActionStore,
    *,
    calendar: Callable[[str], Calendar],
    now: datetime,
) -> ActionCommit:
    """Record the actions of a file in one commit.

    A factor file of Lean speaks of a company under its last symbol: its actions are recorded under
    the symbol of their day where the renames were recorded before.

    Raises:
        ImportFileError: the file cannot be understood, or holds no action; nothing was recorded.
        OSError: it cannot be read.
    """
    data = file.path.read_bytes()
    try:
        change = _change(file, data, store, calendar, now)
    except (InputError, UnicodeDecodeError) as e:
        raise ImportFileError(f"{e}", path=str(file.path)) from e
    return store.commit(change)


def detect_format(path: Path, data: bytes) -> ActionFormat:
    """Return what a file looks like: by its name for JSON, else by its first line."""
    if path.suffix.lower() == ".json" or data.lstrip()[:1] in {b"[", b"{"}:
        return ActionFormat.JSON
    fields = data.lstrip().partition(b"\n")[0].split(b",")
    if not fields[0].strip().isdigit():
        return ActionFormat.CSV
    return ActionFormat.LEAN_MAP if len(fields) < 4 else ActionFormat.LEAN_FACTORS


def _change(
    file: ActionFile,
    data: bytes,
    store: ActionStore,
    calendar: Callable[[str], Calendar],
    now: datetime,
) -> ActionChange:
    kind = file.format or detect_format(file.path, data)
    asked: list[Asked] = []
    if kind is ActionFormat.LEAN_FACTORS:
        name = parse_symbol(file.symbol or file.path.stem)
        actions, asked = _factors(data, name, store, calendar, now)
    elif kind is ActionFormat.LEAN_MAP:
        actions = map_actions(_rows(data), next_session=_sessions(calendar, "SPY"))
    elif kind is ActionFormat.JSON:
        actions = json_actions(data, symbol=file.symbol)
    else:
        actions = csv_actions(data.decode("utf-8-sig"), symbol=file.symbol)
    if file.settles is not None:
        kinds = frozenset(action.kind for action in actions)
        symbols = sorted({action.symbol for action in actions})
        asked = [Asked(symbol, kinds, *file.settles) for symbol in symbols]
    if not actions and not asked:
        raise InputError("it holds no corporate action")
    return ActionChange(actions, f"file:{file.path.name}", f"import {kind}", now, asked)


def _factors(
    data: bytes,
    name: str,
    store: ActionStore,
    calendar: Callable[[str], Calendar],
    now: datetime,
) -> tuple[list[CorporateAction], list[Asked]]:
    rows = _rows(data)
    first, last = parse_day(rows[0]), parse_day(rows[-1])
    company = _last_named(name, Companies(store.namings()))

    def symbol_on(day: date) -> str:
        return next((tenure.symbol for tenure in company if tenure.holds(day)), name)

    actions = factor_actions(rows, symbol_on=symbol_on, next_session=_sessions(calendar, name))
    past = now.date() + _DAY if last >= UNTIL_NOW else last + _DAY
    asked = [
        Asked(
            tenure.symbol, PRICED, max(first, tenure.start or first), min(past, tenure.end or past)
        )
        for tenure in company
    ]
    return actions, [one for one in asked if one.start < one.end]


def _last_named(name: str, companies: Companies) -> Company:
    """Return the company whose last name it is; of several the one with most names, or newest."""
    found = [companies.company_with(tenure) for tenure in companies.tenures_of(name)]
    ending = [company for company in found if company[-1].symbol == name]
    return max(reversed(ending), key=len)


def _sessions(calendar: Callable[[str], Calendar], symbol: str) -> Callable[[date], date]:
    known = calendar(symbol)

    def next_session(day: date) -> date:
        start = max(day + _DAY, known.start)
        if start >= known.end:
            return day + _DAY
        coming = known.between(start, min(start + _FORTNIGHT, known.end)).sessions
        return coming[0].item() if len(coming) else day + _DAY

    return next_session


def _rows(data: bytes) -> list[list[str]]:
    lines = [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    if not lines:
        raise InputError("it is empty")
    return [line.split(",") for line in lines]


__all__ = ["ActionFile", "ActionFormat", "detect_format", "import_actions"]
