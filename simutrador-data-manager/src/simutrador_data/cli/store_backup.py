"""`simutrador-data store backup` and `restore`: a copy of everything, and a store of a copy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.progress import watching
from simutrador_data.cli.session import open_session, settings_for
from simutrador_service.cli import DebugOption, JsonOption, reporting, write


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="DIR", help="Empty folder, or one with a backup.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Copy one committed state of the store while others write; again copies only what is new."""
    with reporting(as_json=as_json, debug=debug), open_session(data) as session:
        with watching("files", "Backing up", as_json=as_json) as watch:
            made = session.store.back_up(target, made_at=datetime.now(UTC), watch=watch)
        write(
            {
                "backup": str(made.folder),
                "latest_commit": made.manifest.latest_commit,
                "state": made.manifest.state,
                "files": len(made.manifest.files),
                "copied_files": made.copied_files,
                "copied_bytes": made.copied_bytes,
            },
            as_json=as_json,
            show=lambda console: console.print(
                f"commit {made.manifest.latest_commit} is in {made.folder}: "
                f"{len(made.manifest.files):,} files, {made.copied_files:,} of them new "
                f"({made.copied_bytes / 1e6:,.1f} MB)\nstate {made.manifest.state}",
                soft_wrap=True,
            ),
        )


def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a backup.")],
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a store of a backup, in an empty folder; every byte is checked on the way."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_data.services.storage import restoring
        from simutrador_data.services.storage.file_ops import FileOps

        root = settings_for(data).data_storage.root
        with watching("files", "Restoring", as_json=as_json) as watch:
            manifest = restoring.restore(source, root, FileOps(), watch=watch)
        write(
            {
                "store": str(root),
                "latest_commit": manifest.latest_commit,
                "state": manifest.state,
                "files": len(manifest.files),
                "made_at": manifest.made_at,
            },
            as_json=as_json,
            show=lambda console: console.print(
                f"{root} is the store of {manifest.made_at}: commit {manifest.latest_commit}, "
                f"{len(manifest.files):,} files\nstate {manifest.state}",
                soft_wrap=True,
            ),
        )
