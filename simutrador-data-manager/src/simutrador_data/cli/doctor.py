"""`simutrador-data doctor`: does everything this program needs work here?"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_core.errors import SimutradorError
from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import open_session, settings_for
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, write

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings

LEAST_FREE_BYTES: Final = 1_000_000_000
SERIES_READ: Final = 5


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `next_step` is empty when all is well."""

    check: str
    verdict: Verdict
    detail: str
    next_step: str = ""


def doctor(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the checksum of every stored file too.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check Python, settings, store, disk, calendars and port; each finding has a next step."""
    with reporting(as_json=as_json, debug=debug):
        found = [check_python(sys.version_info[:2])]
        try:
            settings = settings_for(data)
        except SimutradorError as e:
            step = "correct it; simutrador-data config show lists what is read"
            found.append(Finding("settings", Verdict.FAILED, str(e), step))
        else:
            found.append(Finding("settings", Verdict.OK, "every name is known"))
            found += _with_settings(settings, data, verify=verify)
        document = {"ok": not _failed(found), "checks": [asdict(one) for one in found]}
        write(document, as_json=as_json, show=lambda console: _show(console, found))
        if _failed(found):
            raise typer.Exit(ExitCode.PROBLEMS)


def check_python(version: tuple[int, ...]) -> Finding:
    """Return whether this Python is one the package is tested on."""
    text = ".".join(str(part) for part in version[:2])
    if (3, 11) <= version[:2] <= (3, 13):
        return Finding("python", Verdict.OK, text)
    return Finding("python", Verdict.FAILED, f"{text} is not supported", "use Python 3.11 to 3.13")


def check_disk(free: int, root: Path) -> Finding:
    """Return whether there is room for more bars; `free` in bytes."""
    detail = f"{free / 1e9:,.1f} GB free at {root}"
    if free >= LEAST_FREE_BYTES:
        return Finding("disk", Verdict.OK, detail)
    return Finding(
        "disk", Verdict.WARNING, detail, "free some space, or move the store with --data"
    )


def _with_settings(settings: Settings, data: Path | None, *, verify: bool) -> list[Finding]:
    root = settings.data_storage.root
    checks: dict[str, Callable[[], Finding]] = {
        "disk": lambda: check_disk(shutil.disk_usage(_existing(root)).free, root),
        "store": lambda: _check_store(root, data, verify=verify),
        "calendars": _check_calendars,
        "port": lambda: _check_port(settings),
    }
    return [_guarded(name, check) for name, check in checks.items()]


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (SimutradorError, OSError, ImportError) as e:
        return Finding(name, Verdict.FAILED, str(e), "see the message; --debug shows where")


def _check_store(root: Path, data: Path | None, *, verify: bool) -> Finding:
    from simutrador_data.services.storage.catalogue import CATALOGUE_NAME

    if not (root / CATALOGUE_NAME).is_file():
        step = "simutrador-data import FILE makes one; simutrador-data demo shows one"
        return Finding("store", Verdict.WARNING, f"there is none at {root}", step)
    from simutrador_core.models.enums import Maintenance

    with open_session(data) as session:
        held = session.store.symbols()
        detail = f"{len(held)} series, {sum(info.rows for info in held):,} bars at {root}"
        if not verify:
            return Finding("store", Verdict.OK, f"{detail}; --verify checks every file")
        report = session.store.maintain(Maintenance.VERIFY)
        if report.problems:
            text = f"{len(report.problems)} damaged: {report.problems[0]}"
            return Finding("store", Verdict.FAILED, text, "import or fetch the named range again")
        return Finding("store", Verdict.OK, f"{detail}; {report.checked} files verified")


def _check_calendars() -> Finding:
    from datetime import date

    from simutrador_core.sessions.exchange import get_calendar

    calendar = get_calendar("XNYS")
    sessions = len(calendar.between(date(2024, 1, 1), date(2025, 1, 1)))
    # NYSE group holiday and early closings calendar for 2024: 252 trading days.
    if sessions == 252:
        return Finding(
            "calendars", Verdict.OK, f"XNYS known from {calendar.start} to {calendar.end}"
        )
    detail = f"XNYS has {sessions} sessions in 2024, the exchange had 252"
    return Finding("calendars", Verdict.FAILED, detail, "reinstall simutrador-core")


def _check_port(settings: Settings) -> Finding:
    from simutrador_data.cli.serve import check_port
    from simutrador_service.web.serving import PortTakenError

    place = f"{settings.api.host}:{settings.api.port}"
    try:
        check_port(settings)
    except PortTakenError as e:
        return Finding("port", Verdict.WARNING, f"{place} is taken", str(e).partition("; ")[2])
    return Finding("port", Verdict.OK, f"{place} is free")


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _failed(found: list[Finding]) -> bool:
    return any(one.verdict is Verdict.FAILED for one in found)


def _show(console: Console, found: list[Finding]) -> None:
    colours = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "red"}
    for one in found:
        mark = f"[{colours[one.verdict]}]{one.verdict:8}[/]"
        console.print(f"{mark}{one.check:10}{escape(one.detail)}", soft_wrap=True)
        if one.next_step:
            console.print(f"{'':18}-> {escape(one.next_step)}", soft_wrap=True)
