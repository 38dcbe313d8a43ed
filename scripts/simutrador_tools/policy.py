"""`scripts/policy`: copy the one lint and type policy into every package, or check the copies."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simutrador_tools.workspace import ROOT, packages

COPIES: Final = {"ruff.toml": "ruff.toml", "pyrightconfig.base.json": "pyrightconfig.json"}
"""What is copied: the file at the root, and its name inside a package."""


def stale(root: Path = ROOT) -> list[Path]:
    """Return the copies that are absent or differ from the root's file."""
    return [
        root / package.folder / copy
        for package in packages(root)
        for source, copy in COPIES.items()
        if not _same(root / source, root / package.folder / copy)
    ]


def write(root: Path = ROOT) -> list[Path]:
    """Bring every copy in step and return those that changed."""
    sources = {copy: source for source, copy in COPIES.items()}
    changed = stale(root)
    for copy in changed:
        copy.write_bytes((root / sources[copy.name]).read_bytes())
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy, or with `--check` only compare; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/policy", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    if not parser.parse_args(arguments).check:
        for copy in write():
            print(f"wrote {copy.relative_to(ROOT)}")
        return 0
    late = stale()
    for copy in late:
        print(f"{copy.relative_to(ROOT)} differs from the root's policy; run scripts/policy")
    return 1 if late else 0


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
