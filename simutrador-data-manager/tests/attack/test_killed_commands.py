"""Commands that are killed, interrupted, or run against each other and a full disk."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage.parquet_store import ParquetStore

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX"),
]


def stored_rows(root: Path) -> int:
    """Return how many bars stand in a store, 0 where there is none yet."""
    if not (root / "catalogue.sqlite").is_file():
        return 0
    with ParquetStore(root) as store:
        return sum(info.rows or 0 for info in store.symbols())


def wait_for_a_page(process: Any, root: Path) -> None:
    """Return as soon as a running import writes its second page, the first being stored."""
    while process.poll() is None and len(list(root.glob("bars/**/*.parquet"))) < 2:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.005)


def stopped_midway(commands: Any, file: Path, *signals: int) -> tuple[Path, Any]:
    """Import into new stores until the signals meet one that is not done; return it and the end."""
    for attempt in range(20):  # on a busy machine the import may win
        root = commands.folder / f"store{attempt}"
        process = commands.start("import", file, "--data", root, "--json")
        wait_for_a_page(process, root)
        for number in signals:
            process.send_signal(number)
        ended = commands.end(process)
        if 0 < stored_rows(root) < rows_of(file):
            return root, ended
    pytest.fail("no import could be met midway")


def rows_of(path: Path) -> int:
    return len(path.read_text().splitlines()) - 1


def test_an_import_killed_midway_goes_on_where_it_was(commands: Any, long_file: Path) -> None:
    root, _ = stopped_midway(commands, long_file, signal.SIGKILL)
    some, all_rows = stored_rows(root), rows_of(long_file)
    rest = commands.run("import", long_file, "--data", root, "--json")
    assert (rest.code, rest.document["status"]) == (0, "completed")
    assert rest.document["unchanged"] == some
    assert rest.document["added"] == all_rows - some
    assert stored_rows(root) == all_rows
    with ParquetStore(root) as store:
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_ctrl_c_ends_an_import_after_the_page_and_says_how_to_go_on(
    commands: Any, long_file: Path
) -> None:
    root, ended = stopped_midway(commands, long_file, signal.SIGINT)
    assert (ended.code, ended.document["status"]) == (3, "cancelled")
    assert "import again to go on" in ended.document["files"][0]["message"]
    assert ended.document["added"] == stored_rows(root)
    assert "Traceback" not in ended.err


def test_a_second_ctrl_c_ends_at_once_and_is_a_document_too(commands: Any, long_file: Path) -> None:
    _, ended = stopped_midway(commands, long_file, signal.SIGINT, signal.SIGINT)
    assert "Traceback" not in ended.err
    assert ended.code in {3, 130}  # two signals that meet are one
    if ended.code == 130:
        assert ended.document["error"]["code"] == "interrupted"
    else:
        assert ended.document["status"] == "cancelled"


def test_two_imports_of_one_file_at_once_store_it_once(commands: Any, long_file: Path) -> None:
    root = commands.folder / "store"
    both = [commands.start("import", long_file, "--data", root, "--json") for _ in range(2)]
    ended = [commands.end(process) for process in both]
    assert [one.code for one in ended] == [0, 0]
    assert sum(one.document["added"] for one in ended) == rows_of(long_file)
    assert stored_rows(root) == rows_of(long_file)
    for one in ended:
        told = one.document
        assert told["added"] + told["unchanged"] == told["rows"], "rows that nobody accounts for"


NO_COVERAGE = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}
"""Where no file may grow, coverage's own could not be written either."""


def limit_file_size() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))


def test_a_full_disk_names_place_and_next_step_and_costs_nothing(
    commands: Any, long_file: Path
) -> None:
    root = commands.folder / "store"
    ended = commands.run(
        "import", long_file, "--data", root, "--json",
        env=NO_COVERAGE, preexec_fn=limit_file_size,
    )  # fmt: skip
    (file,) = ended.document["files"]
    assert str(root) in file["message"]
    assert "then try again" in file["message"]
    assert "Traceback" not in ended.err
    assert stored_rows(root) == ended.document["added"]
    assert ended.code == (3 if ended.document["added"] else 1)
    rest = commands.run("import", long_file, "--data", root, "--json")
    assert (rest.code, rest.document["status"]) == (0, "completed")
    assert stored_rows(root) == rows_of(long_file)
