"""Import files of bars into the store: page by page, with progress, resumable, nothing lost.

Every page is one atomic commit that records the file's name and digest. Importing a file again
adds nothing; after a kill the next run finds what was committed and goes on. A file that cannot be
read does not stop the others, and every row that was not stored is named with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import CalendarError, ImportFileError, InputError, SimutradorError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import OnConflict
from simutrador_core.utils.validation import MAX_MAGNITUDE, parse_symbol
from simutrador_data.services.data_providers.files import (
    SUFFIXES,
    BarFile,
    Calendars,
    Description,
    ImportOptions,
    NotBarsError,
    RegistryCalendars,
    open_bar_file,
)
from simutrador_data.services.data_providers.files.folder import bar_files
from simutrador_data.services.data_providers.files.model import BLOCK_BYTES
from simutrador_data.services.data_providers.files.source import file_digest
from simutrador_data.services.data_providers.files.zones import find_zone
from simutrador_data.services.progress.progress import Progress, QuietProgress
from simutrador_data.services.workflows.import_pages import Origin, PageWriter, is_complete
from simutrador_data.services.workflows.import_report import FileReport, FileStatus, ImportReport
from simutrador_data.services.workflows.quarantine import Quarantine

HOPELESS: Final = 500_000
"""A file is given up when so many rows were read and every one was rejected."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """One file to import; `explicit` when the user named it, not its folder."""

    path: Path
    explicit: bool
    size: int


@dataclass(frozen=True, slots=True)
class _Job:
    store: BarStore
    calendars: Calendars
    options: ImportOptions
    progress: Progress
    now: datetime
    on_conflict: OnConflict
    quarantine: Path | None
    page_bytes: int


def import_files(
    paths: Iterable[Path],
    *,
    store: BarStore,
    now: datetime,
    registry: AssetRegistry | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
    on_conflict: OnConflict = OnConflict.KEEP,
    quarantine: Path | None = None,
    calendars: Calendars | None = None,
    page_bytes: int = BLOCK_BYTES,
) -> ImportReport:
    """Import files and folders of bars.

    Args:
        paths: Files, and folders whose CSV, zip and Parquet files are taken, at any depth.
        store: Where the bars go.
        now: The present instant, aware: bars that end later are not stored.
        registry: What is known of symbols; None takes what ships with the package.
        options: What the user says about the files; it holds for each of them.
        progress: Shown in bytes of the files, with the rows so far; `cancelled` is asked between
            pages.
        on_conflict: What happens where a different bar already stands. `KEEP` keeps it and the
            report counts it; `REPLACE` takes the file's, and leaves bars the file lacks alone.
        quarantine: Folder for the lists of rejected rows; None writes none.
        calendars: Where calendars come from; None asks the registry.
        page_bytes: How much text of a CSV file is one commit; a kill costs no more than that.

    Returns:
        What became of every file.

    Raises:
        ImportFileError: no file is named, or a folder holds none.
        InputError: an option is wrong by itself (symbol, zone, calendar, price scale).
    """
    job = _Job(
        store,
        calendars or RegistryCalendars(registry or AssetRegistry.default()),
        options or ImportOptions(),
        progress or QuietProgress(),
        now,
        on_conflict,
        quarantine,
        page_bytes,
    )
    check_options(job.options, job.calendars)
    given = expand(paths)
    total = sum(file.size for file in given)
    job.progress.start(total, "bytes", f"Importing {_files(len(given))}")
    reports: list[FileReport] = []
    done = 0
    try:
        for file in given:
            if job.progress.cancelled():
                message = "not begun: the import was cancelled"
                reports.append(FileReport(str(file.path), FileStatus.CANCELLED, message=message))
                continue
            reports.append(_import_one(file, job, done=done))
            done += file.size
            job.progress.advance(done)
    finally:
        job.progress.finish()
    return ImportReport(tuple(reports))


def check_options(options: ImportOptions, calendars: Calendars) -> None:
    """Refuse what is wrong by itself once, rather than with each file.

    Raises:
        InputError: the symbol, zone, calendar or price scale is none.
    """
    if options.symbol is not None:
        parse_symbol(options.symbol)
    if options.zone is not None:
        find_zone(options.zone)
    if options.calendar is not None:
        try:
            calendars.get(options.calendar)
        except CalendarError as e:
            raise InputError(str(e), field="calendar") from e
    if options.price_scale is not None and not 0 < options.price_scale <= MAX_MAGNITUDE:
        raise InputError(
            f"price scale {options.price_scale} is not above 0 and up to 1e15",
            field="price_scale",
        )


def expand(paths: Iterable[Path]) -> list[Given]:
    """Return the files that paths stand for, each once: folders give theirs, sorted by name.

    Raises:
        ImportFileError: no path is given, or a folder holds no file that could be bars.
    """
    found: dict[Path, Given] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = Given(path, True, _size(path))
            continue
        inside = list(bar_files(path))
        if not inside:
            raise ImportFileError(
                f"the folder holds no file that ends with {' '.join(SUFFIXES)}; name another",
                path=str(path),
            )
        for file in inside:
            found.setdefault(file, Given(file, False, _size(file)))
    if not found:
        raise ImportFileError("name at least one file or folder", path="import")
    return list(found.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # said again, with its cause, when the file is opened
        return 0


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _import_one(given: Given, job: _Job, *, done: int) -> FileReport:
    """Import one file; whatever is wrong with it ends in its report."""
    path = str(given.path)
    writer = PageWriter(job.store, Origin(given.path.name, "", ""), job.now, job.on_conflict)
    description = None
    try:
        file = open_bar_file(
            given.path,
            job.options,
            calendars=job.calendars,
            now=job.now,
            page_bytes=job.page_bytes,
        )
        description = file.description
        writer.origin = Origin(
            given.path.name, file_digest(given.path), job.options.digest(), description.whole
        )
        commit = is_complete(job.store, description, writer.origin)
        if commit is not None:
            message = f"already imported, by commit {commit}; nothing to add"
            return writer.report(path, FileStatus.UNCHANGED, description, message=message)
        return _read(given, file, writer, job, done=done)
    except NotBarsError as e:
        status = FileStatus.FAILED if given.explicit else FileStatus.SKIPPED
        return writer.report(path, status, description, message=str(e))
    except SimutradorError as e:
        return writer.report(path, FileStatus.FAILED, description, message=_failure(e, writer))


def _failure(error: SimutradorError, writer: PageWriter) -> str:
    if not writer.commits:
        return str(error)
    stored = f"{writer.added + writer.replaced:,} bars of earlier pages are stored"
    return f"{error}; {stored}, import again to go on"


def _read(given: Given, file: BarFile, writer: PageWriter, job: _Job, *, done: int) -> FileReport:
    path = str(given.path)
    listed = None
    if job.quarantine is not None:
        listed = Quarantine(job.quarantine, given.path.name, writer.origin.digest)
    status = FileStatus.IMPORTED
    written = None
    try:
        for page, is_last in with_last(file.pages()):
            if job.progress.cancelled():
                status = FileStatus.CANCELLED
                break
            if listed is not None:
                listed.add(page.rejected)
            writer.write(page, is_last=is_last)
            if writer.rows > HOPELESS and not writer.series:
                break
            job.progress.advance(
                done + int(given.size * page.position), f"{given.path.name}: {writer.rows:,} rows"
            )
    finally:
        if listed is not None:
            written = listed.close()
    status, message = _verdict(status, writer)
    return writer.report(path, status, file.description, message=message, quarantine=written)


def _verdict(status: FileStatus, writer: PageWriter) -> tuple[FileStatus, str]:
    """Return how a file that was read ended, and what there is to say about it."""
    if status is FileStatus.CANCELLED:
        return status, "cancelled between two pages; import again to go on"
    if not writer.series:
        worst = ", ".join(f"{n:,} {kind}" for kind, n in writer.rejected.most_common(3))
        return FileStatus.FAILED, (
            f"all {writer.rows:,} rows were rejected ({worst}); nothing was stored; "
            "check --columns, --price-scale and --calendar"
        )
    if writer.rejected or writer.kept:
        return FileStatus.PARTIAL, _losses(writer)
    if not writer.added and not writer.replaced:
        return FileStatus.UNCHANGED, "every bar stood in the store already; nothing to add"
    return FileStatus.IMPORTED, ""


def _losses(writer: PageWriter) -> str:
    parts: list[str] = []
    if writer.rejected:
        parts.append(f"{sum(writer.rejected.values()):,} rows were rejected")
    if writer.kept:
        parts.append(
            f"{writer.kept:,} bars differ from those stored, which were kept (see --on-conflict)"
        )
    return "; ".join(parts)


def with_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Yield each item and whether it is the last, reading one ahead."""
    held: Sequence[T] = ()
    for item in items:
        for earlier in held:
            yield earlier, False
        held = (item,)
    for item in held:
        yield item, True


__all__ = ["import_files", "ImportReport", "FileReport", "FileStatus", "Description", "expand"]
