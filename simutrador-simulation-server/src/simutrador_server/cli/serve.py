"""`simutrador-server serve`: the venue over a bar store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from simutrador_server.cli.options import (
    AuthPortOption,
    DataOption,
    DebugOption,
    EnvFileOption,
    HostOption,
    JsonOption,
    WsPortOption,
)
from simutrador_server.cli.output import reporting, stderr, write

if TYPE_CHECKING:
    from simutrador_server.core.settings import Settings
    from simutrador_server.main import Addresses


def serve(
    bars: Annotated[
        str | None,
        typer.Option("--bars", metavar="local:DIR", help="Bar store. Default: local:storage."),
    ] = None,
    host: HostOption = None,
    auth_port: AuthPortOption = None,
    ws_port: WsPortOption = None,
    data: DataOption = None,
    env_file: EnvFileOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Serve sign-in and WebSocket until interrupted. Make a key first: keys create USER."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.cli.running import run
        from simutrador_server.core.logger_config import setup_logging
        from simutrador_server.main import open_venue

        chosen = {
            "bars": bars,
            "host": host,
            "auth_port": auth_port,
            "ws_port": ws_port,
            "data_path": data,
        }
        settings = settings_with(chosen, env_file)
        setup_logging(settings.logging)
        with open_venue(settings) as venue:
            if not any(key.revoked_at is None for key in venue.keys.list()):
                stderr().print("no API key works yet; make one: simutrador-server keys create USER")
            run(venue, settings.venue, lambda places: _announce(places, as_json=as_json))


def settings_with(values: Mapping[str, object], env_file: Path | None) -> Settings:
    """Return the settings with what the command line gives over them.

    Raises:
        SettingsError: a setting cannot be used.
    """
    from simutrador_server.core.settings import load_settings

    given = {name: value for name, value in values.items() if value is not None}
    return load_settings({"venue": given}, env_file=env_file)


def _announce(places: Addresses, *, as_json: bool) -> None:
    def show(console: Console) -> None:
        console.print(f"sign-in   [bold]{places.auth_url}[/]/auth/token")
        console.print(f"WebSocket [bold]{places.ws_url}[/]/ws/simulate; Ctrl+C ends it")

    write({"auth_url": places.auth_url, "ws_url": places.ws_url}, as_json=as_json, show=show)
