"""`simutrador-client session`: the simulations the server knows of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from simutrador_client.cli.credentials import signed_in
from simutrador_client.cli.options import JsonOption, KeyFileOption, ServerUrlOption, WsUrlOption
from simutrador_client.cli.output import reporting, table, wait_for, write
from simutrador_client.one_shot import SessionClient

session = typer.Typer(help="List, show and delete simulations.", no_args_is_help=True)

_SHOWN = ("session_id", "state", "symbols", "start_date", "end_date", "initial_capital")
SessionArgument = Annotated[str, typer.Argument(metavar="SESSION_ID")]


@session.command("list")
def list_(
    api_key_file: KeyFileOption = None,
    server_url: ServerUrlOption = None,
    ws_url: WsUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List your simulations."""

    async def ask() -> list[dict[str, Any]]:
        return await (await _client(server_url, api_key_file, ws_url)).list()

    with reporting(as_json=as_json):
        found = wait_for(ask())
        rows = [[_text(each.get(name)) for name in _SHOWN] for each in found]

        def show(console: Console) -> None:
            console.print(table(_SHOWN, rows) if rows else "there is no simulation")

        write({"sessions": found, "total_count": len(found)}, as_json=as_json, show=show)


@session.command()
def status(
    session_id: SessionArgument,
    api_key_file: KeyFileOption = None,
    server_url: ServerUrlOption = None,
    ws_url: WsUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one simulation."""

    async def ask() -> dict[str, Any]:
        return await (await _client(server_url, api_key_file, ws_url)).get(session_id)

    with reporting(as_json=as_json):
        _show_one(wait_for(ask()), as_json=as_json)


@session.command()
def delete(
    session_id: SessionArgument,
    api_key_file: KeyFileOption = None,
    server_url: ServerUrlOption = None,
    ws_url: WsUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete one simulation."""

    async def ask() -> dict[str, Any]:
        return await (await _client(server_url, api_key_file, ws_url)).delete(session_id)

    with reporting(as_json=as_json):
        _show_one(wait_for(ask()), as_json=as_json)


async def _client(
    server_url: str | None, key_file: Path | None, ws_url: str | None
) -> SessionClient:
    return SessionClient(auth=await signed_in(server_url, key_file), base_ws_url=ws_url)


def _show_one(found: dict[str, Any], *, as_json: bool) -> None:
    rows = [(name, _text(value)) for name, value in found.items() if name != "seq"]
    write(
        found, as_json=as_json, show=lambda console: console.print(table(("field", "value"), rows))
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType] - parsed JSON
