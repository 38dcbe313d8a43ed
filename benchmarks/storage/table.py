"""The rows of the table: what each store took, and what is asked of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OURS: Final = "simutrador"
ASIDE: Final = frozenset({"deltastore"})
"""Stores of ours that are shown among the peers and compared with nothing."""
HEADING: Final = "## Storage"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        work: What was done.
        unit: Of the numbers.
        taken: What each store took; less is better.
        at_most: The ratio of ours to the best peer that is asked for, or None.
        limit: The figure of ours that is asked for, or None.
        against: The peers that count; empty stands for all of them.
        note: Shown behind our figure.
    """

    work: str
    unit: str
    taken: Mapping[str, float]
    at_most: float | None = None
    limit: float | None = None
    against: Sequence[str] = ()
    note: str = ""

    @property
    def ours(self) -> float:
        """What ours took."""
        return self.taken[OURS]

    @property
    def best(self) -> tuple[str, float] | None:
        """The best peer that counts and what it took; None without peers."""
        peers = [name for name in self.taken if name != OURS and name not in ASIDE]
        named = [name for name in peers if name in self.against] if self.against else peers
        name = min(named, key=lambda peer: self.taken[peer], default=None)
        return None if name is None else (name, self.taken[name])

    @property
    def ratio(self) -> float | None:
        """Ours divided by the best peer's."""
        return self.ours / self.best[1] if self.best else None

    @property
    def holds(self) -> bool | None:
        """Whether ours is as good as asked; None where nothing is asked."""
        if self.limit is not None:
            return self.ours <= self.limit
        if self.at_most is None or self.ratio is None:
            return None
        return self.ratio <= self.at_most

    def cells(self) -> list[str]:
        """Return the row as text."""
        others = [f"{name} {took:.3g}" for name, took in self.taken.items() if name != OURS]
        asked = "-"
        if self.limit is not None:
            asked = f"<= {self.limit:g} {self.unit}"
        elif self.at_most is not None:
            asked = f"<= {self.at_most:g}"
        return [
            self.work,
            f"{self.ours:.3g} {self.unit}{self.note}",
            f"{self.best[1]:.3g} ({self.best[0]})" if self.best else "-",
            f"{self.ratio:.2f}" if self.ratio is not None else "-",
            asked,
            {True: "yes", False: "no", None: "-"}[self.holds],
            ", ".join(others) or "-",
        ]


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ["work", "ours", "best peer", "ratio", "asked", "holds", "all peers"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def keep(text: str, results: Path) -> None:
    """Put the section of this benchmark into the results, leaving those of others."""
    old = results.read_text(encoding="utf-8") if results.exists() else "# Benchmark results\n"
    parts = [part.strip() for part in old.split("\n## ")]
    kept = [part for part in parts[1:] if not part.startswith(HEADING[3:] + "\n")]
    sections = [parts[0], *(f"## {part}" for part in kept), f"{HEADING}\n\n{text}"]
    results.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
