"""The report: round grid lines, few points, nothing from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from simutrador_client.cli.live import LiveProgress
from simutrador_client.errors import SessionError
from simutrador_client.payloads import End, Fill, SimulationInfo
from simutrador_client.recording import Record
from simutrador_client.report import RunFacts, metrics, page
from simutrador_client.report.chart import Chart, round_steps, svg, thin

FACTS = RunFacts("<Mine>", ["AAPL", "IBM"], "daily", "2023-01-02", "2023-02-01", "s1")
START = datetime(2023, 1, 2, 21, tzinfo=UTC)


def record_of(*equity: float) -> Record:
    days = [START + timedelta(days=n) for n in range(len(equity))]
    return Record(Decimal(100), at=days, equity=list(equity))


class Balance(HTMLParser):
    """Fails when a tag is closed that is not open."""

    VOID = frozenset({"meta", "line", "polygon", "polyline", "html"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_needs_nothing_from_outside() -> None:
    record = record_of(100, 110, 99)
    for side, price in (("sell", "10"), ("buy", "12.5")):
        fill = {"symbol": "AAPL", "side": side, "executed_quantity": 2, "executed_price": price}
        record.book.add(Fill(fill))
    record.warnings.append(SessionError("a < b"))
    text = page(FACTS, record)
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    for part in ("&lt;Mine&gt; on AAPL, IBM", "short", "-5.00", "a &lt; b", "01-04 21:00"):
        assert part in text
    for word in ("http:", "https:", "<script", "url(", "@import"):
        assert word not in text


@pytest.mark.parametrize("equity", [(), (100.0,), (100.0, 100.0)])
def test_a_run_with_hardly_a_tick_has_a_page_too(equity: tuple[float, ...]) -> None:
    text = page(FACTS, record_of(*equity))
    assert "No round trip was closed." in text
    assert ("Too few values" in text) == (len(equity) < 2)


def test_metrics_that_are_not_defined_are_a_dash() -> None:
    assert {text for _, text in metrics(End({}))} == {"-"}
    results = {"final_equity": "19477.7", "max_drawdown_pct": 9.033297, "win_rate": 0.5}
    shown = dict(metrics(End({**results, "total_trades": 46, "sharpe_ratio": 1.10561})))
    assert shown["Final equity"] == "19,477.70"
    assert shown["Max drawdown"] == "9.03 %"
    assert shown["Win rate"] == "50.0 %"
    assert (shown["Trades"], shown["Sharpe ratio"]) == ("46", "1.106")


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=5000))
def test_thinning_keeps_ends_and_extremes_in_order(values: list[float]) -> None:
    given_values = np.array(values)
    index = thin(given_values)
    assert (np.diff(index) > 0).all()
    assert len(index) <= 862
    assert {0, len(values) - 1} <= set(index.tolist())
    assert given_values[index].max() == given_values.max()
    assert given_values[index].min() == given_values.min()


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (9_800, 12_150, [10_000, 10_500, 11_000, 11_500, 12_000]),
        (-0.2, 0.1, [-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1]),
    ],
)
def test_grid_lines_stand_at_round_values(low: float, high: float, steps: list[float]) -> None:
    assert round_steps(low, high) == pytest.approx(steps)


def test_a_chart_of_hours_is_labelled_with_hours() -> None:
    at = [START + timedelta(hours=n) for n in range(3)]
    text = svg(Chart("equity", at, np.array([1.0, 2.0, 3.0]), str))
    assert "01-02 23:00" in text


def test_a_long_curve_is_drawn_with_few_points() -> None:
    record = record_of(*np.linspace(100, 200, 20_000))
    assert page(FACTS, record).count(",") < 10_000


def test_live_progress_shows_date_equity_and_fills_on_a_terminal() -> None:
    text = StringIO()
    record = record_of(100, 1234.5)
    record.info = SimulationInfo({"estimated_ticks": 2})
    with LiveProgress(Console(file=text, force_terminal=True, width=100)) as live:
        live.step(record)
    assert "2023-01-03" in text.getvalue()
    assert "equity 1,234.50  fills 0" in text.getvalue()
