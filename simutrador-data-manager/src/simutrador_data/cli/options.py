"""Options of the data manager's commands, each written once; the kit has those of every service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the store. Default: DATA_STORAGE__BASE_PATH, or ./storage.",
        show_default=False,
    ),
]
TimeframeOption = Annotated[
    str | None,
    typer.Option(
        "--timeframe", "-t", metavar="TF", help="1min 5min 15min 30min 1h 2h 4h daily 1w 1mo."
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", metavar="DATE", help="First trading day or instant: 2013-01-02."),
]
EndOption = Annotated[
    str | None,
    typer.Option("--end", metavar="DATE", help="First trading day or instant no longer wanted."),
]
AdjustmentOption = Annotated[
    str | None,
    typer.Option("--adjustment", metavar="raw|split|total", help="What prices are corrected for."),
]
ActionsAsOfOption = Annotated[
    str | None,
    typer.Option(
        "--actions-as-of",
        metavar="DATE",
        help="Adjust by the corporate actions in effect and known on that date.",
    ),
]
SymbolsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SYMBOL]...", help="Symbols. Default: all.", show_default=False),
]
JunitOption = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write a JUnit report for a CI service here too."),
]
