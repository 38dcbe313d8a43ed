"""`simutrador-data demo`: the main job on real bars, from nothing to a running service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from simutrador_data.cli.progress import progress
from simutrador_data.cli.session import open_session, settings_for
from simutrador_service.cli import DebugOption, ExitCode, JsonOption, reporting, stdout, write

if TYPE_CHECKING:
    from simutrador_data.core.settings import Settings
    from simutrador_data.demo.tour import Tour

DEMO_STORE: Final = Path(".simutrador") / "demo"


def demo(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder of the demo's store.")
    ] = DEMO_STORE,
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve API and page at the end, or end.")
    ] = True,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Default: 8002.")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Import real bars that come with the package, prove them complete, explain, resample, serve.

    Needs no key and no network; running it again changes nothing.
    """
    with reporting(as_json=as_json, debug=debug):
        settings = _settings(data, port, serving=serving)
        tour = _tour(data, as_json=as_json)
        if serving:
            from simutrador_data.cli.serve import run_server

            run_server(settings, as_json=False)
        elif not as_json:
            _next_steps(data)
        if tour.imported.exit_code:
            raise typer.Exit(ExitCode.PARTLY)


def _settings(data: Path, port: int | None, *, serving: bool) -> Settings:
    """Return the settings; a port that is taken is said before the work, not after it."""
    from simutrador_data.cli.serve import check_port

    settings = settings_for(data, port=port)
    if serving:
        check_port(settings)
    return settings


def _tour(data: Path, *, as_json: bool) -> Tour:
    from datetime import UTC, datetime

    from simutrador_data.cli.demo_report import show_tour, tour_document
    from simutrador_data.demo.tour import run_tour

    waiting = progress(as_json=as_json)
    with open_session(data, create=True) as session:
        tour = run_tour(session.store, session.registry, now=datetime.now(UTC), progress=waiting)
        document = tour_document(tour, store=session.root)
    write(document, as_json=as_json, show=lambda console: show_tour(console, tour))
    return tour


def _next_steps(data: Path) -> None:
    """Print what to try now."""
    console = stdout()
    console.print(f"\nThe store is [bold]{data}[/]. Try:", soft_wrap=True)
    for line in (
        f"simutrador-data gaps EUR/USD --data {data}",
        f"simutrador-data bars AAPL --start 2005-02-24 --end 2005-03-03 --data {data}",
        f"simutrador-data serve --data {data}",
        "simutrador-data import YOUR-FILE.csv",
    ):
        console.print(f"  {line}", soft_wrap=True)
