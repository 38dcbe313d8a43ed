"""Keys and users as people read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from simutrador_service.auth.models import KeyView, UserView
from simutrador_service.cli import table

Show = Callable[[Console], None]


def show_new_key(key: str) -> Show:
    """Return what prints a key and nothing else, so that it can be piped."""
    return lambda console: console.print(key, markup=False, soft_wrap=True)


def show_keys(keys: Sequence[KeyView], *, now: datetime) -> Show:
    """Return what prints a table of keys."""

    def show(console: Console) -> None:
        if not keys:
            console.print("no keys; make one: keys create OWNER --scope bars:read")
            return
        columns = ("prefix", "owner", "label", "scopes", "plan", "created", "last used", "state")
        shown = table("", columns)
        for key in keys:
            shown.add_row(
                key.prefix,
                escape(key.owner),
                escape(key.label),
                ", ".join(key.scopes),
                key.plan or "",
                _day(key.created_at),
                _day(key.last_used_at),
                _state(key, now),
            )
        console.print(shown)

    return show


def show_users(users: Sequence[UserView]) -> Show:
    """Return what prints a table of users."""

    def show(console: Console) -> None:
        if not users:
            console.print("no users; add one: users create NAME --role admin")
            return
        shown = table("", ("name", "full name", "role", "plan", "state", "id"))
        for user in users:
            state = "active" if user.active else "locked"
            names = (escape(user.name), escape(user.full_name))
            shown.add_row(*names, user.role, user.plan or "", state, user.id)
        console.print(shown)

    return show


def _state(key: KeyView, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "works"
    return f"{'works until' if now < key.expires_at else 'expired'} {_day(key.expires_at)}"


def _day(at: datetime | None) -> str:
    return "never" if at is None else at.strftime("%Y-%m-%d")
