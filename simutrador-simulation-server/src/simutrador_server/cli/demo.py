"""`simutrador-server demo`: a venue over real bars, a key, and a client to run against it."""

from __future__ import annotations

import secrets
import tempfile
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from simutrador_server.cli.options import AuthPortOption, DebugOption, JsonOption, WsPortOption
from simutrador_server.cli.output import reporting, stderr, write

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
        from simutrador_server.api.state import Venue, utc_now
        from simutrador_server.auth.keys import KeyStore
        from simutrador_server.auth.tokens import Tokens
        from simutrador_server.cli.running import run
        from simutrador_server.core.logger_config import setup_logging
        from simutrador_server.core.settings import Settings, VenueSettings
        from simutrador_server.main import defaults_of
        from simutrador_server.services.bars import BarLoader
        from simutrador_server.services.demo_bars import open_demo_store
        from simutrador_server.services.opening import load_registry

        settings = Settings()
        setup_logging(settings.logging)
        ports = {"auth_port": auth_port, "ws_port": ws_port}
        places = VenueSettings.model_validate({k: v for k, v in ports.items() if v is not None})
        source = open_demo_store(data, say=lambda text: stderr().print(text))
        defaults = defaults_of(settings.simulation)
        with tempfile.TemporaryDirectory(prefix="simutrador-venue-") as folder:
            keys = KeyStore(Path(folder))
            key = keys.create("demo", UserPlan.PROFESSIONAL, now=utc_now())
            venue = Venue(
                keys=keys,
                tokens=Tokens(secrets.token_urlsafe(48), lifetime=timedelta(hours=1)),
                loader=BarLoader(source, load_registry(data), defaults),
                defaults=defaults,
            )
            try:
                run(venue, places, lambda where: _announce(where, key, as_json=as_json))
            finally:
                source.close()


def tutorial_text() -> str:
    """Return the tutorial client, a whole program."""
    return files("simutrador_server.examples").joinpath(TUTORIAL).read_text(encoding="utf-8")


def _announce(places: Addresses, key: str, *, as_json: bool) -> None:
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
