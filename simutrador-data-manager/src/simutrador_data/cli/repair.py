"""`simutrador-data repair`: errors in daily bars, proposed as patches, applied and undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_data.cli.options import DataOption, SymbolsArgument
from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import Session, adjusting_bars, open_session
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_core.models.bars import SeriesKey
    from simutrador_data.services.repairing.applying import Done
    from simutrador_data.services.repairing.log import Entry
    from simutrador_data.services.repairing.patches import Patch

repair = typer.Typer(
    help="Errors in daily bars: propose patches, apply them as a new version, undo one by one.",
    no_args_is_help=True,
)

_COLUMNS = ["id", "series", "session", "rule", "close", "becomes", "columns", "evidence"]
_SHOWN = 50


@repair.command()
def propose(
    symbols: SymbolsArgument = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Look for errors and show what would mend them; exit code 1 when there are any."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_data.services.repairing.documents import patch_document

        found = _proposed(session, symbols)
        write(
            {"patches": [patch_document(patch) for patch in found]},
            as_json=as_json,
            show=lambda console: _show_patches(console, found, "proposed"),
        )
        if found:
            raise typer.Exit(ExitCode.PROBLEMS)


@repair.command()
def apply(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Whose bars.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this patch; repeatable. Default: all proposed."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write what is proposed as a new version; what stood there stays readable."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from datetime import UTC, datetime

        from simutrador_data.services.repairing.applying import apply_patches
        from simutrador_data.services.repairing.log import RepairLog

        base = session.store.latest_commit()
        patches = _chosen(_proposed(session, symbols), only)
        log, now = RepairLog(session.root), datetime.now(UTC)
        _write_done(apply_patches(session.store, log, patches, base=base, now=now), as_json)


@repair.command()
def undo(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Patches; see repair log.")],
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Put the old bars back as a new version; refused where a bar has changed since."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from datetime import UTC, datetime

        from simutrador_data.services.repairing.applying import undo_patch
        from simutrador_data.services.repairing.log import RepairLog

        log, store = RepairLog(session.root), session.store
        done = [
            undo_patch(store, log, one, latest=store.latest_commit(), now=datetime.now(UTC))
            for one in ids
        ]
        _write_done(done, as_json)


@repair.command("log")
def show_log(
    symbol: Annotated[
        str | None, typer.Argument(metavar="[SYMBOL]", help="Whose. Default: all.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List what was applied and undone, oldest first."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        from simutrador_core.utils.validation import parse_symbol
        from simutrador_data.services.repairing.documents import entry_document
        from simutrador_data.services.repairing.log import RepairLog

        name = None if symbol is None else parse_symbol(symbol)
        entries = RepairLog(session.root).entries(name)
        write(
            {"entries": [entry_document(entry) for entry in entries]},
            as_json=as_json,
            show=lambda console: _show_log(console, entries),
        )


def _proposed(session: Session, symbols: list[str] | None) -> list[Patch]:
    from simutrador_data.services.repairing.proposing import propose_for

    keys = _daily_series(session, symbols)
    found: list[Patch] = []
    waiting = progress()
    waiting.start(len(keys), "series", "Looking for errors")
    with adjusting_bars(session) as adjusted:
        try:
            for done, key in enumerate(keys):
                waiting.advance(done, str(key))
                found += propose_for(session.store, adjusted.recorded, key)
        finally:
            waiting.finish()
    return found


def _daily_series(session: Session, symbols: list[str] | None) -> list[SeriesKey]:
    """Return the stored daily series of symbols, raw and adjusted; of all where none is given."""
    from simutrador_core.models.bars import SeriesKey
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.utils.validation import parse_symbol
    from simutrador_data.services.serving.reading import explain_unknown

    held = [info.series for info in session.store.symbols(Timeframe.DAILY)]
    if not symbols:
        return held
    names = list(dict.fromkeys(parse_symbol(symbol) for symbol in symbols))
    for name in names:
        if not any(key.symbol == name for key in held):
            raise explain_unknown(session.store, SeriesKey(name, Timeframe.DAILY))
    return [key for name in names for key in held if key.symbol == name]


def _chosen(patches: list[Patch], only: list[str] | None) -> list[Patch]:
    from simutrador_core.errors import InputError

    if only is None:
        return patches
    known = {patch.id for patch in patches}
    for one in only:
        if one not in known:
            raise InputError(
                f"patch {one} is not proposed for these symbols; `simutrador-data repair propose` "
                "lists those that are",
                field="only",
            )
    return [patch for patch in patches if patch.id in only]


def _write_done(done: list[Done], as_json: bool) -> None:
    from simutrador_data.services.repairing.documents import done_document

    def show(console: Console) -> None:
        for one in done:
            _show_patches(console, one.patches, f"in commit {one.commit.id} ({one.commit.source})")
        if not done:
            console.print("nothing to repair")

    write({"commits": [done_document(one) for one in done]}, as_json=as_json, show=show)


def _show_patches(console: Console, patches: Iterable[Patch], what: str) -> None:
    rows = list(patches)
    if rows:
        shown = table("", _COLUMNS, right=["close", "becomes"])
        for patch in rows[:_SHOWN]:
            shown.add_row(*_row(patch))
        console.print(shown)
    left = f", {len(rows) - _SHOWN:,} not shown; --json holds all" if len(rows) > _SHOWN else ""
    console.print(f"{len(rows):,} patches {what}{left}")


def _show_log(console: Console, entries: list[Entry]) -> None:
    shown = table("", ["at", "what", "commit", *_COLUMNS[:-1]], right=["commit"])
    for entry in entries:
        commit = "interrupted" if entry.commit is None else f"{entry.commit}"
        at = f"{entry.at:%Y-%m-%d %H:%M}"
        shown.add_row(at, str(entry.action), commit, *_row(entry.patch)[:-1])
    console.print(shown)


def _row(patch: Patch) -> tuple[str, ...]:
    return (
        patch.id,
        escape(str(patch.series)),
        "" if patch.session is None else f"{patch.session}",
        str(patch.rule),
        f"{patch.old[3]:.6g}",
        f"{patch.new[3]:.6g}",
        ", ".join(patch.columns),
        escape(patch.evidence),
    )
