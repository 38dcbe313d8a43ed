"""`scripts/lock`: pin every dependency in `requirements.lock` and in the constraints uv reads.

`requirements.lock` holds versions, markers and hashes of everything any package, extra or group
needs, and no addresses. The same versions stand in the root `pyproject.toml` as constraints,
because `uv run` in a fresh clone resolves anew: so it ends at the same versions on every machine.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from simutrador_tools.workspace import (
    ROOT,
    ToolError,
    must_run,
    name_of,
    normal,
    packages,
    read_toml,
)

LOCK: Final = "requirements.lock"
PYTHONS: Final = ("3.11", "3.12", "3.13")
BUILD_TOOLS: Final = frozenset({"hatchling"})
KEEP_NOTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of the lock: a distribution, its version and where the line applies."""

    name: str
    version: str
    marker: str

    def __str__(self) -> str:
        """The pin as a requirement."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")


def read_pins(text: str) -> list[Pin]:
    """Return the pins of a lock file, or of one requirement a line, in order."""
    pins: list[Pin] = []
    for line in text.splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)\s*(?:;\s*([^\\]+))?", line)
        if found is not None:
            pins.append(Pin(normal(found[1]), found[2], (found[3] or "").strip()))
    return pins


def resolve(root: Path, *, forget: Iterable[str]) -> str:
    """Return the text of a new lock for the workspace at `root`, from the package index.

    Args:
        root: The workspace; its folder is not written to.
        forget: Distributions whose present pins do not count; `KEEP_NOTHING` drops every pin.

    Raises:
        ToolError: no set of versions fits; the text is the resolver's.
    """
    dropped = set(forget)
    pins = [] if KEEP_NOTHING in dropped else read_pins(_text(root / LOCK))
    kept = [pin for pin in pins if pin.name not in dropped]
    with tempfile.TemporaryDirectory() as scratch:
        copy = _skeleton(root, Path(scratch))
        write_constraints(copy / "pyproject.toml", kept)
        must_run(["uv", "lock", "--quiet"], cwd=copy)
        command = "uv export --frozen --all-packages --all-extras --all-groups --no-emit-workspace"
        return must_run([*command.split(), "--quiet", "--no-annotate", "--no-header"], cwd=copy)


def write_constraints(project: Path, pins: Sequence[Pin]) -> None:
    """Write the pins into the constraints of the root `pyproject.toml`."""
    text = project.read_text(encoding="utf-8")
    build = [pin for pin in pins if pin.name in BUILD_TOOLS]
    for key, chosen in (("constraint", pins), ("build-constraint", build)):
        listed = "".join(f'    "{pin}",\n' for pin in chosen)
        value = f"[\n{listed}]" if listed else "[]"
        text, count = re.subn(
            rf"^{key}-dependencies = \[.*?\]$",
            lambda _, key=key, value=value: f"{key}-dependencies = {value}",
            text,
            flags=re.MULTILINE | re.DOTALL,
        )
        if count != 1:
            raise ToolError(f"{project.name} has no list {key}-dependencies under [tool.uv]")
    project.write_text(text, encoding="utf-8")


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield what is out of step, without asking the network."""
    text = _text(root / LOCK)
    pins = read_pins(text)
    settings = read_toml(root / "pyproject.toml")["tool"]["uv"]
    if [str(pin) for pin in pins] != settings["constraint-dependencies"]:
        yield f"the constraints in pyproject.toml are not those of {LOCK}"
    build = [str(pin) for pin in pins if pin.name in BUILD_TOOLS]
    if build != settings["build-constraint-dependencies"]:
        yield f"the build constraints in pyproject.toml are not those of {LOCK}"
    if "://" in text:
        yield f"{LOCK} holds an address; it may hold versions and hashes only"
    yield from (f"{pin} has no hash" for pin in _without_hash(text))
    for python in PYTHONS:
        yield from _unmet(_requirements(root), _pinned_for(pins, python), python)


def drift(pins: Sequence[Pin]) -> Iterator[str]:
    """Yield each distribution installed beside this program in another version than its pin."""
    pinned = _pinned_for(pins, "{}.{}".format(*sys.version_info))
    for found in distributions():
        wanted = pinned.get(normal(found.name))
        if wanted is not None and not SpecifierSet(f"=={wanted}").contains(found.version, True):
            yield f"{found.name} {found.version} is installed, {LOCK} says {wanted}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the lock, or with `--check` only compare; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/lock", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="change nothing, stay off the network")
    parser.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="take the newest versions, of NAME or of all"
    )
    options = parser.parse_args(arguments)
    if options.check:
        found = [*problems(), *drift(read_pins(_text(ROOT / LOCK)))]
        print(*found, sep="\n", end="\n" if found else "")
        return 1 if found else 0
    forget = [] if options.upgrade is None else (options.upgrade or [KEEP_NOTHING])
    text = resolve(ROOT, forget=map(normal, forget) if options.upgrade else forget)
    (ROOT / LOCK).write_text(text, encoding="utf-8")
    write_constraints(ROOT / "pyproject.toml", read_pins(text))
    print(f"wrote {LOCK}: {len(read_pins(text))} pins")
    return 0


def _skeleton(root: Path, target: Path) -> Path:
    """Copy what a resolver reads: the project files, and a README for each."""
    for package in packages(root):
        (target / package.folder).mkdir(parents=True)
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(root / package.folder / name, target / package.folder / name)
    shutil.copy(root / "pyproject.toml", target / "pyproject.toml")
    return target


def _requirements(root: Path) -> Iterator[Requirement]:
    """Yield everything declared anywhere in the workspace, except the packages themselves."""
    own = {normal(package.name) for package in packages(root)}
    for folder in ("", *(package.folder for package in packages(root))):
        for text in _declared(read_toml(root / folder / "pyproject.toml")):
            if name_of(text) not in own:
                yield Requirement(text)


def _declared(project: Mapping[str, Any]) -> Iterator[str]:
    yield from project["project"].get("dependencies", [])
    for extra in project["project"].get("optional-dependencies", {}).values():
        yield from extra
    for group in project.get("dependency-groups", {}).values():
        yield from (text for text in group if isinstance(text, str))
    yield from project.get("build-system", {}).get("requires", [])


def _pinned_for(pins: Iterable[Pin], python: str) -> dict[str, str]:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return {
        pin.name: pin.version
        for pin in pins
        if not pin.marker or Marker(pin.marker).evaluate(environment)
    }


def _unmet(
    requirements: Iterable[Requirement], pinned: Mapping[str, str], python: str
) -> Iterator[str]:
    for wanted in requirements:
        version = pinned.get(normal(wanted.name))
        if version is None:
            yield f"{wanted} is declared but not pinned for Python {python}"
        elif not wanted.specifier.contains(version, prereleases=True):
            yield f"{wanted} is declared but {version} is pinned for Python {python}"


def _without_hash(text: str) -> Iterator[str]:
    entries = re.split(r"\n(?=\S)", text)
    yield from (entry.split()[0] for entry in entries if "==" in entry and "--hash=" not in entry)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
