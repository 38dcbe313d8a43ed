"""The commands of keys and users: what they write, what they exit with, what they never show."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from kit_auth import PASSWORD, Clock, quick_passwords
from simutrador_service.auth import Accounts, open_accounts
from simutrador_service.auth.commands import keys_commands, users_commands
from simutrador_service.config import AuthSection
from simutrador_service.database import Database


@pytest.fixture
def accounts(sqlite: Database, tmp_path: Path) -> Iterator[Accounts]:
    opened = open_accounts(
        sqlite, AuthSection(), data=tmp_path, passwords=quick_passwords(), clock=Clock()
    )
    yield opened
    opened.close()


def command(
    accounts: Accounts, *words: str, typed: str = "", scopes: tuple[str, ...] = ()
) -> Result:
    @contextmanager
    def opened() -> Generator[Accounts]:
        yield accounts

    app = typer.Typer()
    app.add_typer(keys_commands(opened, default_scopes=scopes), name="keys")
    app.add_typer(users_commands(opened), name="users")
    return CliRunner().invoke(app, words, input=typed)


def test_a_key_is_shown_once_and_works(accounts: Accounts) -> None:
    made = command(accounts, "keys", "create", "ann", "--scope", "bars:read", "--scope", "jobs:*")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert accounts.keys.verify(key).scopes == {"bars:read", "jobs:*"}
    for listing in (command(accounts, "keys", "list"), command(accounts, "keys", "list", "--json")):
        assert key.partition(".")[0] in listing.stdout
        assert key.partition(".")[2] not in listing.stdout


def test_json_has_the_key_and_what_is_kept(accounts: Accounts) -> None:
    words = ("create", "ann", "--scope", "*", "--plan", "free", "--label", "x", "--days", "2")
    made = json.loads(command(accounts, "keys", *words, "--json").stdout)
    assert accounts.keys.verify(made["api_key"]).id == "ann"
    assert (made["owner"], made["plan"], made["label"]) == ("ann", "free", "x")
    assert made["expires_at"] == "2026-11-22T14:30:00Z"
    assert "sha256" not in made


def test_a_key_for_a_user_belongs_to_the_users_id(accounts: Accounts) -> None:
    words = ("create", "ann@example.com", "--role", "trader", "--password-stdin")
    assert command(accounts, "users", *words, typed=PASSWORD + "\n").exit_code == 0
    key = command(accounts, "keys", "create", "ann@example.com", "--scope", "*:read")
    assert accounts.keys.verify(key.stdout.strip()).id == accounts.users.get("ann@example.com").id
    found = command(accounts, "keys", "list", "--owner", "Ann@example.com", "--json")
    assert len(json.loads(found.stdout)["keys"]) == 1


def test_without_scope_it_says_what_to_write_unless_the_service_has_a_default(
    accounts: Accounts,
) -> None:
    refused = command(accounts, "keys", "create", "ann")
    assert (refused.exit_code, "--scope bars:read" in refused.stderr) == (2, True)
    made = command(accounts, "keys", "create", "ann", scopes=("simulate:write",))
    assert accounts.keys.verify(made.stdout.strip()).scopes == {"simulate:write"}


def test_a_revoked_key_is_listed_as_such(accounts: Accounts) -> None:
    made = accounts.keys.create("ann", scopes=["*"])
    gone = command(accounts, "keys", "revoke", made.kept.prefix)
    assert (gone.exit_code, gone.stdout) == (0, f"revoked {made.kept.prefix}\n")
    assert "revoked 2026-11-20" in command(accounts, "keys", "list").stdout


def test_rotation_shows_the_new_key(accounts: Accounts) -> None:
    old = accounts.keys.create("ann", scopes=["*"])
    words = ("rotate", old.kept.prefix, "--overlap-hours", "1", "--json")
    new = json.loads(command(accounts, "keys", *words).stdout)
    assert accounts.keys.verify(new["api_key"]).id == "ann"
    assert accounts.keys.verify(old.key).id == "ann"
    assert "works until 2026-11-20" in command(accounts, "keys", "list").stdout


def test_an_unknown_key_is_an_error_that_hides_what_follows_the_dot(accounts: Accounts) -> None:
    refused = command(accounts, "keys", "revoke", "sk_1.secret-half", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["code"] == "unknown_key"
    assert "secret-half" not in refused.stdout


def test_a_password_is_asked_for_twice_and_not_shown(accounts: Accounts) -> None:
    words = ("users", "create", "ann", "--role", "admin")
    made = command(accounts, *words, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    assert PASSWORD not in made.output
    assert accounts.users.check("ann", PASSWORD, address=None).role == "admin"
    easy = command(accounts, "users", "create", "bob", "--password-stdin", typed="short\n")
    assert (easy.exit_code, "12 to 256 characters" in easy.stderr) == (2, True)


def test_users_are_listed_and_changed(accounts: Accounts) -> None:
    assert "no users" in command(accounts, "users", "list").stdout
    command(accounts, "users", "create", "ann", "--password-stdin", typed=PASSWORD)
    changed = command(accounts, "users", "change", "ann", "--role", "trader", "--locked", "--json")
    (user,) = json.loads(changed.stdout)["users"]
    assert (user["role"], user["active"]) == ("trader", False)
    assert "locked" in command(accounts, "users", "list").stdout
    new = command(
        accounts, "users", "password", "ann", "--password-stdin", typed="another good long one\n"
    )
    assert new.exit_code == 0
    missing = command(accounts, "users", "change", "nobody", "--locked")
    assert (missing.exit_code, "no user 'nobody'" in missing.stderr) == (1, True)


def test_the_audit_log_names_who_ran_the_command(accounts: Accounts) -> None:
    command(accounts, "keys", "create", "ann", "--scope", "*")
    (entry,) = accounts.audit.entries()
    assert (entry.actor or "").startswith("cli:")
    assert entry.action == "key.create"
