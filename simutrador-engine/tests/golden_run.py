"""Reads docs/golden-run.md: plain data, so that any driver or server can play the same run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "golden-run.md"
MINUTE_US: Final = 60_000_000
Row = dict[str, str]


@dataclass(frozen=True)
class GoldenCommand:
    """One command: `action` is buy, sell, replace or cancel; numbers are texts as written."""

    tick: int
    action: str
    order_id: str
    terms: Row = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class GoldenRun:
    """The page as data. `lines` is the log without line feeds, the header first."""

    settings: Row
    config_text: str
    bars: list[Row]
    commands: list[GoldenCommand]
    account: list[Row]
    trades: list[Row]
    numbers: dict[str, str | None]
    lines: list[str]

    @property
    def symbol(self) -> str:
        """The one symbol traded."""
        return self.settings["symbols"]

    def opened_at(self, tick: int) -> int:
        """Return when the bar of a tick opens, microseconds UTC."""
        return int(self.settings["first_open"]) + (tick - 1) * MINUTE_US

    def log(self) -> bytes:
        """Return the exact bytes of the log."""
        return "".join(f"{line}\n" for line in self.lines).encode()

    def digest(self) -> str:
        """Return the sha256 of the settings as the page spells them."""
        return sha256(self.config_text.encode()).hexdigest()


def read() -> GoldenRun:
    """Return what the page says."""
    text = PAGE.read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    blocks: dict[str, str] = dict(re.findall(r"```(\w+)\n(.*?)\n```", parts["Log"], re.DOTALL))
    numbers = {row["number"]: row["value"] for row in _table(parts["Numbers"])}
    return GoldenRun(
        settings={row["setting"]: row["value"] for row in _table(parts["Setting"])},
        config_text=blocks["text"],
        bars=_table(parts["Bars"]),
        commands=[_command(row) for row in _table(parts["Commands"])],
        account=_table(parts["Account after each tick"]),
        trades=_table(parts["Round trips"]),
        numbers={name: None if value == "-" else value for name, value in numbers.items()},
        lines=blocks["json"].split("\n"),
    )


def _table(text: str) -> list[Row]:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]
    names = rows[0]
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def _command(row: Row) -> GoldenCommand:
    first, *terms = row["command"].split(", ")
    action, order_id = first.split()
    return GoldenCommand(
        int(row["after tick"]), action, order_id, {t.split()[0]: t.split()[1] for t in terms}
    )
