"""Compare the bar store with others, side by side in one run: `scripts/benchmark storage`."""
# ruff: noqa: S603, T201 - a script: it starts itself anew and prints its table

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"
HEADING: Final = "## Storage"
SYMBOL: Final = "SPY"


@dataclass(frozen=True)
class Row:
    """One line of the table: what each store took, and the ratio asked of ours to the best peer."""

    work: str
    unit: str
    taken: Mapping[str, float]
    at_most: float

    @property
    def best(self) -> tuple[str, float]:
        """The best peer and what it took."""
        peers = {name: value for name, value in self.taken.items() if name != "simutrador"}
        name = min(peers, key=lambda peer: peers[peer])
        return name, peers[name]

    @property
    def ratio(self) -> float:
        """Ours divided by the best peer's: less is better."""
        return self.taken["simutrador"] / self.best[1]

    @property
    def holds(self) -> bool:
        """Whether the ratio is the one asked for."""
        return self.ratio <= self.at_most

    def cells(self) -> list[str]:
        """Return the row as text."""
        name, value = self.best
        others = ", ".join(
            f"{peer} {took:.3g}" for peer, took in self.taken.items() if peer != "simutrador"
        )
        return [
            self.work, f"{self.taken['simutrador']:.3g} {self.unit}", f"{value:.3g} ({name})",
            f"{self.ratio:.2f}", f"<= {self.at_most}", "yes" if self.holds else "no", others,
        ]  # fmt: skip


def timed(act: Callable[[], object], *, rounds: int) -> float:
    """Return the median of some rounds, milliseconds."""
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1_000)
    return median(taken)


def measure(folder: Path, *, quick: bool) -> list[Row]:
    """Measure every store and return the rows."""
    from market import MONTH, SESSION, minutes, session_start
    from stores import STORES

    sessions, symbols, days, rounds = (252, 40, 20, 5) if quick else (2_520, 200, 60, 9)
    whole = minutes(sessions, seed=1)
    months = {f"S{number:03}": minutes(63, seed=number + 2) for number in range(symbols)}
    start, middle, end = (session_start(at) for at in (0, sessions // 2, sessions + 2 * days))
    day_end = session_start(sessions // 2 + 1)
    month = session_start(21), session_start(42)
    taken: dict[str, dict[str, float]] = {}
    for kind in STORES:
        store = kind(folder / kind.name)
        mine = taken[kind.name] = {}
        mine["write"] = timed(lambda: store.write(SYMBOL, whole), rounds=1)  # noqa: B023
        store.tidy()
        mine["bytes"] = store.size() / len(whole)
        for symbol, frame in months.items():
            store.write(symbol, frame)
        store.tidy()
        found = store.read(SYMBOL, start, end)
        assert found["close"].tolist() == whole["close"].tolist(), kind.name
        mine["all"] = timed(lambda: store.read(SYMBOL, start, end), rounds=rounds)  # noqa: B023
        mine["day"] = timed(lambda: store.read(SYMBOL, middle, day_end), rounds=rounds * 5)  # noqa: B023
        assert len(store.read(SYMBOL, middle, day_end)) == SESSION
        mine["month"] = timed(lambda: store.read_many(list(months), *month), rounds=3)  # noqa: B023
        assert store.read_many(list(months), *month) == MONTH * symbols
        closes = [float(frame["close"].iloc[-1]) for frame in months.values()]
        assert store.latest(list(months)) == closes, kind.name
        mine["latest"] = timed(lambda: store.latest(list(months)), rounds=3)  # noqa: B023
        later = iter([minutes(1, seed=9, first=sessions + day) for day in range(days)])
        mine["append"] = timed(lambda: store.append(SYMBOL, next(later)), rounds=days)  # noqa: B023
        again = iter([minutes(1, seed=8, first=sessions + day) for day in range(days)])
        mine["replace"] = timed(lambda: store.replace(SYMBOL, next(again)), rounds=days)  # noqa: B023
        if kind.name == "simutrador":
            store.dataset_id(SYMBOL, start, end)
            known = timed(lambda: store.dataset_id(SYMBOL, start, end), rounds=rounds)  # noqa: B023
            print(f"dataset_id of {len(whole):,} rows, months known: {known:.2f} ms", flush=True)
    figures = (
        ("bytes per row", "B", "bytes", 1.0),
        (f"write {len(whole):,} rows, durable", "ms", "write", 2.5),
        ("append one day, durable, p50", "ms", "append", 0.3),
        ("replace one day, durable, p50", "ms", "replace", 0.3),
        ("read all to pandas", "ms", "all", 0.5),
        ("read one day, p50", "ms", "day", 0.25),
        (f"one month x {symbols} symbols to pandas", "ms", "month", 0.25),
        (f"latest bar of {symbols} symbols", "ms", "latest", 0.05),
    )
    return [
        Row(work, unit, {name: mine[key] for name, mine in taken.items()}, limit)
        for work, unit, key, limit in figures
    ]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ["work", "ours", "best peer", "ratio", "asked", "holds", "all peers"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def keep(text: str, results: Path = RESULTS) -> None:
    """Put the section of this benchmark into the results, leaving those of others."""
    old = results.read_text(encoding="utf-8") if results.exists() else "# Benchmark results\n"
    parts = [part.strip() for part in old.split("\n## ")]
    kept = [part for part in parts[1:] if not part.startswith(HEADING[3:] + "\n")]
    sections = [parts[0], *(f"## {part}" for part in kept), f"{HEADING}\n\n{text}"]
    results.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def in_own_environment(arguments: list[str]) -> int:
    """Run this script again where the peers are installed; return its exit code."""
    here = Path(__file__)
    command = ["uv", "run", "--no-project", "--with-requirements", str(here.with_name("peers.txt"))]
    for package in ("simutrador-core[arrow,calendars,pandas]", "simutrador-data-manager"):
        command += ["--with-editable", str(ROOT / package)]
    return subprocess.run([*command, "python", str(here), *arguments], check=False).returncode


def main() -> int:
    """Print the table; return 1 with `--check` when a ratio falls short."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark storage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--check", action="store_true", help="exit 1 when a ratio falls short")
    parser.add_argument("--write", action="store_true", help="update benchmarks/RESULTS.md")
    options = parser.parse_args()
    if find_spec("arcticdb") is None:
        return in_own_environment(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="simutrador-bench-") as folder:
        rows = measure(Path(folder), quick=options.quick)
    text = table(rows)
    print(text)
    if options.write:
        scale = "quick" if options.quick else "full"
        note = (
            f"{scale} scale, medians of one run on 2 cores shared with other work: read the ratios."
        )
        keep(f"`scripts/benchmark storage`, {note}\n\n{text}")
    return 1 if options.check and not all(row.holds for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
