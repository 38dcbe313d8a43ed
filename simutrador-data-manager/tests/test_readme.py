"""The README's examples, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.main import create_app

README = Path(__file__).parents[1] / "README.md"


def section(title: str) -> str:
    """Return the text under a heading."""
    return README.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(title: str, language: str) -> list[str]:
    """Return the code blocks of a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(title), flags=re.DOTALL)


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder in which the tour of the command line ran, and what it printed."""
    folder = tmp_path_factory.mktemp("tour")
    here = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euc", "\n".join(blocks("Five minutes on the command line", "bash"))],
        cwd=folder,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_tour_prints_what_the_readme_promises(toured: tuple[Path, str]) -> None:
    promised = "".join(blocks("Five minutes on the command line", "text")).splitlines()
    assert len(promised) == 6
    for line in promised:
        assert any(holds(printed, line) for printed in toured[1].splitlines()), line


def holds(printed: str, promised: str) -> bool:
    """Return whether a line has the promised words in order; columns between may be left out."""
    return re.search(".*".join(map(re.escape, promised.split())), printed) is not None


async def test_every_request_of_the_readme_is_answered(toured: tuple[Path, str]) -> None:
    app = create_app(Settings(data_storage=DataStorageSettings(base_path=toured[0] / "storage")))
    urls = re.findall(r"curl -s '([^']+)'", section("Five minutes of REST"))
    assert len(urls) == 7
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client,
    ):
        answers = {url: (await client.get(url)).status_code for url in urls}
    assert set(answers.values()) == {200}, answers


def test_the_python_example_runs(toured: tuple[Path, str]) -> None:
    (example,) = blocks("In Python", "python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=toured[0],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 103.0 ")


def test_the_example_of_settings_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    from simutrador_data.core.settings import load_settings

    for name in ("ENV", "API_HOST", "API_PORT", "API__PORT", "DATA_STORAGE__BASE_PATH"):
        monkeypatch.delenv(name, raising=False)
    loaded = load_settings(env_file=README.with_name(".env.example"))
    assert loaded.model_dump() == Settings().model_dump()
