"""Committing changes: plan, write the files, then make the next version of the log, or plan again.

Several changes of different series go into one Delta commit. The plans of series that nobody
touched meanwhile stay good after a lost race, with the files already written for them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from simutrador_core.errors import ConflictError, InputError, SimutradorError, StoreError
from simutrador_core.interfaces.storage import Change, Commit
from simutrador_core.models.bars import SeriesKey, from_us, to_us
from simutrador_data.services.storage.delta.events import Asked, BarCommit, Event, Touched, to_text
from simutrador_data.services.storage.delta.index import FileRef
from simutrador_data.services.storage.delta.ledger import Ledger
from simutrador_data.services.storage.delta.planning import Plan, plan_series
from simutrador_data.services.storage.delta.rows import encode
from simutrador_data.services.storage.delta.state import State
from simutrador_data.services.storage.planning import Given, given_by, with_safe_texts
from simutrador_data.services.storage.table import OPENED, Table
from simutrador_data.services.storage.writing import code_version, parts_by_year

CONFLICTS: Final = 5
"""How often a change is planned anew because others changed its series meanwhile."""
_RACES: Final = 200
_PAUSE_US, _LONGEST_PAUSE_US = 2_000, 500_000
_MOST_CHANGES: Final = 1_000
_MOST_ROWS: Final = 2_000_000


class Wish(NamedTuple):
    """A change to commit, what it says by series, and the latest commit its writer knows."""

    change: Change
    given: list[Given]
    base: int | None


@dataclass(slots=True)
class _Written:
    """A plan and the files its rows went into, as the series stood with the commit `head`."""

    plan: Plan
    head: int
    files: list[FileRef]
    source: str


@dataclass(slots=True)
class Group:
    """Wishes for one Delta commit, with the plans that are good so far."""

    wishes: list[Wish]
    plans: dict[SeriesKey, _Written] = field(default_factory=dict[SeriesKey, _Written])


def wish(change: Change, *, base: int | None = None) -> Wish:
    """Return a change checked and sorted by series.

    Raises:
        InvalidBarsError: a page is incomplete, holds NaN or infinity, or contradicts another.
        InvalidSymbolError: a symbol is empty or no text.
    """
    safe = with_safe_texts(change)
    return Wish(safe, given_by(safe), base)


def groups(wishes: Iterable[Wish]) -> Iterator[Group]:
    """Yield wishes in order, as many together as touch different series and fit into memory."""
    waiting: list[Wish] = []
    keys = set[SeriesKey]()
    rows = 0
    for one in wishes:
        touched = {given.key for given in one.given}
        size = sum(given.rows.shape[1] for given in one.given)
        if waiting and (
            keys & touched or len(waiting) >= _MOST_CHANGES or rows + size > _MOST_ROWS
        ):
            yield Group(waiting)
            waiting, keys, rows = [], set[SeriesKey](), 0
        waiting.append(one)
        keys |= touched
        rows += size
    if waiting:
        yield Group(waiting)


def write(state: State, group: Group, clock: Callable[[], datetime]) -> list[Commit]:
    """Commit a group in one Delta commit and return what each of its changes did.

    Raises:
        ConflictError: a later commit than a base touched a series, `FAIL` met a different row, or
            others changed the same series again and again.
    """
    conflicts = 0
    try:
        for race in range(_RACES):
            state.refresh()
            conflicts += _prepare(state, group, first=race == 0)
            if conflicts > CONFLICTS:
                raise ConflictError(
                    f"other writers changed {_names(group)} {conflicts} times in a row; try again"
                )
            done = _attempt(state, group, clock)
            if done is not None:
                return done
            longest = min(_PAUSE_US * 2 ** min(race, 10), _LONGEST_PAUSE_US)
            time.sleep(secrets.randbelow(longest) / 1e6)
    except (ConflictError, InputError):
        # After anything else the version may have been made all the same: files stay for vacuum.
        for written in group.plans.values():
            _discard(state, written)
        raise
    raise StoreError(f"{state.log.place.url}: other writers kept it busy; try again")


def _names(group: Group) -> str:
    return ", ".join(str(key) for key in list(group.plans)[:3])


def _prepare(state: State, group: Group, *, first: bool) -> int:
    """Plan what is not planned or no longer as planned; return 1 when others were in the way."""
    stale = 0
    for change, given, base in group.wishes:
        for part in given:
            _check_base(state.ledger, part.key, base)
            written = group.plans.get(part.key)
            if written is not None and _is_good(state, written):
                continue
            if written is not None:
                _discard(state, group.plans.pop(part.key))
                stale = 1
            head = _head(state.ledger, part.key)
            plan = plan_series(state, part, change)
            made = _Written(plan, head, [], change.source)
            group.plans[part.key] = made
            _write_files(state, made)
    return 0 if first else stale


def _check_base(ledger: Ledger, key: SeriesKey, base: int | None) -> None:
    head = _head(ledger, key)
    if base is not None and head > base:
        raise ConflictError(
            f"commit {head} changed {key} after {base}, the latest this writer knows; read again "
            "and retry"
        )


def _head(ledger: Ledger, key: SeriesKey) -> int:
    newest = ledger.newest(key)
    return newest.commit if newest else 0


def _is_good(state: State, written: _Written) -> bool:
    key = written.plan.given.key
    return (
        _head(state.ledger, key) == written.head
        and state.index.get(key, ()) == written.plan.standing
    )


def _write_files(state: State, written: _Written) -> None:
    plan = written.plan
    key = plan.given.key

    def source_of(change: int) -> str:
        return written.source if change == plan.change else state.ledger.source_of(change)

    for label, first, last in parts_by_year(plan.rows[OPENED], key):
        rows = plan.rows[:, first:last]
        written.files.append(
            write_file(state, rows, key, name=f"{label}-{plan.change:016x}", source_of=source_of)
        )


def write_file(
    state: State, rows: Table, key: SeriesKey, *, name: str, source_of: Callable[[int], str]
) -> FileRef:
    """Write stored rows as a durable file that no version names yet."""
    data = encode(rows, source_of)
    path = f"{folder_of(key)}/{name}.parquet"
    state.files.put(path, data)
    return FileRef(path, len(data), rows.shape[1], int(rows[OPENED, 0]), int(rows[OPENED, -1]))


def folder_of(key: SeriesKey) -> str:
    """Return the folder of a series' files: told apart by a hash, plain ASCII for every system."""
    digest = hashlib.sha256(key.symbol.encode()).hexdigest()[:12]
    plain = re.sub(r"[^A-Za-z0-9-]", "_", key.symbol)[:40]
    return f"{key.timeframe}/{key.adjustment}/{digest}-{plain}"


def _discard(state: State, written: _Written) -> None:
    """Delete files no version names, as far as that works; vacuum finds the rest."""
    if written.plan.change in state.ledger.changes:
        return
    for ref in written.files:
        try:
            state.files.remove(ref.path)
        except SimutradorError:
            return


def _attempt(state: State, group: Group, clock: Callable[[], datetime]) -> list[Commit] | None:
    """Return what the changes did, or None when another writer was first."""
    with state.lock:
        if not all(_is_good(state, written) for written in group.plans.values()):
            return None
        at_us = max(to_us(clock()), state.ledger.latest_us)  # a clock may be set back
        told, event = _event(state.ledger, group, at_us=at_us)
        if event == Event():
            return told
        keys = {touched.key for commit in event.commits for touched in commit.touched}
        entered = {key: written for key, written in group.plans.items() if key in keys}
        added = {key: written.files for key, written in entered.items()}
        removed = {key: list(written.plan.removed) for key, written in entered.items()}
        if state.log.commit(to_text(event), added=added, removed=removed):
            state.take_in(event, added=added, removed=removed)
            return told
        state.catch_up()
        numbers = {touched.change for commit in event.commits for touched in commit.touched}
        # The server may have made the version although its answer was lost on the way.
        return told if numbers and numbers <= state.ledger.changes.keys() else None


def _event(ledger: Ledger, group: Group, *, at_us: int) -> tuple[list[Commit], Event]:
    """Return what each change does, and the event that says so."""
    latest = ledger.latest
    told: list[Commit] = []
    commits: list[BarCommit] = []
    asked: list[Asked] = []
    for change, given, _ in group.wishes:
        plans = [group.plans[part.key].plan for part in given]
        if any(_changes_something(ledger, plan, change) for plan in plans):
            latest += 1
            commits.append(_bar_commit(plans, change, number=latest, at_us=at_us))
            told.append(commits[-1].told())
        else:
            asked.extend(_asked_again(ledger, plans, change))
            told.append(_nothing_done(plans, change, latest=latest, at_us=at_us))
    return told, Event(tuple(commits), tuple(asked))


def _changes_something(ledger: Ledger, plan: Plan, change: Change) -> bool:
    return not plan.merged.changes_nothing or any(
        ledger.is_news(plan.given.key, answer, change.source) for answer in plan.answers
    )


def _bar_commit(plans: Sequence[Plan], change: Change, *, number: int, at_us: int) -> BarCommit:
    return BarCommit(
        number,
        at_us,
        to_us(change.fetched_at),
        change.source,
        change.request,
        code_version(),
        added=sum(plan.merged.added for plan in plans),
        replaced=sum(plan.merged.replaced for plan in plans),
        removed=sum(plan.merged.removed for plan in plans),
        touched=tuple(
            Touched(plan.given.key, plan.change, plan.rows_after, plan.edges, plan.answers)
            for plan in plans
        ),
    )


def _asked_again(ledger: Ledger, plans: Sequence[Plan], change: Change) -> Iterator[Asked]:
    at = to_us(change.fetched_at)
    again = tuple(
        (plan.given.key, answer.start, answer.end)
        for plan in plans
        for answer in plan.answers
        if ledger.is_later(plan.given.key, answer, change.source, at)
    )
    if again:
        yield Asked(change.source, at, again)


def _nothing_done(plans: Sequence[Plan], change: Change, *, latest: int, at_us: int) -> Commit:
    keys = tuple(plan.given.key for plan in plans)
    return Commit(
        latest,
        from_us(at_us),
        keys,
        added=0,
        replaced=0,
        removed=0,
        no_op=True,
        source=change.source,
        request=change.request,
        code_version=code_version(),
    )


__all__ = ["Wish", "Group", "wish", "groups", "write", "write_file", "folder_of", "CONFLICTS"]
