"""The command `simutrador-server`: one module a command, put together here.

Exit codes: 0 ok, 1 failed, 2 usage.
"""

from __future__ import annotations

from simutrador_server import __version__
from simutrador_server.cli.config import config
from simutrador_server.cli.demo import demo
from simutrador_server.cli.keys import keys
from simutrador_server.cli.serve import serve
from simutrador_service.cli import command_app, run

app = command_app(
    "The venue: replays history over WebSocket, fills orders, keeps the account.",
    version=__version__,
)
app.command()(demo)
app.command()(serve)
app.add_typer(keys, name="keys")
app.add_typer(config, name="config")


def main() -> None:
    """Run the command line."""
    run(app)
