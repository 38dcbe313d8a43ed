"""The workspace: which packages it holds, and how its tools are run."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]


class ToolError(Exception):
    """Something a person has to put right; the text says what to do next."""


@dataclass(frozen=True, slots=True)
class Package:
    """One folder that is published on its own.

    Attributes:
        folder: Its folder, relative to the root.
        name: Its name on the package index.
        module: Its import name.
        siblings: Folders of the packages of this workspace it depends on, nearest last, all levels.
        commands: The console commands it installs.
    """

    folder: str
    name: str
    module: str
    siblings: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The folder as a path."""
        return ROOT / self.folder


def packages(root: Path = ROOT) -> list[Package]:
    """Return the workspace's packages, each after those it depends on."""
    members = read_toml(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    projects = {folder: read_toml(root / folder / "pyproject.toml") for folder in members}
    folders = {normal(project["project"]["name"]): folder for folder, project in projects.items()}
    direct = {
        folder: [folders[name] for name in sorted(declared_names(project)) if name in folders]
        for folder, project in projects.items()
    }
    found = [_package(folder, projects[folder], _closure(folder, direct)) for folder in projects]
    return sorted(found, key=lambda package: len(package.siblings))


def find_package(name: str) -> Package:
    """Return the package called `name`: its folder, its distribution, or a claim's short name.

    Raises:
        ToolError: no package is called so.
    """
    known = packages()
    for package in known:
        if name in {package.folder, package.name, short_name(package)}:
            return package
    raise ToolError(f"no package {name!r}; there are {', '.join(each.folder for each in known)}")


def short_name(package: Package) -> str:
    """Return the name that acceptance claims use: the folder without `simutrador-`."""
    return package.folder.removeprefix("simutrador-")


def declared_names(project: Mapping[str, Any]) -> set[str]:
    """Return the distributions a project names: needed, by an extra or by a group; not itself."""
    own = normal(project["project"]["name"])
    texts = list(project["project"].get("dependencies", []))
    for extra in project["project"].get("optional-dependencies", {}).values():
        texts += extra
    for group in project.get("dependency-groups", {}).values():
        texts += [text for text in group if isinstance(text, str)]
    return {name_of(text) for text in texts} - {own}


def name_of(requirement: str) -> str:
    """Return the normalised distribution name that a requirement starts with."""
    found = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    if found is None:
        raise ToolError(f"not a requirement: {requirement!r}")
    return normal(found[1])


def normal(name: str) -> str:
    """Return a distribution name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_toml(path: Path) -> dict[str, Any]:
    """Return the contents of a TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """Return the path of a program of the environment this process runs in."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise ToolError(f"{name} is not installed; run: uv sync --all-groups")
    return str(path)


def run(
    command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return its exit code and whole output."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def must_run(
    command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> str:
    """Run a program and return its output.

    Raises:
        ToolError: it failed; the text holds the command and its output.
    """
    done = run(command, cwd=cwd, env=env)
    if done.returncode:
        raise ToolError(f"{' '.join(map(str, command))}\n{done.stdout.strip()}")
    return done.stdout


def indent(text: str) -> str:
    """Return the lines of `text` set in below the line they explain."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _package(folder: str, project: Mapping[str, Any], siblings: Iterable[str]) -> Package:
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    return Package(
        folder=folder,
        name=project["project"]["name"],
        module=Path(wheel["packages"][0]).name,
        siblings=tuple(siblings),
        commands=tuple(project["project"].get("scripts", {})),
    )


def _closure(folder: str, direct: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what `folder` depends on, each after its own dependencies."""
    ordered: list[str] = []
    for sibling in direct[folder]:
        ordered += [each for each in [*_closure(sibling, direct), sibling] if each not in ordered]
    return ordered
