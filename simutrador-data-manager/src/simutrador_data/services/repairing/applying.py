"""Applies patches to a store and takes them back: each time a new version, nothing overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from simutrador_core.errors import ConflictError, InputError
from simutrador_core.interfaces.storage import BarStore, Change, Commit
from simutrador_core.models.bars import BarQuery, SeriesKey, from_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.repairing.log import Action, RepairLog
from simutrador_data.services.repairing.patches import Patch, Rule, Values, to_bars, values_at

_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Done:
    """One commit of repairs, and the patches in it."""

    action: Action
    commit: Commit
    patches: tuple[Patch, ...]


def apply_patches(
    store: BarStore, log: RepairLog, patches: Sequence[Patch], *, base: int, now: datetime
) -> list[Done]:
    """Write patched bars, one commit for each series and rule, with source `repair:RULE`.

    Args:
        store: Where the bars are.
        log: Takes an entry for each patch.
        patches: What to apply; each bar must stand as the patch found it.
        base: The newest commit when the patches were proposed.
        now: The instant of the entries, aware.

    Raises:
        ConflictError: a series was changed since `base`; propose again. Commits made before stay.
    """
    groups: dict[tuple[SeriesKey, Rule], list[Patch]] = {}
    for patch in patches:
        groups.setdefault((patch.series, patch.rule), []).append(patch)
    done: list[Done] = []
    for (series, rule), group in groups.items():
        ids = " ".join(patch.id for patch in group[:3])
        more = f" and {len(group) - 3} more" if len(group) > 3 else ""
        change = Change(
            [to_bars(series, group)],
            [],
            source=f"repair:{rule}",
            request=f"repair apply {ids}{more}",
            fetched_at=now,
            on_conflict=OnConflict.REPLACE,
        )
        numbers = log.begin(Action.APPLY, group, at=now)
        commit = store.commit(change, base=base)
        log.finish(numbers, commit=commit.id)
        base = max(base, commit.id)
        done.append(Done(Action.APPLY, commit, tuple(group)))
    return done


def undo_patch(
    store: BarStore, log: RepairLog, patch_id: str, *, latest: int, now: datetime
) -> Done:
    """Put back the bar that an applied patch found, as a new version with source `repair:undo`.

    Args:
        store: Where the bars are.
        log: Knows the patch, and takes an entry.
        patch_id: The id that `propose` and the log show.
        latest: The newest commit of the store, read before this call.
        now: The instant of the entry, aware.

    Raises:
        InputError: no such patch was applied, or it is undone already.
        ConflictError: the bar has changed since it was applied.
    """
    entry = log.applied(patch_id)
    if entry is None:
        raise InputError(
            f"no patch {patch_id} was applied; `simutrador-data repair log` lists those that were",
            field="id",
        )
    patch = entry.patch
    stands = _standing(store, patch)
    if stands == patch.old:
        raise InputError(f"patch {patch_id} is undone already", field="id")
    if stands != patch.new:
        what = "is gone" if stands is None else f"is {stands} now"
        raise ConflictError(
            f"patch {patch_id} is not undone: the bar of {patch.series} at "
            f"{from_us(patch.opened_at)} has changed since, it {what} and was {patch.new}; see "
            f"`simutrador-data store history {patch.series.symbol}`, and undo later repairs of it "
            "first"
        )
    change = Change(
        [to_bars(patch.series, [patch], old=True)],
        [],
        source="repair:undo",
        request=f"repair undo {patch_id}",
        fetched_at=now,
        on_conflict=OnConflict.REPLACE,
    )
    numbers = log.begin(Action.UNDO, [patch], at=now)
    commit = store.commit(change, base=latest)
    log.finish(numbers, commit=commit.id)
    return Done(Action.UNDO, commit, (patch,))


def _standing(store: BarStore, patch: Patch) -> Values | None:
    """Return the bar that stands where a patch was applied, None where there is none."""
    series, start = patch.series, from_us(patch.opened_at)
    query = BarQuery(series.symbol, series.timeframe, start, start + _MOMENT, series.adjustment)
    bars = store.read(query)
    return values_at(bars, 0) if len(bars) else None


__all__ = ["Done", "apply_patches", "undo_patch"]
