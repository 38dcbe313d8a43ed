"""`simutrador-server keys`: make, list and revoke API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from simutrador_core.models.enums import UserPlan
from simutrador_server.cli.options import DataOption, DebugOption, EnvFileOption, JsonOption
from simutrador_server.cli.output import reporting, write

if TYPE_CHECKING:
    from pathlib import Path

    from simutrador_server.auth.keys import KeyStore

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@keys.command()
def create(
    user: Annotated[str, typer.Argument(help="Whose key it is.")],
    plan: Annotated[UserPlan, typer.Option(help="What the user may do.")] = UserPlan.PROFESSIONAL,
    data: DataOption = None,
    env_file: EnvFileOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a key and show it: only its hash is kept, so it cannot be shown again."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.api.state import utc_now

        key = _store(data, env_file).create(user, plan, now=utc_now())

        def show(console: Console) -> None:
            console.print(key, markup=False)

        write({"api_key": key, "user_id": user, "plan": plan.value}, as_json=as_json, show=show)


@keys.command(name="list")
def list_keys(
    data: DataOption = None,
    env_file: EnvFileOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List keys by their public half."""
    with reporting(as_json=as_json, debug=debug):
        known = _store(data, env_file).list()
        rows = [
            {
                "prefix": key.prefix,
                "user_id": key.user_id,
                "plan": key.plan.value,
                "created_at": key.created_at,
                "revoked_at": key.revoked_at,
            }
            for key in known
        ]

        def show(console: Console) -> None:
            table = Table("prefix", "user", "plan", "created", "revoked", box=None)
            for row in rows:
                table.add_row(*(str(value or "") for value in row.values()))
            console.print(
                table if rows else "no keys; make one: simutrador-server keys create USER"
            )

        write({"keys": rows}, as_json=as_json, show=show)


@keys.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The key's public half, as `keys list` shows it.")],
    data: DataOption = None,
    env_file: EnvFileOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a key useless from now on; a running server notices by itself."""
    with reporting(as_json=as_json, debug=debug):
        from simutrador_server.api.state import utc_now

        revoked = _store(data, env_file).revoke(prefix.partition(".")[0], now=utc_now())
        document = {"prefix": revoked.prefix, "revoked_at": revoked.revoked_at}
        write(document, as_json=as_json, show=lambda console: console.print(f"revoked {prefix}"))


def _store(data: Path | None, env_file: Path | None) -> KeyStore:
    from simutrador_server.auth.keys import KeyStore
    from simutrador_server.cli.serve import settings_with

    return KeyStore(settings_with({"data_path": data}, env_file).venue.data_path)
