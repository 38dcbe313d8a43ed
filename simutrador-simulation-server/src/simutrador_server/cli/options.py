"""Options of the venue's commands, each written once; the kit has those of every service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of keys and secrets. Default: VENUE__DATA_PATH, or ./venue.",
        show_default=False,
    ),
]
HostOption = Annotated[
    str | None, typer.Option("--host", help="Address to bind. Default: 127.0.0.1.")
]
AuthPortOption = Annotated[
    int | None,
    typer.Option("--auth-port", min=0, max=65_535, help="Sign-in. Default: 8001; 0 takes any."),
]
WsPortOption = Annotated[
    int | None,
    typer.Option("--ws-port", min=0, max=65_535, help="WebSocket. Default: 8003; 0 takes any."),
]
