"""What is recorded of corporate actions: who said it, when, and in which version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from simutrador_core.adjusting.actions import check_action
from simutrador_core.errors import InputError, InvalidRangeError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction


class Asked(NamedTuple):
    """A question whose answer settles all: kinds of action of a symbol in `[start, end)`."""

    symbol: str
    kinds: frozenset[ActionKind]
    start: date
    end: date

    def settles(self, action: CorporateAction) -> bool:
        """Return whether an action falls under the question."""
        return (
            action.symbol == self.symbol
            and action.kind in self.kinds
            and self.start <= action.effective < self.end
        )


@dataclass(frozen=True, slots=True)
class ActionChange:
    """What one commit records, atomically.

    Attributes:
        actions: What the source says. Those of a symbol, kind and date replace what was recorded
            for the three, whoever said it.
        source: Who says it: a provider's name or `file:NAME`.
        request: What was asked, for people.
        fetched_at: When the source answered, aware UTC.
        asked: What the answer settles: recorded actions it does not repeat are taken back. Without
            questions nothing is settled beyond the actions themselves.

    Raises:
        InvalidActionError: an action cannot be.
        InvalidRangeError: a range is reversed, or `fetched_at` is naive.
        InputError: nothing is said and nobody was asked about.
    """

    actions: Sequence[CorporateAction]
    source: str
    request: str
    fetched_at: datetime
    asked: Sequence[Asked] = ()

    def __post_init__(self) -> None:
        """Refuse actions that cannot be, and a change without a subject."""
        for action in self.actions:
            check_action(action)
        if self.fetched_at.utcoffset() is None:
            raise InvalidRangeError(f"fetched_at {self.fetched_at} has no time zone; add one")
        for one in self.asked:
            if one.start > one.end:
                raise InvalidRangeError(f"start {one.start} is after end {one.end}", field="start")
        if not self.actions and not self.asked:
            raise InputError("there is nothing to record: give actions, or symbols asked about")


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """One action as it stands in a version.

    Attributes:
        action: What happens.
        source: Who said it.
        fetched_at: When the source said it, aware UTC.
        commit: The commit that recorded it.
    """

    action: CorporateAction
    source: str
    fetched_at: datetime
    commit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A source settled one kind of action of a symbol in effect in `[start, end)`."""

    symbol: str
    kind: ActionKind
    start: date
    end: date
    source: str
    fetched_at: datetime
    commit: int


@dataclass(frozen=True, slots=True)
class ActionCommit:
    """What a change did; a `no_op` repeats the latest commit of the store."""

    id: int
    at: datetime
    added: tuple[CorporateAction, ...] = ()
    removed: tuple[CorporateAction, ...] = ()
    no_op: bool = False


@dataclass(frozen=True, slots=True)
class ActionDiff:
    """What two versions say differently of a symbol; a restated action is in both lists."""

    added: tuple[RecordedAction, ...]
    removed: tuple[RecordedAction, ...]


class ActionSource(Protocol):
    """Something corporate actions can be read from, of any version (`as_of`: None is newest)."""

    def actions(self, symbols: Iterable[str], *, as_of: int | None = None) -> list[CorporateAction]:
        """Return the actions recorded under some symbols, by symbol and date."""
        ...

    def namings(self, *, as_of: int | None = None) -> list[CorporateAction]:
        """Return every rename and delisting."""
        ...

    def answered(self, *, as_of: int | None = None) -> Mapping[str, frozenset[ActionKind]]:
        """Return by symbol the kinds a source has said anything of, if only "none"."""
        ...


__all__ = [
    "Asked",
    "ActionChange",
    "RecordedAction",
    "Answer",
    "ActionCommit",
    "ActionDiff",
    "ActionSource",
]
