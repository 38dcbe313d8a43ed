"""Finds out whether absent bars can exist at all, and notes what is found in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import Adjustment
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.gap_filling.activity import Activity, ask_for_trades
from simutrador_data.services.gap_filling.case import Case
from simutrador_data.services.gap_filling.confirming import (
    absent_from_two,
    asked_for,
    vendors_asked,
    whole_by_volume,
)
from simutrador_data.services.gap_filling.noting import note
from simutrador_data.services.gap_filling.periods import Periods
from simutrador_data.services.validation.notes import NO_TRADE, TRADED
from simutrador_data.services.validation.spans import Spans


@dataclass(slots=True)
class Confirmation:
    """What was found out about the absent bars of one case.

    Attributes:
        case: Which series.
        answers: What vendors said about trades, in this run.
        requests: How often they were asked.
        commits: Ids of the commits that hold the notes.
    """

    case: Case
    answers: list[Activity] = field(default_factory=list[Activity])
    requests: int = 0
    commits: list[int] = field(default_factory=list[int])

    def unasked(self, periods: Periods) -> Spans:
        """Return what of the periods nobody was asked for trades of, as far as it is final."""
        coverage = self.case.coverage()
        asked = [asked_for(coverage, self.case.hours, prefix) for prefix in (NO_TRADE, TRADED)]
        return self._final(periods).without(Spans.joined(asked))

    async def ask_for_trades(self, spans: Spans, providers: Sequence[DataProvider]) -> None:
        """Ask the first provider that answers whether anything traded; note each answer."""
        for start, end in spans.pairs():
            for provider in providers:
                self.requests += 1
                answer = await ask_for_trades(provider, self.case.series.symbol, start, end)
                self.answers.append(answer)
                if answer.traded is not None:
                    await in_thread(
                        lambda a=answer, p=provider: self._note(
                            Spans.range(a.start, a.end),
                            f"{TRADED if a.traded else NO_TRADE}trades of {p.name}",
                        )
                    )
                    break

    def conclude(self, periods: Periods) -> None:
        """Note what two vendors and the volume of the day say; nobody is asked for it."""
        if not len(periods):
            return
        coverage = self.case.coverage()
        traded = asked_for(coverage, self.case.hours, TRADED)
        open_still = self._final(periods).without(traded)
        whole = self._whole(periods, open_still)
        self._note(whole, f"{NO_TRADE}the stored bars make up the daily volume")
        asked = vendors_asked(coverage, self.case.hours)
        for names, spans in absent_from_two(open_still.without(whole), asked).items():
            self._note(spans, f"{NO_TRADE}no bar at {' nor at '.join(names)}")

    def activity(self, start: int, end: int) -> bool | None:
        """Return whether trades were found in a period, None where nobody looked or answered."""
        said = {a.traded for a in self.answers if a.start < end and start < a.end} - {None}
        return None if not said else True in said

    def error(self, start: int, end: int) -> str:
        """Return why nobody could tell whether anything traded, or ``."""
        failed = [a.error for a in self.answers if a.error and a.start < end and start < a.end]
        return failed[-1] if failed else ""

    def _final(self, periods: Periods) -> Spans:
        return periods.spans.clipped(0, max(0, self.case.final_until))

    def _whole(self, periods: Periods, absent: Spans) -> Spans:
        series = self.case.series
        if not series.timeframe.is_intraday or series.adjustment is not Adjustment.RAW:
            return Spans.range(0, 0)
        schedule = self.case.schedule(periods)
        days = self.case.days(schedule)
        first = min(int(days[0][0]), int(schedule.opens[0]))
        last = max(int(days[1][-1]), int(schedule.closes[-1]))
        daily = self.case.daily(from_us(first), from_us(last))
        if not len(daily):
            return Spans.range(0, 0)
        bars = self.case.read(series, from_us(first), from_us(last))
        return whole_by_volume(absent, bars, daily, schedule, days)

    def _note(self, spans: Spans, source: str) -> None:
        case = self.case
        self.commits += note(
            case.store, case.series, spans, source=source, asked_at=case.desk.now()
        )
