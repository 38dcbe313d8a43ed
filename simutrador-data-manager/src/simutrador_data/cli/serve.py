"""`simutrador-data serve`: REST interface and web page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from simutrador_data.cli.options import DataOption
from simutrador_data.cli.session import settings_for
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
    from simutrador_data.core.settings import Settings


def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to bind. Default: 127.0.0.1.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = None,
    data: DataOption = None,
    env_file: EnvFileOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Serve the REST interface and the web page until interrupted."""
    with reporting(as_json=as_json, debug=debug):
        settings = settings_for(data, env_file=env_file, config_file=config, host=host, port=port)
        run_server(settings, as_json=as_json)


def run_server(settings: Settings, *, as_json: bool) -> None:
    """Serve until interrupted, and say where once it listens.

    Raises:
        SettingsError: a setting cannot be used.
        PortTakenError: another program listens there.
        StoreError: the store cannot be opened.
    """
    from simutrador_data.main import serve
    from simutrador_data.services.opening import probe

    probe(settings.data_storage)
    serve(settings, announce=lambda url: _announce(url, as_json=as_json))


def check_port(settings: Settings) -> None:
    """Say that the port is taken before any other work is done.

    Raises:
        PortTakenError: another program listens there; the text says what to do.
    """
    from simutrador_service.web.serving import bind

    bind(settings.api.host, settings.api.port).close()


def _announce(url: str, *, as_json: bool) -> None:
    if as_json:
        write({"url": url, "docs": f"{url}/docs"}, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"serving [bold]{url}[/] (documentation at {url}/docs); Ctrl+C ends it")
