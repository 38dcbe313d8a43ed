"""`simutrador-data users`: the people who log in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from simutrador_data.cli.commands import app
from simutrador_data.core.settings import load_settings
from simutrador_data.services.accounts import opened_accounts
from simutrador_service.errors import UnauthenticatedError

PASSWORD = "correct horse battery staple"


Run = Callable[..., Any]


def test_users_are_added_listed_changed_and_can_log_in(run: Run, tmp_path: Path) -> None:
    place = ("users", "--data", tmp_path / "store")
    made = tell(PASSWORD, *place, "create", "ann@example.com", "--password-stdin", "--json")
    assert made.exit_code == 0
    assert PASSWORD not in made.output
    (listed,) = run(*place, "list", "--json").document["users"]
    assert (listed["name"], listed["role"]) == ("ann@example.com", "viewer")
    changed = run(*place, "change", "ann@example.com", "--role", "admin", "--json")
    assert changed.document["users"][0]["role"] == "admin"
    assert log_in(tmp_path / "store", PASSWORD) == "ann@example.com"
    with pytest.raises(UnauthenticatedError):
        log_in(tmp_path / "store", "wrong")


def test_a_password_that_is_too_short_is_refused(tmp_path: Path) -> None:
    place = ("users", "--data", tmp_path / "store")
    refused = tell("short", *place, "create", "ann", "--password-stdin", "--json")
    assert refused.exit_code == 2
    assert "12 to 256 characters" in orjson.loads(refused.stdout)["error"]["message"]


def tell(line: str, *arguments: object) -> Any:
    """Run a command that reads one line from standard input."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=f"{line}\n")


def log_in(store: Path, password: str) -> str:
    """Return who knows this password, as the service asks it."""
    with opened_accounts(load_settings(data_storage={"base_path": store})) as accounts:
        return accounts.users.check("ann@example.com", password, address=None).name
