"""`simutrador-server demo`: a venue over real bars, a key, and a client to run against it."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from simutrador_server.cli.options import AuthPortOption, WsPortOption
from simutrador_service.cli import DebugOption, JsonOption, reporting, stderr, write

if TYPE_CHECKING:
    from simutrador_server.main import Addresses

DEMO_STORE: Final = Path(".simutrador") / "demo"
TUTORIAL: Final = "tutorial_client.py"


def demo(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder of the demo's bars.")
    ] = DEMO_STORE,
    auth_port: AuthPortOption = None,
    ws_port: WsPortOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Serve real bars that come with the data manager; print a key and a client to run.

    The key is made at random, works on this machine alone, and only while the demo runs.
    """
    with reporting(as_json=as_json, debug=debug):
        from simutrador_core.models.enums import UserPlan
        from simutrador_server.api.state import Venue
        from simutrador_server.auth.door import SCOPES, opened_door
        from simutrador_server.cli.running import run
        from simutrador_server.core.settings import Settings
        from simutrador_server.main import defaults_of
        from simutrador_server.services.bars import BarLoader
        from simutrador_server.services.demo_bars import open_demo_store
        from simutrador_server.services.opening import load_registry
        from simutrador_service.config import load
        from simutrador_service.logging import configure_logging

        ports = {"auth_port": auth_port, "ws_port": ws_port}
        source = open_demo_store(data, say=lambda text: stderr().print(text))
        with tempfile.TemporaryDirectory(prefix="simutrador-venue-") as folder:
            settings = load(Settings, venue={**ports, "data_path": folder})
            configure_logging(settings.logging.level, settings.logging.format)
            defaults = defaults_of(settings.simulation)
            try:
                with opened_door(settings) as door:
                    plan = UserPlan.PROFESSIONAL
                    key = door.keys.create("demo", scopes=SCOPES, plan=plan).key
                    loader = BarLoader(source, load_registry(data), defaults)
                    venue = Venue(door=door, loader=loader, defaults=defaults)
                    say = partial(_announce, key=key, as_json=as_json)
                    run(venue, settings.venue, say)
            finally:
                source.close()


def tutorial_text() -> str:
    """Return the tutorial client, a whole program."""
    return files("simutrador_server.examples").joinpath(TUTORIAL).read_text(encoding="utf-8")


def _announce(places: Addresses, *, key: str, as_json: bool) -> None:
    environment = {
        "SIMUTRADOR_API_KEY": key,
        "AUTH__SERVER_URL": places.auth_url,
        "SERVER__WEBSOCKET__URL": places.ws_url,
    }
    document = {
        "auth_url": places.auth_url,
        "ws_url": places.ws_url,
        "api_key": key,
        "environment": environment,
        "tutorial_client": tutorial_text(),
    }

    def show(console: Console) -> None:
        console.print(f"The venue listens: {places.auth_url} (sign-in), {places.ws_url}.")
        console.print("A development key, valid while this runs:\n")
        for name, value in environment.items():
            console.print(f"export {name}={value}", markup=False)
        console.print(f"\nIn another terminal: run the lines above, save this as {TUTORIAL},")
        console.print(f"then `python {TUTORIAL}`. Ctrl+C ends the demo.\n")
        console.print(tutorial_text(), markup=False)

    write(document, as_json=as_json, show=show)
