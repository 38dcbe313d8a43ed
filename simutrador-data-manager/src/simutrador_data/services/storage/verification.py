"""Verify: compare everything the store holds with what its catalogue says.

A damaged or missing object is put aside, and where its rows lay is listed, to be fetched again. A
store that can only be read, or whose catalogue is damaged itself, is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from simutrador_core.errors import CorruptDataError, StoreError
from simutrador_core.interfaces.storage import Covered, Report
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.catalogue_checks import (
    check_memos,
    check_series,
    unsound_rows,
)
from simutrador_data.services.storage.contents import MIRRORS, Contents, ObjectGoneError
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.mirrors import DamagedMirrorError, Mirror, Mirrors
from simutrador_data.services.storage.quarantine import QUARANTINE, put_aside
from simutrador_data.services.storage.segment_list import (
    ObjectRef,
    SeriesRow,
    list_series,
    slices,
)
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US
from simutrador_data.services.storage.vacuum import PLACES, is_ours
from simutrador_data.services.storage.watching import Watch, nobody

_MOST_PAGE_ERRORS: Final = 10
_OBJECTS: Final = "SELECT id, path, digest, rows FROM objects WHERE place <> ? ORDER BY id"
_OBJECT: Final = "SELECT place FROM objects WHERE id = ?"


class Damage(NamedTuple):
    """What is wrong with an object, and whether putting it aside would help."""

    text: str
    is_lasting: bool


def verify(
    root: Path,
    catalogue: Catalogue,
    contents: Contents,
    mirrors: Mirrors,
    ops: FileOps,
    *,
    at_us: int,
    watch: Watch = nobody,
) -> Report:
    """Check the catalogue, every object, every series, month and mirror.

    `changed` counts what was put aside, what the catalogue kept of rows and was mended, and damaged
    mirrors: those are deleted and made again.

    Args:
        root: The store's folder.
        catalogue: Its catalogue.
        contents: Its objects.
        mirrors: Its mirrors.
        ops: The disk.
        at_us: Now, the instant of the commits that take lost rows out.
        watch: Told how many objects are checked.
    """
    found = _Found([f"{catalogue.path}: {text}" for text in _page_errors(catalogue)])
    try:
        _check_all(found, root, catalogue, contents, ops, at_us=at_us, watch=watch)
        _drop_damaged_mirrors(found, root, catalogue, mirrors, ops)
    except StoreError as e:  # of pages or words that can no longer be read
        found.problems.append(str(e))
    return Report(
        Maintenance.VERIFY,
        checked=found.checked,
        changed=found.changed,
        problems=tuple(found.problems),
        refetch=tuple(found.refetch),
    )


@dataclass(slots=True)
class _Found:
    problems: list[str]
    refetch: list[Covered] = field(default_factory=list[Covered])
    checked: int = 0
    changed: int = 0


def _check_all(
    found: _Found,
    root: Path,
    catalogue: Catalogue,
    contents: Contents,
    ops: FileOps,
    *,
    at_us: int,
    watch: Watch,
) -> None:
    may_change = not found.problems and not catalogue.read_only
    for part in (
        check_series(catalogue, may_change=may_change),
        check_memos(catalogue, contents, may_change=may_change),
    ):
        found.problems.extend(part.problems)
        found.changed += part.mended
    unsound = list(unsound_rows(catalogue))
    found.problems.extend(unsound)
    refs = _objects(catalogue)
    for done, ref in enumerate(refs):
        watch(done, len(refs))
        found.checked += 1
        damage = _damage(catalogue, contents, ref)
        if damage is None:
            continue
        lost: list[Covered] | None = None
        if may_change and not unsound and damage.is_lasting and _is_reachable(root, ref):
            lost = _put_aside(root, catalogue, ops, ref, at_us=at_us)
        if lost is not None:
            found.refetch.extend(lost)
            found.changed += 1
        found.problems.append(_problem(damage, lost))
    watch(len(refs), len(refs))
    if not unsound:
        found.problems.extend(_overlaps_of_all(catalogue))
    found.problems.extend(_foreign_files(root, ops))


def _problem(damage: Damage, lost: list[Covered] | None) -> str:
    if lost is None:
        return damage.text
    if not lost:
        return f"{damage.text}; it was put aside, only older versions read it"
    ranges = ", ".join(
        f"{one.series} from {one.start.isoformat()} until {one.end.isoformat()}" for one in lost
    )
    return f"{damage.text}; it was put aside, fetch its bars again: {ranges}"


def _is_reachable(root: Path, ref: ObjectRef) -> bool:
    """Return whether its place is there: a folder that is not mounted is no loss of its files."""
    if ref.path is None or (root / ref.path).exists():
        return True
    return (root / Path(ref.path).parts[0]).is_dir()


def _page_errors(catalogue: Catalogue) -> list[str]:
    with catalogue.read() as connection:
        rows = connection.execute(f"PRAGMA integrity_check({_MOST_PAGE_ERRORS})").fetchall()
    return [str(text) for (text,) in rows if text != "ok"]


def _objects(catalogue: Catalogue) -> list[ObjectRef]:
    with catalogue.read() as connection:
        rows = connection.execute(_OBJECTS, (QUARANTINE,))
        return [ObjectRef(*row) for row in rows]


def _damage(catalogue: Catalogue, contents: Contents, ref: ObjectRef) -> Damage | None:
    try:
        rows = contents.fresh_rows(ref)
    except ObjectGoneError as e:
        with catalogue.read() as connection:
            named = connection.execute("SELECT 1 FROM objects WHERE id = ?", (ref.id,)).fetchone()
        # otherwise vacuumed since the list was read
        return Damage(f"{e} although the catalogue names it", is_lasting=True) if named else None
    except CorruptDataError:
        text = f"{contents.name_of(ref)} does not match its checksum"
        return Damage(text, is_lasting=True)
    except DiskError as e:
        return Damage(str(e), is_lasting=False)
    if rows == ref.rows:
        return None
    text = f"{contents.name_of(ref)} holds {rows} rows, not {ref.rows}"
    return Damage(text, is_lasting=True)


def _put_aside(
    root: Path,
    catalogue: Catalogue,
    ops: FileOps,
    ref: ObjectRef,
    *,
    at_us: int,
) -> list[Covered] | None:
    """Put an object aside; return None when another process was first."""
    with catalogue.write() as connection:
        found = connection.execute(_OBJECT, (ref.id,)).fetchone()
        if found is None or found[0] == QUARANTINE:
            return None
        return put_aside(connection, root, ops, ref, at_us=at_us)


def _overlaps_of_all(catalogue: Catalogue) -> Iterator[str]:
    with catalogue.read() as connection:
        for series in list_series(connection, None):
            found = slices(connection, series, start_us=EARLIEST_US, end_us=LATEST_US + 1)
            yield from _overlaps(series, [(piece.first_us, piece.last_us) for piece in found])


def _overlaps(series: SeriesRow, bounds: list[tuple[int, int]]) -> Iterator[str]:
    for earlier, later in pairwise(bounds):
        if later[0] <= earlier[1]:
            yield f"two segments of {series.key} overlap at {later[0]} us"


def _foreign_files(root: Path, ops: FileOps) -> Iterator[str]:
    for place in PLACES:
        for path in ops.files(root / place):
            if not is_ours(path):
                yield f"{path} is no file of this store; import it, or move it elsewhere"


def _drop_damaged_mirrors(
    found: _Found, root: Path, catalogue: Catalogue, mirrors: Mirrors, ops: FileOps
) -> None:
    refs = {ref.digest: ref for ref in _objects(catalogue)}
    for path in ops.files(root / MIRRORS):
        ref = refs.get(path.stem)
        if ref is None:  # of an object that is gone: vacuum deletes it
            continue
        try:
            Mirror(path, rows=ref.rows).rows(0, ref.rows)
        except FileNotFoundError:
            continue
        except DamagedMirrorError:
            mirrors.drop(path.stem)
            found.changed += 1


__all__ = ["verify"]
