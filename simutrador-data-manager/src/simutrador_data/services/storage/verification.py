"""Verify: compare everything the store holds with what its catalogue says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from simutrador_core.errors import CorruptDataError
from simutrador_core.interfaces.storage import Report
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import MIRRORS, Contents, ObjectGoneError
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.mirrors import DamagedMirrorError, Mirror, Mirrors
from simutrador_data.services.storage.reading import lost
from simutrador_data.services.storage.segment_list import (
    ObjectRef,
    SeriesRow,
    list_series,
    slices,
)
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US
from simutrador_data.services.storage.vacuum import PLACES, is_ours

_MOST_PAGE_ERRORS: Final = 10


def verify(
    root: Path, catalogue: Catalogue, contents: Contents, mirrors: Mirrors, ops: FileOps
) -> Report:
    """Check the catalogue, every object, every series and every mirror.

    Damaged mirrors are deleted (`changed`), they are made again; anything else is a problem.
    """
    problems = [f"{catalogue.path}: {text}" for text in _page_errors(catalogue)]
    refs = _objects(catalogue)
    for ref in refs:
        problems.extend(_object_errors(catalogue, contents, ref))
    problems.extend(_series_errors(catalogue))
    problems.extend(_foreign_files(root, ops))
    dropped = _drop_damaged_mirrors(root, mirrors, ops, {ref.digest: ref for ref in refs})
    return Report(Maintenance.VERIFY, checked=len(refs), changed=dropped, problems=tuple(problems))


def _page_errors(catalogue: Catalogue) -> list[str]:
    with catalogue.read() as connection:
        rows = connection.execute(f"PRAGMA integrity_check({_MOST_PAGE_ERRORS})").fetchall()
    return [str(text) for (text,) in rows if text != "ok"]


def _objects(catalogue: Catalogue) -> list[ObjectRef]:
    with catalogue.read() as connection:
        rows = connection.execute("SELECT id, path, digest, rows FROM objects ORDER BY id")
        return [ObjectRef(*row) for row in rows]


def _object_errors(catalogue: Catalogue, contents: Contents, ref: ObjectRef) -> list[str]:
    try:
        rows = contents.fresh_rows(ref)
    except ObjectGoneError as e:
        with catalogue.read() as connection:
            named = connection.execute("SELECT 1 FROM objects WHERE id = ?", (ref.id,)).fetchone()
        return [str(lost(e))] if named else []  # otherwise vacuumed since the list was read
    except CorruptDataError as e:
        return [str(e)]
    return (
        [] if rows == ref.rows else [f"{contents.name_of(ref)} holds {rows} rows, not {ref.rows}"]
    )


def _series_errors(catalogue: Catalogue) -> Iterator[str]:
    with catalogue.read() as connection:
        for series in list_series(connection, None):
            found = slices(connection, series, start_us=EARLIEST_US, end_us=LATEST_US + 1)
            rows = sum(piece.rows for piece in found)
            if rows != series.rows:
                yield f"{series.key} lists {rows} rows but counts {series.rows}"
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
    root: Path, mirrors: Mirrors, ops: FileOps, refs: dict[str, ObjectRef]
) -> int:
    dropped = 0
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
            dropped += 1
    return dropped


__all__ = ["verify"]
