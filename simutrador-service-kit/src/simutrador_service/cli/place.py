"""Where the commands of a group look: options that stand before the command, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from simutrador_service.cli.options import ConfigOption, EnvFileOption


@dataclass
class Place:
    """What was said before the command; None where nothing was.

    Attributes:
        data: The folder of the service.
        env_file: Settings are read from it, not from `.env`.
        config: The TOML file of settings.
    """

    data: Path | None = None
    env_file: Path | None = None
    config: Path | None = None


def placed(group: typer.Typer, data_option: Any) -> Place:
    """Let a group take `--data`, `--env-file` and `--config`; return where they will stand.

    Args:
        group: What `simutrador-data keys --data DIR list` gives them to.
        data_option: `Annotated[Path | None, typer.Option("--data", ...)]`, in the service's words.
    """
    place = Place()

    def look(data: Any = None, env_file: EnvFileOption = None, config: ConfigOption = None) -> None:
        place.data, place.env_file, place.config = data, env_file, config

    look.__annotations__["data"] = data_option  # each service names its own folder
    group.callback(help=group.info.help)(look)
    return place
