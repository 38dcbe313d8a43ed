"""Command groups whose modules are imported when they are used, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


def lazy_commands(help: str, make: Callable[[], typer.Typer]) -> typer.Typer:  # noqa: A002
    """Return a command group that is made when a command of it is asked for.

    Args:
        help: What the group is for, as the list of commands shows it.
        make: Imports what the commands need and returns them; called at most once.
    """
    made = cache(lambda: get_group(make()))

    class Group(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return made().list_commands(ctx)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return made().get_command(ctx, cmd_name)

    return typer.Typer(cls=Group, help=help, no_args_is_help=True)
