"""A line chart as SVG text: area under a curve, a few round labels, no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import floor, log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 960
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 16, 12, 28
_COLUMNS: Final = 430  # two points for each pair of pixels: more cannot be seen

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw.

    Attributes:
        name: For people who cannot see it, and for its style: `equity`, `drawdown`.
        at: When each value stood, ascending.
        values: float64 (n,).
        label: Turns a value into the text of its grid line.
        height: Pixels.
        base: The value the area starts from; None starts at the bottom.
    """

    name: str
    at: Sequence[datetime]
    values: F64
    label: Callable[[float], str]
    height: int = 280
    base: float | None = None


def svg(chart: Chart) -> str:
    """Return the chart; without two values a box that says so."""
    if len(chart.values) < 2:
        return f'<p class="empty">Too few values for a chart of {chart.name}.</p>'
    low, high = _bounds(chart)
    inner = chart.height - _TOP - _BOTTOM
    index = thin(chart.values)
    x = _LEFT + index / (len(chart.values) - 1) * (WIDTH - _LEFT - _RIGHT)
    y = _TOP + (high - chart.values[index]) / (high - low) * inner
    base = low if chart.base is None else chart.base
    floor_y = _TOP + (high - base) / (high - low) * inner
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg class="chart {chart.name}" viewBox="0 0 {WIDTH} {chart.height}" role="img" '
        f'aria-label="{chart.name} over time">'
        + "".join(_grid(value, chart, low, high) for value in round_steps(low, high))
        + "".join(_dates(chart))
        + f'<polygon points="{x[0]:.1f},{floor_y:.1f} {line} {x[-1]:.1f},{floor_y:.1f}"/>'
        + f'<polyline points="{line}"/></svg>'
    )


def thin(values: F64) -> NDArray[np.int64]:
    """Return which values to draw: all when few, else the least and greatest of each column."""
    count = len(values)
    if count <= 2 * _COLUMNS:
        return np.arange(count)
    edges = np.linspace(0, count, _COLUMNS + 1).astype(np.int64)
    chosen = {0, count - 1}
    for first, last in pairwise(edges.tolist()):
        part = values[first:last]
        chosen.update((first + int(part.argmin()), first + int(part.argmax())))
    return np.array(sorted(chosen))


def round_steps(low: float, high: float, *, most: int = 6) -> list[float]:
    """Return round values inside the bounds, a step of 1, 2 or 5 times a power of ten apart."""
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = -floor(-low / step + 1e-9), floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def _bounds(chart: Chart) -> tuple[float, float]:
    low, high = float(chart.values.min()), float(chart.values.max())
    if chart.base is not None:
        low, high = min(low, chart.base), max(high, chart.base)
    if low == high:
        edge = abs(low) * 0.01 or 1.0
        return low - edge, high + edge
    margin = (high - low) * 0.04
    return (low if low == chart.base else low - margin), (
        high if high == chart.base else high + margin
    )


def _grid(value: float, chart: Chart, low: float, high: float) -> str:
    y = _TOP + (high - value) / (high - low) * (chart.height - _TOP - _BOTTOM)
    return (
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{chart.label(value)}</text>'
    )


def _dates(chart: Chart, *, most: int = 6) -> list[str]:
    count = len(chart.at)
    index = np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))
    whole_days = chart.at[-1] - chart.at[0]
    form = "%Y-%m-%d" if whole_days.days > most else "%m-%d %H:%M"
    texts: list[str] = []
    for i in index:
        x = _LEFT + i / (count - 1) * (WIDTH - _LEFT - _RIGHT)
        anchor = "start" if i == 0 else "end" if i == count - 1 else "middle"
        texts.append(
            f'<text x="{x:.1f}" y="{chart.height - 8}" text-anchor="{anchor}">'
            f"{chart.at[i].strftime(form)}</text>"
        )
    return texts
