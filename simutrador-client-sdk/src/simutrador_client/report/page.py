"""The page: results first, then the curve, then every trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from importlib.resources import files

import numpy as np

from simutrador_client.payloads import End
from simutrador_client.recording import Record
from simutrador_client.report.chart import Chart, svg
from simutrador_client.trades import Trade

_ABSENT = "-"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was run.

    Attributes:
        strategy: Its name.
        symbols: What was traded.
        timeframe: Of the bars.
        start: Day the first bar opens.
        end: Day the last bar closes.
        session_id: The server's name for the simulation.
    """

    strategy: str
    symbols: Sequence[str]
    timeframe: str
    start: str
    end: str
    session_id: str


def metrics(end: End) -> list[tuple[str, str]]:
    """Return name and text of each result, in reading order; what is not defined is a dash."""
    return [
        ("Final equity", _money(end.final_equity)),
        ("Total return", _percent(end.total_return_pct)),
        ("Max drawdown", _percent(end.max_drawdown_pct)),
        ("Sharpe ratio", _number(end.sharpe_ratio)),
        ("Sortino ratio", _number(end.sortino_ratio)),
        ("Calmar ratio", _number(end.calmar_ratio)),
        ("Trades", _count(end.total_trades)),
        ("Win rate", _share(end.win_rate)),
        ("Commission", _money(end.total_commission)),
    ]


def page(facts: RunFacts, record: Record) -> str:
    """Return the whole HTML document."""
    end = record.end or End({})
    curve = np.array([float(record.capital), *record.equity])
    peak = np.maximum.accumulate(curve)
    fall = -(1.0 - curve / peak) * 100.0
    equity = Chart("equity", record.at, curve[1:], _short_money)
    drawdown = Chart("drawdown", record.at, fall[1:], lambda v: f"{v:g} %", 150, base=0.0)
    title = f"{facts.strategy} on {', '.join(facts.symbols)}"
    span = f"{facts.start} to {facts.end}, {facts.timeframe} bars"
    style = files("simutrador_client.report").joinpath("style.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{style}</style>
<main>
<h1>{escape(title)}</h1>
<p class="span">{escape(span)}, starting with {_money(record.capital)}</p>
<dl class="tiles">{_tiles(metrics(end))}</dl>
<h2>Equity</h2>{svg(equity)}
<h2>Drawdown</h2>{svg(drawdown)}
<h2>Trades</h2>{_trades(record.book.trades)}
{_warnings(record.notes())}
<h2>What this can be repeated from</h2>
<dl class="facts">{_facts(facts, record, end)}</dl>
</main>
</html>
"""


def _tiles(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in rows)


def _trades(trades: Sequence[Trade]) -> str:
    if not trades:
        return '<p class="empty">No round trip was closed.</p>'
    head = "".join(f"<th>{name}</th>" for name in ("Symbol", "Side", "Entry", "Exit"))
    numbers = ("Quantity", "Entry price", "Exit price", "Profit")
    head += "".join(f'<th class="number">{name}</th>' for name in numbers)
    rows = "".join(_trade(trade) for trade in trades)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _trade(trade: Trade) -> str:
    side = "long" if trade.quantity > 0 else "short"
    texts = (trade.symbol, side, _when(trade.entry_at), _when(trade.exit_at))
    numbers = (f"{abs(trade.quantity):f}", f"{trade.entry_price:f}", f"{trade.exit_price:f}")
    sign = "gain" if trade.pnl > 0 else "loss" if trade.pnl < 0 else ""
    return (
        "<tr>"
        + "".join(f"<td>{escape(text)}</td>" for text in texts)
        + "".join(f'<td class="number">{text}</td>' for text in numbers)
        + f'<td class="number {sign}">{_money(trade.pnl)}</td></tr>'
    )


def _warnings(texts: Sequence[str]) -> str:
    if not texts:
        return ""
    rows = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<h2>Warnings</h2><ul>{rows}</ul>"


def _facts(facts: RunFacts, record: Record, end: End) -> str:
    rows = [
        ("Dataset", end.dataset_id or _ABSENT),
        ("Event log (SHA-256)", end.log_sha256 or _ABSENT),
        ("Simulation", facts.session_id),
        ("Ticks, fills", f"{len(record.at):,}, {len(record.fills):,}"),
        ("Ambiguous fills", _count(end.ambiguous_fills)),
    ]
    return "".join(
        f"<div><dt>{name}</dt><dd><code>{escape(text)}</code></dd></div>" for name, text in rows
    )


def _when(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at is not None else _ABSENT


def _money(value: Decimal | None) -> str:
    return f"{value:,.2f}" if value is not None else _ABSENT


def _short_money(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return f"{value:.2f} %" if value is not None else _ABSENT


def _share(value: float | None) -> str:
    return f"{value * 100:.1f} %" if value is not None else _ABSENT


def _number(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else _ABSENT


def _count(value: int | None) -> str:
    return f"{value:,}" if value is not None else _ABSENT
