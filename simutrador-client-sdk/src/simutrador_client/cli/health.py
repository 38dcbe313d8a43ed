"""`simutrador-client health`: is the venue there?"""

from __future__ import annotations

from typing import Annotated

import typer

from simutrador_client import one_shot
from simutrador_client.cli.options import JsonOption
from simutrador_client.cli.output import ExitCode, reporting, wait_for, write


def health(
    url: Annotated[
        str | None,
        typer.Option(
            "--url", "--ws-url", metavar="URL", help="Venue. Default: SERVER__WEBSOCKET__URL."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the venue how it is; no login needed."""
    with reporting(as_json=as_json):
        answer = wait_for(one_shot.health(url))
        shown = " ".join(f"{k}={v}" for k, v in answer.items() if v is not None)
        write(answer, as_json=as_json, show=lambda console: console.print(shown))
    if answer["status"] not in {"ok", "healthy"}:
        raise typer.Exit(ExitCode.FAILED)
