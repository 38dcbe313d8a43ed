"""`AdjustedBars`: a source of bars that adjusts raw prices when they are read."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import blake2b
from threading import Lock
from typing import Final

import numpy as np

from simutrador_core import dataset
from simutrador_core.adjusting.actions import PRICED, known_by
from simutrador_core.adjusting.companies import Companies, Company, actions_of
from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_core.interfaces.storage import SeriesInfo, VersionedSource, check_as_stored
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, concat
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.models.series import EPOCH
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.corporate_actions.recipe import Holding, Recipe
from simutrador_data.services.corporate_actions.records import ActionSource
from simutrador_data.services.serving.ranges import day_start

_ROWS: Final = 65_536
_RECIPES: Final = 256
"""Most recipes remembered."""


class AdjustedBars:
    """The bars of a source, adjusted on read; satisfies `BarSource`.

    Raw series are answered as they are. A series its source stored adjusted is answered as stored,
    unless actions of a date are asked for. Other adjusted series are made of the raw one once the
    splits (for `SPLIT`), or splits and dividends (for `TOTAL`), of the symbol were recorded, if
    only that there are none; before that they are unknown.

    An action counts once the stored bars of its company reach it, and for `actions_as_of` once it
    was known then. Bars and actions are of one version. Threads may share one.
    """

    def __init__(
        self,
        source: VersionedSource,
        actions: ActionSource,
        *,
        calendar: Callable[[str], Calendar],
    ) -> None:
        """Keep bars and actions, which their owner closes.

        Args:
            source: Raw bars, and series that were stored adjusted.
            actions: Corporate actions, of the same versions.
            calendar: Gives the calendar of a symbol: where its trading days begin.
        """
        self._source = source
        self._actions = actions
        self._calendar = calendar
        self._recipes: OrderedDict[BarQuery, Recipe] = OrderedDict()
        self._lock = Lock()

    def read(self, query: BarQuery, /) -> Bars:
        """Return the bars that open in the query's range, oldest first; see `BarSource.read`.

        Raises:
            UnknownSymbolError: no such series is stored, nor a raw one with recorded actions.
            InvalidRangeError: there is no such version yet.
            InvalidActionError: the actions do not fit the stored bars; the text says which.
            InputError: `actions_as_of` is given for a series that is only stored adjusted.
        """
        recipe = self.recipe_of(query)
        if recipe is None:
            return self._source.read(query)
        return self._adjusted(recipe, self._source.read(_raw(query, recipe)))

    def stream(self, query: BarQuery, *, rows: int = _ROWS) -> Iterator[Bars]:
        """Return an iterator over the same bars in parts of at most `rows`, in bounded memory."""
        if rows < 1:
            raise InvalidRangeError(f"rows {rows} is below the limit of 1", field="rows")
        recipe = self.recipe_of(query)
        if recipe is None:
            return self._source.stream(query, rows=rows)
        return self._adjusted_parts(recipe, self._source.stream(_raw(query, recipe), rows=rows))

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every series (of a timeframe) that can be read, sorted by symbol.

        Those made on read are marked `derived`.
        """
        stored = self._source.symbols(timeframe)
        keys = {info.series for info in stored}
        answered = self._actions.answered()
        companies = Companies(self._actions.namings())
        derived = [
            replace(info, series=replace(info.series, adjustment=to), derived=True)
            for info in stored
            if info.series.adjustment is Adjustment.RAW
            for to in (Adjustment.SPLIT, Adjustment.TOTAL)
            if replace(info.series, adjustment=to) not in keys
            and _is_answered(_companies_of(info.symbol, companies), answered, to)
        ]
        return sorted([*stored, *derived], key=lambda info: _order(info.series))

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; see `simutrador_core.dataset`.

        Adjusted rows are hashed as they are read, with a line for the actions used.

        Raises:
            UnknownSymbolError: a series is not stored, nor a raw one with recorded actions.
            InvalidBarsError: two queries read rows of one series and month.
        """
        recipes = [self.recipe_of(query) for query in queries]
        if not any(recipes):
            return self._source.dataset_id(queries)
        lines: list[str] = []
        digests: defaultdict[str, set[str]] = defaultdict(set)
        for query, recipe in zip(queries, recipes, strict=True):
            lines.extend(month_lines(self.stream(query)))
            if recipe is not None:
                digests[query.symbol].add(recipe.digest)
        actions = [dataset.action_line(s, joined_digest(found)) for s, found in digests.items()]
        return dataset.combine([*lines, *actions])

    def latest_commit(self) -> int:
        """Return the id of the newest commit, of bars or actions."""
        return self._source.latest_commit()

    def recipe_of(self, query: BarQuery) -> Recipe | None:
        """Return how a query is answered from raw bars; None when as it is stored.

        Raises:
            UnknownSymbolError: no such series is stored, nor a raw one with recorded actions.
            InputError: `actions_as_of` is given for a series that is only stored adjusted.
        """
        if query.adjustment is Adjustment.RAW:
            return None
        version = self._source.latest_commit() if query.as_of is None else query.as_of
        key = replace(query, start=EPOCH, end=EPOCH, as_of=version)  # a recipe is of any range
        with self._lock:
            known = self._recipes.get(key)
            if known is not None:
                self._recipes.move_to_end(key)
                return known
        made = self._make_recipe(query, version)
        if made is not None:
            with self._lock:
                self._recipes[key] = made
                while len(self._recipes) > _RECIPES:
                    self._recipes.popitem(last=False)
        return made

    def companies(self, *, as_of: int | None = None) -> Companies:
        """Return the companies that the recorded renames and delistings tell apart."""
        return Companies(self._actions.namings(as_of=as_of))

    def has(self, query: BarQuery) -> bool:
        """Return whether the series of a query can be read."""
        try:
            return self.recipe_of(query) is not None or self._is_stored(query)
        except UnknownSymbolError:
            return False

    def day_start(self, symbol: str, day: date) -> datetime:
        """Return when a trading day of a symbol begins."""
        return day_start(day, self._calendar(symbol))

    def _make_recipe(self, query: BarQuery, version: int) -> Recipe | None:
        stored = self._is_stored(query)
        if stored and query.actions_as_of is None:
            return None
        companies = Companies(known_by(self._actions.namings(as_of=version), query.actions_as_of))
        tenures = companies.tenures_of(query.symbol)
        owners = [companies.company_with(tenure) for tenure in tenures]
        answered = self._actions.answered(as_of=version)
        raw = replace(query, adjustment=Adjustment.RAW, actions_as_of=None, as_of=version)
        if not (_is_answered(owners, answered, query.adjustment) and self._is_stored(raw)):
            if stored:
                check_as_stored(query)
            self._source.read(replace(query, actions_as_of=None))  # says that it is unknown
            return None
        wanted = {t.symbol for company in owners for t in company}
        actions = [
            action
            for action in known_by(
                self._actions.actions(wanted, as_of=version), query.actions_as_of
            )
            if action.kind in PRICED[query.adjustment]
        ]
        holdings = [
            Holding(tenure, company, actions_of(company, actions))
            for tenure, company in zip(tenures, owners, strict=True)
        ]
        return Recipe(replace(query, as_of=version), holdings, self._source, self._calendar)

    def _is_stored(self, query: BarQuery) -> bool:
        nothing = replace(query, end=query.start, actions_as_of=None)
        try:
            self._source.read(nothing)
        except UnknownSymbolError:
            return False
        return True

    def _adjusted(self, recipe: Recipe, raw: Bars) -> Bars:
        if not len(raw):
            return replace(raw, adjustment=recipe.to)
        return recipe.apply(raw, recipe.factors(raw))

    def _adjusted_parts(self, recipe: Recipe, parts: Iterator[Bars]) -> Iterator[Bars]:
        factors = None
        for part in parts:
            if factors is None and len(part):
                factors = recipe.factors(part)
            yield (
                replace(part, adjustment=recipe.to)
                if factors is None
                else recipe.apply(part, factors)
            )


def _raw(query: BarQuery, recipe: Recipe) -> BarQuery:
    return replace(query, adjustment=Adjustment.RAW, actions_as_of=None, as_of=recipe.version)


def _companies_of(symbol: str, companies: Companies) -> list[Company]:
    return [companies.company_with(tenure) for tenure in companies.tenures_of(symbol)]


def _is_answered(
    companies: Iterable[Company],
    answered: Mapping[str, frozenset[ActionKind]],
    to: Adjustment,
) -> bool:
    kinds = {
        kind
        for company in companies
        for tenure in company
        for kind in answered.get(tenure.symbol, ())
    }
    return kinds >= PRICED[to]


def month_lines(parts: Iterable[Bars]) -> Iterator[str]:
    """Yield the lines of a stream, holding no more than a month and a part of it."""
    held: list[Bars] = []
    for part in parts:
        month = part.opened_at[-1:].view("datetime64[us]").astype("datetime64[M]")
        start = int(month.astype("datetime64[us]").view(np.int64)[0])
        cut = int(np.searchsorted(part.opened_at, start))
        if held and held[-1].opened_at[-1] < start:
            yield from dataset.month_lines(concat([*held, part.take(slice(0, cut))]))
            held = [part.take(slice(cut, len(part)))]
        else:
            held.append(part)
    if held:
        yield from dataset.month_lines(concat(held))


def joined_digest(digests: set[str]) -> str:
    """Return one digest for the actions that several reads of a symbol used."""
    if len(digests) == 1:
        return next(iter(digests))
    return blake2b("\n".join(sorted(digests)).encode(), digest_size=32).hexdigest()


def _order(key: SeriesKey) -> tuple[str, str, str]:
    return key.symbol, str(key.timeframe), str(key.adjustment)


__all__ = ["AdjustedBars"]
