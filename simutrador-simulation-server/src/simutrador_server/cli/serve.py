"""`simutrador-server serve`: the venue over a bar store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from simutrador_server.cli.options import (
    AuthPortOption,
    DataOption,
    HostOption,
    WsPortOption,
)
from simutrador_service.cli import (
    ConfigOption,
    DebugOption,
    EnvFileOption,
    JsonOption,
    reporting,
    stderr,
    write,
)

if TYPE_CHECKING:
    from simutrador_server.main import Addresses


def serve(
    bars: Annotated[
        str | None,
        typer.Option(
            "--bars",
            metavar="local:DIR|remote:URL",
            help="A bar store, or a data manager that serves one. Default: local:storage.",
        ),
    ] = None,
    host: HostOption = None,
    auth_port: AuthPortOption = None,
    ws_port: WsPortOption = None,
    data: DataOption = None,
    env_file: EnvFileOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Serve sign-in and WebSocket until interrupted. Make a key first: keys create USER."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.cli.running import run
        from simutrador_server.core.settings import load_settings
        from simutrador_server.main import open_venue
        from simutrador_service.logging import configure_logging

        chosen = {
            "bars": bars,
            "host": host,
            "auth_port": auth_port,
            "ws_port": ws_port,
            "data_path": data,
        }
        settings = load_settings(env_file=env_file, config_file=config, venue=chosen)
        configure_logging(settings.logging.level, settings.logging.format)
        with open_venue(settings) as venue:
            if venue.door.keys.is_empty():
                stderr().print("no API key works yet; make one: simutrador-server keys create USER")
            run(venue, settings.venue, lambda places: _announce(places, as_json=as_json))


def _announce(places: Addresses, *, as_json: bool) -> None:
    def show(console: Console) -> None:
        console.print(f"sign-in   [bold]{places.auth_url}[/]/auth/token")
        console.print(f"WebSocket [bold]{places.ws_url}[/]/ws/simulate; Ctrl+C ends it")

    write({"auth_url": places.auth_url, "ws_url": places.ws_url}, as_json=as_json, show=show)
