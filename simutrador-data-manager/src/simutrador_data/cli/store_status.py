"""`simutrador-data store status`: what a store consists of."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import open_session
from simutrador_service.cli import DebugOption, JsonOption, reporting, table, write

if TYPE_CHECKING:
    from simutrador_data.services.storage.status import StoreStatus


def status(
    data: DataOption = None, as_json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Show what the store consists of: versions, rows, files, and what vacuum would free."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        found = session.store.status()
        write(
            {**asdict(found), "root": str(found.root)},
            as_json=as_json,
            show=lambda console: _show(console, found),
        )


def _show(console: Console, found: StoreStatus) -> None:
    oldest = f", versions since {found.oldest_commit}" if found.oldest_commit else ""
    console.print(
        f"{found.series:,} series, {found.rows:,} bars, {found.commits:,} commits, the latest "
        f"{found.latest_commit}{oldest}; format {found.format}"
        f"{', can only be read here' if found.read_only else ''}",
        soft_wrap=True,
    )
    shown = table("", ["what", "objects", "bars", "MB"], right=["objects", "bars", "MB"])
    for name, place in (
        ("files of today's bars", found.files),
        ("blocks in the catalogue", found.blocks),
        ("rows of older versions", found.history),
        ("in quarantine", found.quarantine),
        ("for vacuum", found.unused),
    ):
        shown.add_row(name, f"{place.objects:,}", f"{place.rows:,}", _megabytes(place.bytes))
    shown.add_row("catalogue", "", "", _megabytes(found.catalogue_bytes))
    shown.add_row("mirrors", "", "", _megabytes(found.mirror_bytes))
    console.print(shown)
    console.print(f"{found.root}", soft_wrap=True)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
