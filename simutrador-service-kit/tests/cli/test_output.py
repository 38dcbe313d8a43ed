"""How commands end, and what reaches which stream."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from simutrador_core.errors import InputError, StoreError
from simutrador_service.cli import (
    ExitCode,
    command_app,
    lazy_commands,
    reporting,
    run,
    stdout,
    table,
    write,
)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (InputError("page 0 is below 1", field="page"), ExitCode.USAGE, "invalid_input"),
        (StoreError("the store is gone; restore it"), ExitCode.PROBLEMS, "store"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), ExitCode.PROBLEMS, "os_error"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
        (RuntimeError("oh"), ExitCode.PROBLEMS, "internal_error"),
    ],
)
def test_an_error_is_one_document_and_an_exit_code(
    error: BaseException, code: ExitCode, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=True, debug=False):
        raise error
    assert ended.value.exit_code == code
    assert json.loads(capfd.readouterr().out)["error"]["code"] == word


def test_an_error_for_people_is_one_line_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit), reporting(as_json=False, debug=False):
        raise OSError(errno.ENOSPC, "No space left on device", "/store/[x]")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "error: /store/[x]: No space left on device; "
        "check the path, its permissions and free space\n"
    )


def test_debug_lets_the_traceback_through() -> None:
    with pytest.raises(RuntimeError, match="oh"), reporting(as_json=False, debug=True):
        raise RuntimeError("oh")


def test_an_exit_code_of_the_command_itself_stands() -> None:
    with pytest.raises(typer.Exit) as ended, reporting(as_json=False, debug=False):
        raise typer.Exit(ExitCode.PARTLY)
    assert ended.value.exit_code == 3


def test_a_result_is_a_document_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = table("Jobs", ["name", "count"], right=["count"])
    rows.add_row("a", "1")
    for as_json in (True, False):
        write({"a": 1}, as_json=as_json, show=lambda console: console.print(rows))
    captured = capsys.readouterr().out
    assert captured.startswith('{\n  "a": 1\n}\n')
    assert "Jobs" in captured
    assert stdout().width == 120


def test_every_command_line_says_its_version() -> None:
    app = command_app("Does things.", version="1.2.3")
    app.command()(lambda: None)
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, "1.2.3\n")


def test_a_usage_error_is_a_document_where_json_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = command_app("Does things.", version="1")

    @app.command()
    def work(count: int, as_json: bool = typer.Option(False, "--json")) -> None:
        typer.echo(f"{count} {as_json}")

    monkeypatch.setattr(sys, "argv", ["x", "work", "--json", "many"])
    with pytest.raises(SystemExit) as ended:
        run(app)
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_a_lazy_group_is_made_only_when_a_command_of_it_is_asked_for() -> None:
    made: list[str] = []
    given: list[str] = []

    def make() -> typer.Typer:
        made.append("once")
        group = typer.Typer()
        group.command("list")(lambda: typer.echo(f"two keys in {given[-1]}"))
        group.command("make")(lambda: None)
        return group

    keys = lazy_commands("Makes keys.", make)

    @keys.callback()
    def place(data: str = "here") -> None:
        given.append(data)

    app = command_app("Does things.", version="1")
    app.add_typer(keys, name="keys")
    assert "Makes keys." in CliRunner().invoke(app, ["--help"]).output
    assert made == []
    assert "list" in CliRunner().invoke(app, ["keys", "--help"]).output
    shown = CliRunner().invoke(app, ["keys", "--data", "there", "list"])
    assert (shown.exit_code, shown.output, made) == (0, "two keys in there\n", ["once"])
    assert CliRunner().invoke(app, ["keys", "nothing"]).exit_code == ExitCode.USAGE


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text(
        "import typer\n"
        "from simutrador_service.cli import reporting, write_json\n"
        "def main():\n"
        "    with reporting(as_json=True, debug=False):\n"
        "        for n in range(100_000): write_json({'n': n})\n"
        "typer.run(main)\n"
    )
    done = subprocess.run(
        f"{sys.executable} {tmp_path / 'many.py'} | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
