"""`simutrador-client auth`: trade a key for a token and keep it for the next commands."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import typer
from rich.console import Console

from simutrador_client.cli.credentials import api_key, auth_client, forget_token, keep_token
from simutrador_client.cli.options import JsonOption, KeyFileOption, ServerUrlOption
from simutrador_client.cli.output import ExitCode, reporting, wait_for, write

auth = typer.Typer(help="Log in, see the token, log out.", no_args_is_help=True)


@auth.command()
def login(
    api_key_file: KeyFileOption = None,
    server_url: ServerUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trade the API key for a token, and keep the token in your own settings folder."""
    with reporting(as_json=as_json):
        client = auth_client(server_url)
        answer = wait_for(client.login(_key(api_key_file)))
        path = keep_token(client)
        document = {"user_id": answer.user_id, "plan": answer.plan, "expires_in": answer.expires_in}

        def show(console: Console) -> None:
            console.print(f"logged in as {answer.user_id} ({answer.plan}); token kept in {path}")

        write({**document, "token_file": str(path)}, as_json=as_json, show=show)


@auth.command()
def status(server_url: ServerUrlOption = None, as_json: JsonOption = False) -> None:
    """Show whether there is a valid token, its first characters and when it expires."""
    client = auth_client(server_url)
    info = client.get_token_info()
    document = {"authenticated": info is not None, "server_url": client.server_url, **(info or {})}

    def show(console: Console) -> None:
        if info is None:
            console.print(f"not logged in at {client.server_url}")
        else:
            console.print(f"logged in at {client.server_url} until {info['expires_at']}")

    write(document, as_json=as_json, show=show)
    raise typer.Exit(ExitCode.OK if info is not None else ExitCode.FAILED)


@auth.command()
def logout(server_url: ServerUrlOption = None, as_json: JsonOption = False) -> None:
    """Delete the kept token."""
    client = auth_client(server_url)
    had = forget_token(client)

    def show(console: Console) -> None:
        console.print("logged out" if had else f"there was no token of {client.server_url}")

    write({"logged_out": had}, as_json=as_json, show=show)


def _key(key_file: Path | None) -> str:
    """Return the key; a person at a terminal is asked for it."""
    key = api_key(key_file)
    if not key and sys.stdin.isatty():
        return getpass.getpass("API key: ")
    return key
