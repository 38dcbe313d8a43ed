"""Compare the bar store with others, side by side in one run: `scripts/benchmark storage`."""
# ruff: noqa: S603, T201 - a script: it starts itself anew and prints its table

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"
PEERS: Final = ("arcticdb", "deltalake", "duckdb", "nautilus_trader")
OURS: Final = (
    "simutrador-core[arrow,calendars,pandas]",
    "simutrador-service-kit",
    "simutrador-data-manager",
)
NOTE: Final = """\
`scripts/benchmark storage`, {scale} scale, medians of one run on 2 cores: read the ratios. The
stores take turns of one to ten rounds, after a warm-up: none for whole writes, {days} commits for
days. Rows are handed over in the form each store takes: `Bars`, a pandas frame, an Arrow table, a
list of `Bar`s. Hours and days are cut by each store's own rule, ours on the sessions of New York.
`deltastore` is ours too, the same bars in a Delta Lake table: it is shown, and counts as no peer.

What a write has waited for when it returns: {durability}."""


def in_own_environment(arguments: list[str]) -> int:
    """Run this script again where the peers are installed; return its exit code."""
    here = Path(__file__)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["uv", "run", "--isolated", "--no-project", "--python", version]
    command += ["--with-requirements", str(here.with_name("peers.txt"))]
    for package in OURS:
        command += ["--with-editable", str(ROOT / package)]
    return subprocess.run([*command, "python", str(here), *arguments], check=False).returncode


def main() -> int:
    """Print the table; return 1 with `--check` when a figure falls short."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark storage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure falls short")
    parser.add_argument("--write", action="store_true", help="update benchmarks/RESULTS.md")
    options = parser.parse_args()
    if any(find_spec(peer) is None for peer in PEERS):
        return in_own_environment(sys.argv[1:])
    from measuring import KINDS, QUICK, Scale, measure
    from table import keep, markdown

    rows = []
    name, scale = ("quick", QUICK) if options.quick else ("full", Scale())
    with tempfile.TemporaryDirectory(prefix="simutrador-bench-") as folder:
        for row in measure(Path(folder), scale):
            print(" | ".join(row.cells()), file=sys.stderr, flush=True)
            rows.append(row)
    text = markdown(rows)
    print(text)
    if options.write:
        durability = "; ".join(f"{kind.name}: {kind.durability}" for kind in KINDS)
        note = NOTE.format(scale=name, days=scale.days, durability=durability)
        keep(f"{note}\n\n{text}", RESULTS)
    return 1 if options.check and any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
