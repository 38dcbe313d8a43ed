"""What every command line shares: output, exit codes, options, and how a command starts."""

from __future__ import annotations

from simutrador_service.cli.app import command_app, run
from simutrador_service.cli.lazy import lazy_commands
from simutrador_service.cli.options import ConfigOption, DebugOption, EnvFileOption, JsonOption
from simutrador_service.cli.output import (
    ExitCode,
    fail,
    reporting,
    stderr,
    stdout,
    table,
    write,
    write_json,
)
from simutrador_service.cli.place import Place, placed

__all__ = [
    "command_app",
    "run",
    "lazy_commands",
    "Place",
    "placed",
    "ExitCode",
    "reporting",
    "fail",
    "write",
    "write_json",
    "table",
    "stdout",
    "stderr",
    "JsonOption",
    "DebugOption",
    "EnvFileOption",
    "ConfigOption",
]
