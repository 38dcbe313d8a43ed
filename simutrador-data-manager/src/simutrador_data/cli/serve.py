"""`simutrador-data serve`: REST interface and web page."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from simutrador_core.errors import SimutradorError
from simutrador_data.cli.options import DataOption, DebugOption, JsonOption
from simutrador_data.cli.output import reporting, stderr, write
from simutrador_data.cli.session import settings_for

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings


class PortTakenError(SimutradorError):
    """Another program listens on the port."""

    code = "port_taken"


def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Loopback address.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Serve the REST interface and the web page until interrupted."""
    with reporting(as_json=as_json, debug=debug):
        run_server(settings_for(data, host=host, port=port), as_json=as_json)


def run_server(settings: Settings, *, as_json: bool) -> None:
    """Check the address, say where the service will be, and serve.

    Raises:
        SettingsError: the address is not loopback.
        PortTakenError: another program listens there.
        StoreError: the store cannot be opened.
    """
    from simutrador_data.core.addresses import check_host
    from simutrador_data.main import serve
    from simutrador_data.services.opening import probe

    check_host(settings.api.host)
    settings = with_free_port(settings)
    probe(settings.data_storage)
    url = f"http://{settings.api.host}:{settings.api.port}"
    if as_json:
        write({"url": url, "docs": f"{url}/docs"}, as_json=True, show=lambda _: None)
    else:
        stderr().print(f"serving [bold]{url}[/] (documentation at {url}/docs); Ctrl+C ends it")
    serve(settings)


def with_free_port(settings: Settings) -> Settings:
    """Return the settings with a port that is free: port 0 is replaced by one.

    Raises:
        PortTakenError: the port is taken; the text says what to do.
    """
    found = free_port(settings.api.host, settings.api.port)
    api = settings.api.model_copy(update={"port": found})
    return settings.model_copy(update={"api": api})


def free_port(host: str, port: int) -> int:
    """Return `port` when it is free, or any free one for 0.

    Raises:
        PortTakenError: another program listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as e:
            raise PortTakenError(
                f"cannot listen on {host}:{port} ({e.strerror}); "
                f"stop the program that uses it, or choose another with --port {port + 1}"
            ) from e
        number: int = probe.getsockname()[1]
        return number
