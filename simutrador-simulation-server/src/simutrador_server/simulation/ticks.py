"""`TickFeed`: the text of every tick, rendered some hundred at a time, ahead of need.

A tick's text is fixed by the bars alone, so nothing is formatted while a client waits.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson

from simutrador_core.models.bars import D64, I64, Bars
from simutrador_core.models.columns import BoolArray
from simutrador_core.sessions.calendar import Schedule
from simutrador_engine.engine import Engine
from simutrador_server.simulation.wire import instant, price_text, volume_text

CHUNK: Final = 256
SECOND_US: Final = 1_000_000


class TickFeed:
    """The ticks of one engine, by step: the row in `engine.timeline.instants`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._instants = engine.timeline.instants
        self.begins = begins_of(session_of(self._instants, _main_schedule(engine)))
        """By step, 1 where a session begins and 0 elsewhere."""
        self._is_eod = _ends_of_day(engine)
        self._phases = _phases(self._instants, _main_schedule(engine))
        self._first = -1
        self._texts: list[str] = []

    def body(self, step: int) -> str:
        """Return the members of a tick's data from `sim_time` to `is_eod`, as JSON text.

        `sequence_id` is left out: it counts ticks, not steps.
        """
        if not self._first <= step < self._first + len(self._texts):
            self._first, self._texts = step, self._render(step, step + CHUNK)
        return self._texts[step - self._first]

    def _render(self, first: int, end: int) -> list[str]:
        part = slice(first, end)
        times = instants_text(self._instants[part])
        candles: list[dict[str, str]] = [{} for _ in times]
        for symbol in self._engine.config.symbols:
            rows = self._engine.timeline.rows[symbol][part]
            steps = np.flatnonzero(rows >= 0)
            texts = candle_texts(self._engine.bars[symbol].take(rows[steps]))
            for step, text in zip(steps.tolist(), texts, strict=True):
                candles[step][symbol] = text
        timeframe = self._engine.config.timeframe.value
        endings: list[bool] = self._is_eod[part].tolist()
        return [
            _body(*tick, timeframe)
            for tick in zip(times, candles, endings, self._phases[part], strict=True)
        ]


def _body(time: str, candles: dict[str, str], is_eod: bool, phase: str, timeframe: str) -> str:
    bars = ",".join(f"{_quoted(symbol)}:{text}" for symbol, text in candles.items())
    trading = orjson.dumps(list(candles)).decode()
    eod = "true" if is_eod else "false"
    return (
        f'"sim_time":"{time}","timeframe":"{timeframe}","candles":{{{bars}}},'
        f'"market_session":"{phase}","symbols_trading":{trading},"is_eod":{eod}'
    )


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def candle_texts(bars: Bars) -> list[str]:
    """Return each bar as a candle, JSON text, its date the instant it opens."""
    prices = (map(price_text, getattr(bars, name).tolist()) for name in _PRICES)
    volumes = map(volume_text, bars.volume.tolist())
    dates = instants_text(bars.opened_at)
    return [
        f'{{"date":"{date}","open":"{o}","high":"{h}","low":"{l}","close":"{c}","volume":"{v}"}}'
        for date, o, h, l, c, v in zip(dates, *prices, volumes, strict=True)  # noqa: E741
    ]


_PRICES: Final = ("open", "high", "low", "close")


def instants_text(at: I64) -> list[str]:
    """Return microseconds since the epoch as the wire has them, one text each."""
    if bool((at % SECOND_US).any()):
        return [instant(int(one)) for one in at]
    seconds = (at // SECOND_US).astype("datetime64[s]")
    texts: list[str] = np.datetime_as_string(seconds).tolist()
    return [f"{text}Z" for text in texts]


def session_of(instants: I64, schedule: Schedule | None) -> D64:
    """Return the session each close belongs to, datetime64[D] (n,); the UTC day without hours."""
    if schedule is None or not len(schedule):
        return (instants - 1).view("datetime64[us]").astype("datetime64[D]")
    row = np.minimum(np.searchsorted(schedule.closes, instants), len(schedule) - 1)
    return schedule.sessions[row]


def begins_of(sessions: D64) -> bytes:
    """Return 1 for each instant that is the first of its session, else 0."""
    first = np.ones(len(sessions), dtype=np.bool_)
    first[1:] = sessions[1:] != sessions[:-1]
    return first.tobytes()


def _main_schedule(engine: Engine) -> Schedule | None:
    return engine.config.schedules.get(engine.config.symbols[0])


def _ends_of_day(engine: Engine) -> BoolArray:
    """Return at which instants a session of any symbol closes."""
    instants = engine.timeline.instants
    closes = [schedule.closes for schedule in engine.config.schedules.values()]
    if not closes:
        return np.full(len(instants), not engine.config.timeframe.is_intraday)
    return np.isin(instants, np.concatenate(closes))


def _phases(instants: I64, schedule: Schedule | None) -> list[str]:
    """Return `regular` inside sessions; outside, which side of the night it is nearer to."""
    if schedule is None or not len(schedule):
        return ["regular"] * len(instants)
    after = np.searchsorted(schedule.opens, instants, side="left")
    before = np.maximum(after - 1, 0)
    since = instants - schedule.closes[before]
    until = schedule.opens[np.minimum(after, len(schedule) - 1)] - instants
    outside = np.where((since < until) | (until < 0), "after_hours", "pre_market")
    inside = (schedule.opens[before] < instants) & (since <= 0)
    phases: Any = np.where(inside, "regular", outside)
    return phases.tolist()
