"""Corporate actions as they go over the wire."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_data.models.responses import Answer


class ActionEntry(Answer):
    """One corporate action, and who said so; numbers are decimal text."""

    symbol: str = Field(description="The symbol at the time")
    kind: ActionKind
    effective: date = Field(description="First session on the new terms (ex-date)")
    ratio: str | None = Field(default=None, description="New shares for one old, of a split")
    amount: str | None = Field(default=None, description="Cash per share, of a dividend")
    successor: str | None = Field(default=None, description="The new symbol, of a rename")
    known_on: date | None = Field(
        default=None, description="When it was known; else when in effect"
    )
    source: str
    fetched_at: datetime
    commit: int = Field(description="The version that recorded it")


class NameEntry(Answer):
    """A company used a symbol in the sessions of `[start, end)`; null is open."""

    symbol: str
    start: date | None
    end: date | None


class SettledEntry(Answer):
    """A source was asked for all actions of a kind in effect in `[start, end)`."""

    symbol: str
    kind: ActionKind
    start: date
    end: date
    source: str
    fetched_at: datetime


class CompanyActions(Answer):
    """What is recorded of the company that has a symbol."""

    symbol: str
    company: list[NameEntry] = Field(description="Its names, oldest first")
    actions: list[ActionEntry]
    settled: list[SettledEntry]
