"""The command `simutrador-data`: one module a command, put together here.

Exit codes: 0 ok, 1 problems found or failed, 2 usage, 3 partly done.
"""

from __future__ import annotations

from simutrador_data import __version__
from simutrador_data.cli.actions import actions
from simutrador_data.cli.bars import bars
from simutrador_data.cli.compare import compare
from simutrador_data.cli.config import config
from simutrador_data.cli.demo import demo
from simutrador_data.cli.doctor import doctor
from simutrador_data.cli.fill_gaps import fill_gaps
from simutrador_data.cli.follow import follow
from simutrador_data.cli.gaps import gaps
from simutrador_data.cli.import_files import import_
from simutrador_data.cli.jobs import jobs
from simutrador_data.cli.keys import keys
from simutrador_data.cli.nightly import nightly
from simutrador_data.cli.providers import providers
from simutrador_data.cli.quality import quality
from simutrador_data.cli.repair import repair
from simutrador_data.cli.resample import resample
from simutrador_data.cli.serve import serve
from simutrador_data.cli.sql import sql
from simutrador_data.cli.store import store
from simutrador_data.cli.symbols import symbols
from simutrador_data.cli.update import update
from simutrador_data.cli.users import users
from simutrador_data.cli.validate import validate
from simutrador_service.cli import command_app, run

app = command_app(
    "OHLCV bars: import, prove complete, explain every gap, resample, serve.", version=__version__
)
app.command()(demo)
app.command(name="import")(import_)
app.command()(update)
app.command()(follow)
app.command()(compare)
app.add_typer(symbols, name="symbols")
app.command()(bars)
app.command()(validate)
app.command()(gaps)
app.command(name="fill-gaps")(fill_gaps)
app.command()(quality)
app.add_typer(repair, name="repair")
app.command()(resample)
app.command()(serve)
app.command()(sql)
app.add_typer(nightly, name="nightly")
app.add_typer(actions, name="actions")
app.add_typer(providers, name="providers")
app.add_typer(store, name="store")
app.add_typer(jobs, name="jobs")
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
app.add_typer(config, name="config")
app.command()(doctor)


def main() -> None:
    """Run the command line."""
    run(app)
