"""`config show` and `config validate`, the same in every service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar, cast

import typer
from rich.console import Console
from rich.markup import escape

from simutrador_service.cli import (
    ConfigOption,
    DebugOption,
    EnvFileOption,
    JsonOption,
    reporting,
    table,
    write,
)
from simutrador_service.config.base import MASK, ServiceSettings

S_co = TypeVar("S_co", bound=ServiceSettings, covariant=True)
S = TypeVar("S", bound=ServiceSettings)


class Load(Protocol[S_co]):
    """Reads the settings of a service, from the files named where there are any."""

    def __call__(self, *, env_file: Path | None, config_file: Path | None) -> S_co:
        """Return them or raise `SettingsError`."""
        ...


def config_commands(
    load: Load[S],
    *,
    check: Callable[[S], None] | None = None,
    facts: Callable[[S], Mapping[str, object]] | None = None,
) -> typer.Typer:
    """Return the command group `config`.

    Args:
        load: Reads the settings; called once a command.
        check: Refuses settings that hold one by one but not together, with a `SettingsError`.
        facts: What follows from the settings and helps to know, such as the folder of a store.
    """
    app = typer.Typer(help="Show or check the settings.", no_args_is_help=True)

    @app.command()
    def show(
        env_file: EnvFileOption = None,
        config: ConfigOption = None,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Show every setting, its value and where it is set; secrets are masked."""
        with reporting(as_json=as_json, debug=debug):
            settings = load(env_file=env_file, config_file=config)
            _show(settings, facts(settings) if facts else {}, as_json=as_json)

    @app.command()
    def validate(
        env_file: EnvFileOption = None,
        config: ConfigOption = None,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Check the settings; a wrong one is named with what it may hold."""
        with reporting(as_json=as_json, debug=debug):
            settings = load(env_file=env_file, config_file=config)
            if check is not None:
                check(settings)
            write({"valid": True}, as_json=as_json, show=lambda c: c.print("the settings hold"))

    return app


def _show(settings: ServiceSettings, facts: Mapping[str, object], *, as_json: bool) -> None:
    from simutrador_service.config.describing import describe
    from simutrador_service.config.loading import sources_of

    rows, sources = describe(settings), sources_of(settings)
    env_file, config_file = _text(sources.env_file), _text(sources.config_file)

    def shown(console: Console) -> None:
        made = table("", ["setting", "value", "from"])
        for row in rows:
            made.add_row(row.name, _cell(row.value), row.origin)
        for name in sources.not_read:
            made.add_row(name, MASK, "not read by this release")
        console.print(made)
        known = {"env file": env_file or "none", "TOML file": config_file or "none", **facts}
        console.print("; ".join(f"{name}: {value}" for name, value in known.items()), markup=False)

    document = {
        "settings": {row.name: row.value for row in rows},
        "origins": {row.name: row.origin for row in rows},
        "not_read": list(sources.not_read),
        "env_file": env_file,
        "config_file": config_file,
        **facts,
    }
    write(document, as_json=as_json, show=shown)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return escape(", ".join(str(one) for one in cast("list[object]", value)))
    return "" if value is None else escape(str(value))


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)
