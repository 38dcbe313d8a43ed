"""`Pursuit`: asks one provider for ranges until all is settled or given up. It never awaits.

What a page says is believed where bars stand around it. At the edge of an answer it is not: a page
that lacks its first or last bars, or holds none while the exchange traded, may be cut off. Such a
range is asked for again together with the bar beside it, its anchor: silence counts once the
vendor repeats the anchor and still has nothing there. An answer without any bar is never believed
where bars are due.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np

from simutrador_core.interfaces.data_provider import BarPage
from simutrador_core.models.bars import SeriesKey, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.files import RejectedRow
from simutrador_data.services.downloading.asks import Ask, Failure, Patience, Taken
from simutrador_data.services.downloading.checking import Checked, PageFault, check_page
from simutrador_data.services.downloading.hours import LATENCY_US, TradingHours
from simutrador_data.services.validation.spans import Spans

PUBLISHED: Final = timedelta(days=2)
"""Whole sessions at the end of an answer are believed absent once they are so old."""

_PUBLISHED_US: Final = PUBLISHED // timedelta(microseconds=1)
_STALLS: Final = 2


@dataclass(slots=True)
class Pursuit:
    """What is still to be settled, and what is known of the answers so far.

    Attributes:
        series: Whose bars are asked for.
        hours: When they are due.
        todo: What is neither settled nor given up.
        failures: What was given up.
        stored: Opens of stored bars beside what is asked for, int us UTC: anchors that an earlier
            download left, where this one was killed before it could confirm a silence.
        page_us: How much time one page holds, as far as is known; ranges so near to each other are
            asked for together.
    """

    series: SeriesKey
    hours: TradingHours
    todo: Spans
    patience: Patience = field(default_factory=Patience)
    failures: list[Failure] = field(default_factory=list[Failure])
    stored: Sequence[int] = ()
    page_us: int = 0
    _doubts: Spans = field(default_factory=lambda: Spans.range(0, 0))
    _edges: list[int] = field(default_factory=list[int])
    _claimed: Spans = field(default_factory=lambda: Spans.range(0, 0))
    _has_news: bool = False
    _ask: Ask = field(default_factory=lambda: Ask(0, 0))
    _before: int = 0
    _at: int = 0
    _reached: int = 0
    _repeated: set[int | None] = field(default_factory=set[int | None])
    _stalls: int = 0
    _silences: dict[int, int] = field(default_factory=dict[int, int])
    _faults: int = 0
    _outages: int = 0
    _bad: set[int] = field(default_factory=set[int])
    _is_bad: bool = False

    def __post_init__(self) -> None:
        """Take stored bars for anchors too."""
        self._edges = sorted(self.stored)

    def next_ask(self) -> Ask | None:
        """Return what to ask for next, or None when all is settled or given up."""
        fresh = self.todo.without(self._doubts)
        if len(fresh):
            ask = Ask(*self._first(fresh))
        elif len(self.todo):
            ask = self._confirming()
        else:
            return None
        self._ask, self._before = ask, self.todo.length
        # Silences are counted by where the first open range of an ask begins.
        self._at = int(self.todo.clipped(ask.start, ask.end).starts[0])
        self._reached, self._stalls, self._is_bad = ask.start, 0, False
        self._repeated.clear()
        self._claimed, self._has_news = Spans.range(0, 0), False
        return ask

    def take(self, page: BarPage, *, now_us: int, asked_us: int) -> Taken:
        """Judge the next page of the answer, asked for and come then; settle what it settles.

        Raises:
            PageFault: the page is no answer, or the vendor repeats itself: stop reading.
        """
        ask = self._ask
        checked = check_page(
            page,
            series=self.series,
            start=ask.start,
            end=ask.end,
            now_us=now_us,
            asked_us=asked_us,
            hours=self.hours,
        )
        believed = self._believed(checked).without(checked.broken)
        opens = checked.bars.opened_at
        is_new = self.todo.contain(opens, opens + 1)
        covered = believed.within(self.todo)
        self._check_advance(to_us(page.covered[1]), bool(is_new.any()) or len(covered) > 0)
        if len(opens):
            self.page_us = max(self.page_us, int(opens[-1] - opens[0]))
            insort(self._edges, int(opens[0]))
            insort(self._edges, int(opens[-1]))
            self._has_news |= bool(is_new.any())
        anchors = (self._ask.left, self._ask.right)
        self._repeated |= {a for a in anchors if a is not None and bool(np.any(opens == a))}
        claimed = Spans.range(*checked.claim).without(checked.broken)
        self._claimed = Spans.joined([self._claimed, claimed])
        self._doubts = Spans.joined([self._doubts, claimed]).without(believed)
        self.todo = self.todo.without(believed)
        return Taken(
            bars=checked.bars.take(is_new),
            covered=covered,
            repeated=int((~is_new).sum()),
            rejected=self._new_rejected(checked),
            unfinished=checked.unfinished,
            outside=checked.outside,
        )

    def end_answer(self, *, now_us: int) -> Spans:
        """Note that the answer ended as it should; return what it settles beside its pages."""
        confirmed = self._confirmed(now_us)
        self._doubts = self._doubts.without(confirmed)
        self.todo = self.todo.without(confirmed)
        self._drop_what_is_not_due(now_us)
        if self._forget_if_advanced():
            return confirmed
        silences = self._silences[self._at] = self._silences.get(self._at, 0) + 1
        if silences >= self.patience.silences:
            what = "bars that break a rule" if self._is_bad else "no bars though bars are due"
            self._give_up(f"{what}, asked {silences} times")
        return confirmed

    @property
    def wait_s(self) -> float:
        """Seconds to wait before asking again: none after an answer that brought something."""
        times = self._silences.get(self._at, 0) + self._faults + self._outages
        wait = self.patience.first_wait_s * 2.0 ** (times - 1)
        return min(self.patience.longest_wait_s, wait) if times else 0.0

    def fault(self, reason: str) -> None:
        """Note an answer that cannot be right."""
        self._forget_if_advanced()
        self._faults += 1
        if self._faults >= self.patience.faults:
            self._give_up(f"{reason} ({self._faults} times)")

    def outage(self, reason: str) -> None:
        """Note that the vendor gave no answer, after all retries of one request."""
        self._forget_if_advanced()
        self._outages += 1
        if self._outages >= self.patience.outages:
            self.give_up(reason)

    def give_up(self, reason: str) -> None:
        """Count all that is left as failed."""
        if len(self.todo):
            self._ask = Ask(int(self.todo.starts[0]), int(self.todo.ends[-1]))
        self._give_up(reason)

    def give_up_ask(self, reason: str) -> None:
        """Count what was asked for last as failed."""
        self._give_up(reason)

    def _believed(self, checked: Checked) -> Spans:
        """Return the part of a page's claim that its bars, or the calendar, bear out."""
        low, high = checked.claim
        within = checked.bars.between(low, high)
        if not len(within):
            silent = self.hours.expects_bars(low, high)
            return Spans.range(low, low if silent else high)
        first, last = self.hours.extent(within)
        start = first if self.hours.expects_bars(low, first) else low
        return Spans.range(start, last if self.hours.expects_bars(last, high) else high)

    def _confirmed(self, now_us: int) -> Spans:
        """Return the doubts that the answer bears out: it repeats every anchor beside them.

        An answer that brings bars brings new edges too: what is still absent is asked for beside
        those, so that no silence is believed across the border of two pages.
        """
        ask = self._ask
        anchors = {ask.left, ask.right} - {None}
        if self._has_news or not anchors or not anchors <= self._repeated:
            return Spans.range(0, 0)
        found = self._doubts.within(self._claimed)
        if ask.right is not None or not len(found):
            return found
        # Nothing stands behind the last doubt: what is recent may not be published yet.
        last, end = int(found.starts[-1]), int(found.ends[-1])
        whole = self.hours.holds_session(last, end)
        return found.clipped(0, max(last, now_us - _PUBLISHED_US) if whole else end)

    def _check_advance(self, reached: int, has_news: bool) -> None:
        self._stalls = 0 if has_news or reached > self._reached else self._stalls + 1
        self._reached = max(self._reached, reached)
        if self._stalls >= _STALLS:
            raise PageFault("gave the same page again and again")

    def _new_rejected(self, checked: Checked) -> tuple[RejectedRow, ...]:
        """Return the rejected rows whose place had none before."""
        self._is_bad |= bool(checked.rejected)
        at = checked.rejected_at.tolist()
        fresh = [
            row
            for row, instant in zip(checked.rejected, at, strict=True)
            if instant not in self._bad
        ]
        self._bad.update(at)
        return tuple(fresh)

    def _drop_what_is_not_due(self, now_us: int) -> None:
        """Forget what no bar can be missing from: closed hours, and what may yet come."""
        due = self.todo.clipped(self._ask.start, min(self._ask.end, now_us - LATENCY_US))
        kept = [Spans.range(*one) for one in due.pairs() if self.hours.expects_bars(*one)]
        asked = Spans.range(self._ask.start, self._ask.end)
        self.todo = Spans.joined([self.todo.without(asked), *kept])
        self._doubts = self._doubts.within(self.todo)

    def _forget_if_advanced(self) -> bool:
        """Begin to count anew where the answer settled something; return whether it did."""
        advanced = self.todo.length < self._before
        if advanced:
            self._forget()
        return advanced

    def _forget(self) -> None:
        self._silences.pop(self._at, None)
        self._faults = self._outages = 0

    def _give_up(self, reason: str) -> None:
        asked = Spans.range(self._ask.start, self._ask.end)
        self.failures += [Failure(*lost, reason) for lost in self.todo.within(asked).pairs()]
        self.todo = self.todo.without(asked)
        self._forget()

    def _first(self, spans: Spans) -> tuple[int, int]:
        """Return the first range, with those after it that one page could hold as well."""
        start, end = int(spans.starts[0]), int(spans.ends[0])
        near = spans.ends[spans.ends - start <= self.page_us]
        return start, max(end, int(near[-1])) if len(near) else end

    def _confirming(self) -> Ask:
        start, end = self._first(self.todo)
        if self.hours.holds_session(start, end) and start not in self._silences:
            return Ask(start, end)  # much is absent: a page was lost, and one request brings it
        left, right = self._anchors(start, end)
        if left is None or right is None:  # an edge of all that is known: by itself
            start, end = int(self.todo.starts[0]), int(self.todo.ends[0])
            left, right = self._anchors(start, end)
        return Ask(
            start if left is None else left,
            end if right is None else right + self._step,
            left=left,
            right=right,
        )

    def _anchors(self, start: int, end: int) -> tuple[int | None, int | None]:
        before, after = bisect_left(self._edges, start), bisect_left(self._edges, end)
        left = self._edges[before - 1] if before else None
        return left, self._edges[after] if after < len(self._edges) else None

    @property
    def _step(self) -> int:
        timeframe = self.series.timeframe
        return timeframe_us(timeframe if timeframe.is_intraday else Timeframe.MINUTE_1)
