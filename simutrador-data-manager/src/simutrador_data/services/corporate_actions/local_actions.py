"""`LocalActions`: read the corporate actions of a store on this machine without writing to it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from simutrador_core.errors import InvalidRangeError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.interfaces.storage import Commit
from simutrador_core.models.bars import from_us
from simutrador_data.services.corporate_actions import tables
from simutrador_data.services.corporate_actions.records import (
    ActionDiff,
    Answer,
    RecordedAction,
)
from simutrador_data.services.storage.catalogue import Catalogue, open_read_only
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.reading import check_version


class LocalActions:
    """The corporate actions beside the bars of a folder; satisfies `ActionSource`.

    A store in which none were ever recorded has none.
    """

    def __init__(self, root: Path) -> None:
        """Keep the store's folder; it is opened when first asked.

        Whatever is asked then raises `StoreError` where the folder holds no store, and
        `CorruptDataError` where its catalogue is damaged.
        """
        self._root = Path(root)
        self._opened: Catalogue | None = None
        self._lock = Lock()

    def close(self) -> None:
        """Let go of the catalogue."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _catalogue(self) -> Catalogue:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Catalogue:
        return open_read_only(self._root, FileOps())

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def recorded(self, symbols: Iterable[str], *, as_of: int | None = None) -> list[RecordedAction]:
        """Return what a version says of some symbols, by symbol and date.

        Raises:
            InvalidRangeError: there is no such version yet.
        """
        with self._catalogue.read() as connection:
            check_version(connection, as_of)
            if not tables.has_tables(connection):
                return []
            return tables.recorded(connection, symbols, as_of=as_of)

    def actions(self, symbols: Iterable[str], *, as_of: int | None = None) -> list[CorporateAction]:
        """Return the actions of a version under some symbols, by symbol and date."""
        return [one.action for one in self.recorded(symbols, as_of=as_of)]

    def namings(self, *, as_of: int | None = None) -> list[CorporateAction]:
        """Return every rename and delisting of a version."""
        with self._catalogue.read() as connection:
            if not tables.has_tables(connection):
                return []
            return tables.namings(connection, as_of=as_of)

    def answers(self, *, as_of: int | None = None) -> list[Answer]:
        """Return what sources settled up to a version."""
        with self._catalogue.read() as connection:
            if not tables.has_tables(connection):
                return []
            return tables.answers(connection, as_of=as_of)

    def answered(self, *, as_of: int | None = None) -> Mapping[str, frozenset[ActionKind]]:
        """Return by symbol the kinds of action a source has settled anything of."""
        found: defaultdict[str, set[ActionKind]] = defaultdict(set)
        for one in self.answers(as_of=as_of):
            found[one.symbol].add(one.kind)
        return {symbol: frozenset(kinds) for symbol, kinds in found.items()}

    def symbols(self) -> list[str]:
        """Return every symbol anything was recorded of, sorted."""
        with self._catalogue.read() as connection:
            return tables.all_symbols(connection) if tables.has_tables(connection) else []

    def history(self, symbols: Iterable[str]) -> list[Commit]:
        """Return the commits that recorded anything of some symbols, oldest first."""
        with self._catalogue.read() as connection:
            if not tables.has_tables(connection):
                return []
            return [
                _commit(connection, number) for number in tables.commits_of(connection, symbols)
            ]

    def diff(
        self, symbols: Iterable[str], *, from_commit: int, to_commit: int | None = None
    ) -> ActionDiff:
        """Return what a later version says differently of some symbols.

        Raises:
            InvalidRangeError: there is no such version, or the earlier one is the later.
        """
        if to_commit is not None and from_commit > to_commit:
            raise InvalidRangeError(
                f"from_commit {from_commit} is after {to_commit}, the version to compare with",
                field="from_commit",
            )
        wanted = list(symbols)
        before = self.recorded(wanted, as_of=from_commit)
        after = self.recorded(wanted, as_of=to_commit)
        had, has = {one.action for one in before}, {one.action for one in after}
        return ActionDiff(
            tuple(one for one in after if one.action not in had),
            tuple(one for one in before if one.action not in has),
        )


def _commit(connection: sqlite3.Connection, number: int) -> Commit:
    at_us, source, request, fetched_us, code = connection.execute(
        "SELECT at_us, source, request, fetched_us, code_version FROM commits WHERE id = ?",
        (number,),
    ).fetchone()
    return Commit(
        number,
        from_us(at_us),
        (),
        added=0,
        replaced=0,
        removed=0,
        source=source,
        request=request,
        code_version=code,
        fetched_at=from_us(fetched_us),
    )


__all__ = ["LocalActions"]
