"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to standard output.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ServerUrlOption = Annotated[
    str | None,
    typer.Option(
        "--server-url", metavar="URL", help="Auth service. Default: AUTH__SERVER_URL, or port 8001."
    ),
]
WsUrlOption = Annotated[
    str | None,
    typer.Option(
        "--ws-url", metavar="URL", help="Venue. Default: SERVER__WEBSOCKET__URL, or port 8003."
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        help="File that holds the API key. Default: AUTH__API_KEY or SIMUTRADOR_API_KEY, also "
        "from the project's .env; else the token of `auth login`.",
    ),
]
