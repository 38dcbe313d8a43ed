"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to standard output.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
EnvFileOption = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="Read settings from this file, not .env."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Read settings from this TOML file."),
]
