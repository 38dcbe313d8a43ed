"""`keys create list revoke rotate` and `users create list change`: the same in every service.

They speak to the database itself, so whoever may run them may do everything.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Annotated

import typer

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.accounts import Accounts
from simutrador_service.auth.audit import Actor
from simutrador_service.auth.errors import UnknownUserError
from simutrador_service.auth.models import KeyView, UserView
from simutrador_service.auth.principal import Role
from simutrador_service.auth.printing import show_keys, show_new_key, show_users
from simutrador_service.cli import DebugOption, JsonOption, reporting, write

OpenAccounts = Callable[[], AbstractContextManager[Accounts]]

Prefix = Annotated[
    str, typer.Argument(metavar="PREFIX", help="The key's public half, as `keys list` shows it.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name or id.")]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def keys_commands(
    open_accounts: OpenAccounts, *, default_scopes: Sequence[str] = ()
) -> typer.Typer:
    """Return the command group `keys`.

    Args:
        open_accounts: Opens the accounts of the service for one command.
        default_scopes: What a key may do where `--scope` is not given; none makes it required.
    """
    app = typer.Typer(help="Make, list and end API keys.", no_args_is_help=True)
    _add_new_keys(app, open_accounts, default_scopes)
    _add_key_list(app, open_accounts)
    return app


def users_commands(open_accounts: OpenAccounts) -> typer.Typer:
    """Return the command group `users`."""
    app = typer.Typer(help="Add and change the people who log in.", no_args_is_help=True)
    _add_users(app, open_accounts)
    _add_user_changes(app, open_accounts)
    return app


def _add_new_keys(
    app: typer.Typer, open_accounts: OpenAccounts, default_scopes: Sequence[str]
) -> None:
    @app.command()
    def create(
        owner: Annotated[str, typer.Argument(help="Whose key it is: a user, or any name.")],
        scope: Annotated[
            list[str] | None,
            typer.Option(help="What it may do, for instance bars:read; several times for more."),
        ] = None,
        plan: Annotated[UserPlan | None, typer.Option(help="What the owner has booked.")] = None,
        tenant: Annotated[str | None, typer.Option(help="Whose data it sees.")] = None,
        label: Annotated[str, typer.Option(help="What it is for.")] = "",
        days: Annotated[
            int | None, typer.Option(min=1, max=3_650, help="How long it works; for ever if not.")
        ] = None,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Make a key and show it: only its hash is kept, so it cannot be shown again."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            scopes = scope or default_scopes
            if not scopes:
                raise InputError(
                    "say what the key may do: --scope bars:read, or --scope '*' for everything",
                    field="scope",
                )
            made = accounts.keys.create(
                _owner_id(accounts, owner),
                scopes=scopes,
                plan=plan,
                tenant=tenant,
                label=label,
                lifetime=None if days is None else timedelta(days=days),
                by=operator(),
            )
            kept = KeyView.model_validate(made.kept)
            document = {"api_key": made.key, **kept.model_dump(mode="json")}
            write(document, as_json=as_json, show=show_new_key(made.key))

    @app.command()
    def rotate(
        prefix: Prefix,
        overlap_hours: Annotated[
            int, typer.Option(min=0, max=720, help="How long the old key still works.")
        ] = 0,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Make another key like this one and show it; the old one ends after the overlap."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            made = accounts.keys.rotate(
                prefix, overlap=timedelta(hours=overlap_hours), by=operator()
            )
            kept = KeyView.model_validate(made.kept)
            document = {"api_key": made.key, **kept.model_dump(mode="json")}
            write(document, as_json=as_json, show=show_new_key(made.key))


def _add_key_list(app: typer.Typer, open_accounts: OpenAccounts) -> None:
    @app.command("list")
    def list_keys(
        owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """List keys by their public half, oldest first."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            wanted = None if owner is None else _owner_id(accounts, owner)
            found = accounts.keys.list_keys(owner=wanted)
            keys = [KeyView.model_validate(key) for key in found]
            document = {"keys": [key.model_dump(mode="json") for key in keys]}
            write(document, as_json=as_json, show=show_keys(keys, now=accounts.keys.clock()))

    @app.command()
    def revoke(prefix: Prefix, as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """Make a key useless; running services notice within two seconds."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            key = KeyView.model_validate(accounts.keys.revoke(prefix, by=operator()))
            write(
                key.model_dump(mode="json"),
                as_json=as_json,
                show=lambda console: console.print(f"revoked {key.prefix}", markup=False),
            )


def _add_users(app: typer.Typer, open_accounts: OpenAccounts) -> None:
    @app.command()
    def create(
        name: Annotated[str, typer.Argument(help="What they log in with: an e-mail address.")],
        role: Annotated[Role, typer.Option(help="What they may do.")] = Role.VIEWER,
        full_name: Annotated[str, typer.Option(help="Their name.")] = "",
        plan: Annotated[UserPlan | None, typer.Option(help="What they have booked.")] = None,
        password_stdin: Stdin = False,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Add a user; the password is asked for, twice and unseen."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            password = _ask_password(from_stdin=password_stdin)
            made = accounts.users.create(
                name, password, role=role, full_name=full_name, plan=plan, by=operator()
            )
            _write_users([UserView.model_validate(made)], as_json=as_json)

    @app.command("list")
    def list_users(as_json: JsonOption = False, debug: DebugOption = False) -> None:
        """List users, oldest first."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            users = [UserView.model_validate(user) for user in accounts.users.list_users()]
            _write_users(users, as_json=as_json)


def _add_user_changes(app: typer.Typer, open_accounts: OpenAccounts) -> None:
    @app.command()
    def change(
        name: Name,
        role: Annotated[Role | None, typer.Option(help="What they may do from now on.")] = None,
        active: Annotated[
            bool | None, typer.Option("--active/--locked", help="Let them in, or keep them out.")
        ] = None,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Change a role, or keep somebody out; every log-in of theirs ends."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            user = accounts.users.change(name, role=role, active=active, by=operator())
            _write_users([UserView.model_validate(user)], as_json=as_json)

    @app.command()
    def password(
        name: Name,
        password_stdin: Stdin = False,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        """Set a password; every log-in of theirs ends."""
        with reporting(as_json=as_json, debug=debug), open_accounts() as accounts:
            asked = _ask_password(from_stdin=password_stdin)
            user = accounts.users.set_password(name, asked, by=operator())
            _write_users([UserView.model_validate(user)], as_json=as_json)


def operator() -> Actor:
    """Return who runs a command, for the audit log."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may run as somebody without a name
        name = str(os.getuid())
    return Actor(f"cli:{name}"[:100])


def _owner_id(accounts: Accounts, owner: str) -> str:
    try:
        return accounts.users.get(owner).id
    except UnknownUserError:
        return owner


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)


def _write_users(users: Sequence[UserView], *, as_json: bool) -> None:
    document = {"users": [user.model_dump(mode="json") for user in users]}
    write(document, as_json=as_json, show=show_users(users))
