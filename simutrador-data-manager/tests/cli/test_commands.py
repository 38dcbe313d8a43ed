"""Each command: what it says, what its document holds, how it ends."""

from __future__ import annotations

import csv
import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

parquet: Any = pq
arrow: Any = pa

Run = Callable[..., Any]


def test_import_shows_what_it_detected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ACME.csv").write_text(
        "Date;Open;High;Low;Close;Volume\n2024-01-02;1;2;1;2;5\n2024-01-03;2;3;2;3;5\n"
    )
    done = run("import", "ACME.csv")
    assert done.code == 0
    assert "';'" in done.out
    assert "XNYS" in done.out
    assert "2 bars added" in done.out


def test_import_again_adds_nothing(run: Run, imported: Path) -> None:
    document = run("import", "ACME.csv", "--data", imported, "--json").document
    assert document["status"] == "completed"
    assert document["added"] == 0


def test_import_with_bad_rows_is_partly_done_and_names_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ACME.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,5\n2024-01-03,2,3,2,3,5\n"
        "2024-01-04,9,3,2,3,5\n2024-01-05,2,3,2,3,5\n"
    )
    done = run("import", "ACME.csv", "--data", "store")
    assert done.code == 3
    assert "line 4" in done.out
    assert "1 rows rejected" in done.out
    assert list((tmp_path / "store" / "quarantine").iterdir())


def test_import_of_what_holds_no_bars_fails_with_the_cause(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    done = run("import", "empty.csv", "--json")
    assert done.code == 1
    assert done.document["status"] == "failed"
    assert "empty" in done.document["files"][0]["message"]


def test_import_of_an_absent_file_names_it(run: Run) -> None:
    done = run("import", "nothing.csv")
    assert done.code == 1
    assert "nothing.csv" in done.out + done.err


def test_import_takes_the_word_of_the_user(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c,d,e,f\n2024-01-02,1,2,1,2,5\n2024-01-03,2,3,2,3,5\n")
    columns = "time=a,open=b,high=c,low=d,close=e,volume=f"
    done = run(
        "import",
        "x.csv",
        "--symbol",
        "ACME",
        "--columns",
        columns,
        "-t",
        "1d",
        "--dry-run",
        "--json",
    )
    assert done.code == 0
    (described,) = done.document["files"].values()
    assert (described["symbol"], described["timeframe"]) == ("ACME", "daily")
    assert not (tmp_path / "storage").exists()


@pytest.mark.parametrize(
    ("option", "field"),
    [
        (("--columns", "volume"), "columns"),
        (("--label", "middle"), "label"),
        (("--on-conflict", "fight"), "on_conflict"),
        (("--timeframe", "7min"), "timeframe"),
        (("--adjustment", "half"), "adjustment"),
    ],
)
def test_a_wrong_word_is_a_usage_error_that_names_the_option(
    run: Run, tmp_path: Path, option: tuple[str, str], field: str
) -> None:
    (tmp_path / "ACME.csv").write_text("Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,5\n")
    done = run("import", "ACME.csv", *option, "--json")
    assert done.code == 2
    assert done.document["error"]["field"] == field


def test_dry_run_of_what_is_no_bars_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    done = run("import", "x.csv", "--dry-run")
    assert done.code == 1
    assert "x.csv" in done.out


def test_a_folder_of_many_files_is_a_table(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for symbol in ("AA", "BB", "CC", "DD", "EE", "FF"):
        (folder / f"{symbol}.csv").write_text(
            "Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,5\n2024-01-03,2,3,2,3,5\n"
        )
    done = run("import", folder)
    assert done.code == 0
    assert "12 bars added" in done.out
    assert "FF.csv" in done.out


def test_symbols_lists_every_series(run: Run, imported: Path) -> None:
    assert "ACME" in run("symbols", "--data", imported).out
    document = run("symbols", "--data", imported, "--json").document
    assert document["series"] == [
        {
            "symbol": "ACME",
            "timeframe": "daily",
            "adjustment": "raw",
            "rows": 3,
            "first": "2024-01-02T14:30:00Z",
            "last": "2024-01-05T14:30:00Z",
            "first_session": "2024-01-02",
            "last_session": "2024-01-05",
        }
    ]
    assert run("symbols", "-t", "1h", "--data", imported, "--json").document["series"] == []


def test_the_store_of_the_settings_is_used(
    run: Run, imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_STORAGE__BASE_PATH", str(imported))
    assert len(run("symbols", "--json").document["series"]) == 1


def test_without_a_store_the_next_step_is_named_and_none_is_made(run: Run, tmp_path: Path) -> None:
    done = run("symbols")
    assert done.code == 1
    assert "simutrador-data import" in done.err
    assert not (tmp_path / "storage").exists()


def test_bars_are_a_table_of_the_newest(run: Run, imported: Path) -> None:
    done = run("bars", "acme", "--limit", 2, "--data", imported)
    assert done.code == 0
    assert "103.00" in done.out
    assert "2024-01-02" not in done.out
    assert "2 of 3 bars" in done.out


def test_bars_as_csv_and_json_go_to_standard_output(run: Run, imported: Path) -> None:
    text = run("bars", "ACME", "--format", "csv", "--data", imported).out
    assert [row["close"] for row in csv.DictReader(io.StringIO(text))] == [
        "101.0",
        "102.0",
        "103.0",
    ]
    document = run("bars", "ACME", "--start", "2024-01-04", "--json", "--data", imported).document
    assert document["series"][0]["close"] == [102.0, 103.0]


def test_bars_go_to_a_file_by_its_suffix(run: Run, imported: Path, tmp_path: Path) -> None:
    done = run("bars", "ACME", "--out", "acme.parquet", "--data", imported, "--json")
    assert done.document["rows"] == 3
    table = parquet.read_table(tmp_path / "acme.parquet")
    assert table.column("close").to_pylist() == [101.0, 102.0, 103.0]
    assert run("bars", "ACME", "--out", "acme.arrows", "--data", imported).code == 0
    stream = arrow.ipc.open_stream((tmp_path / "acme.arrows").read_bytes())
    assert stream.read_all().num_rows == 3
    assert sorted(path.name for path in tmp_path.glob("*acme.*")) == ["acme.arrows", "acme.parquet"]


def test_a_binary_format_needs_a_file(run: Run, imported: Path) -> None:
    done = run("bars", "ACME", "--format", "parquet", "--json", "--data", imported)
    assert done.code == 2
    assert "--out" in done.document["error"]["message"]


def test_an_export_that_fails_leaves_nothing(run: Run, imported: Path, tmp_path: Path) -> None:
    done = run("bars", "ACME", "--out", "no/such/folder/x.csv", "--data", imported)
    assert done.code == 1
    assert "no/such/folder" in done.err


def test_an_unknown_symbol_is_one_line_with_a_suggestion(run: Run, imported: Path) -> None:
    done = run("bars", "ACMEE", "--data", imported)
    assert done.code == 1
    assert "did you mean ACME" in done.err
    assert "Traceback" not in done.err


def test_debug_lets_the_error_through(run: Run, imported: Path) -> None:
    with pytest.raises(KeyError, match="NOPE"):
        run("bars", "NOPE", "--data", imported, "--debug")


def test_validate_counts_and_ends_well_when_every_gap_has_a_reason(
    run: Run, imported: Path
) -> None:
    done = run("validate", "--data", imported, "--json")
    assert done.code == 0
    (series,) = done.document["series"]
    # XNYS had sessions on 2, 3, 4 and 5 January 2024.
    assert (series["expected"], series["present"], series["completeness"]) == (4, 3, 0.75)
    assert series["reasons"] == {"vendor_hole": {"bars": 1, "runs": 1}}
    assert "75.00 %" in run("validate", "--data", imported).out


def test_a_gap_nobody_asked_about_is_not_fetched(run: Run, imported: Path) -> None:
    document = run(
        "gaps", "ACME", "--start", "2023-12-29", "--end", "2024-01-04", "--data", imported, "--json"
    ).document
    assert [(gap["session"], gap["reason"]) for gap in document["gaps"]] == [
        ("2023-12-29", "not_fetched"),
        ("2024-01-01", "closed"),
        ("2024-01-03", "vendor_hole"),
    ]


def test_gaps_can_be_picked_by_reason(run: Run, imported: Path) -> None:
    arguments = ("gaps", "--start", "2023-12-29", "--data", imported)
    closed = run(*arguments, "--reason", "closed")
    assert closed.code == 0
    assert "New Year" in closed.out
    assert "vendor_hole" not in closed.out
    assert "more; --limit" in run(*arguments, "--limit", 1).out
    assert "no gaps" in run(*arguments, "--reason", "halted").out
    assert run(*arguments, "--reason", "because").code == 2


def test_an_unexplained_gap_ends_with_one(run: Run, tmp_path: Path) -> None:
    from simutrador_core.models.enums import Timeframe
    from simutrador_core.testing.builders import make_bars, make_change
    from simutrador_data.services.storage.parquet_store import ParquetStore

    bars = make_bars("ACME", Timeframe.DAILY, n=4)
    with ParquetStore(tmp_path / "store") as store:
        # Nobody recorded what was asked for, and 4 January is absent.
        store.commit(make_change(bars.take(slice(0, 2)), bars.take(slice(3, 4))))
    for command in ("validate", "gaps"):
        done = run(command, "--data", "store")
        assert done.code == 1
        assert "unexplained" in done.out


def test_resample_makes_longer_bars_once(run: Run, imported: Path) -> None:
    first = run("resample", "--to", "1w,1mo", "--data", imported, "--json")
    assert first.code == 0
    (symbol,) = first.document["symbols"]
    assert [(one["to"], one["bars"]) for one in symbol["results"]] == [("1w", 1), ("1mo", 0)]
    again = run("resample", "ACME", "--to", "1w", "--data", imported)
    assert again.code == 0
    assert "1w" in again.out


def test_resample_to_a_shorter_timeframe_fails(run: Run, imported: Path) -> None:
    failed = run("resample", "--to", "1h", "--data", imported)
    assert failed.code == 1
    assert "cannot be made" in failed.out
    partly = run("resample", "--to", "1h", "--to", "1w", "--data", imported, "--json")
    assert partly.code == 3


def test_config_shows_every_setting_and_masks_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYGON__API_KEY", "do-not-show")
    done = run("config", "show")
    assert "API__PORT" in done.out
    assert "POLYGON__API_KEY" in done.out
    assert "do-not-show" not in done.out
    document = run("config", "show", "--json").document
    assert document["settings"]["API__PORT"] == 8002
    assert document["settings"]["POLYGON__API_KEY"] == "********"
    assert "do-not-show" not in json.dumps(document)


def test_config_validate_names_the_wrong_line(run: Run, tmp_path: Path) -> None:
    assert run("config", "validate").code == 0
    (tmp_path / ".env").write_text("API__PORRT=1\n")
    wrong = run("config", "validate", "--json")
    assert wrong.code == 2
    assert "did you mean API__PORT" in wrong.document["error"]["message"]
    (tmp_path / "open.env").write_text("API__HOST=0.0.0.0\nAUTH__ENABLED=false\n")
    refused = run("config", "validate", "--env-file", "open.env")
    assert refused.code == 2
    assert "API__HOST=0.0.0.0 can be reached from other machines" in refused.err


def test_settings_of_the_client_sdk_do_not_stop_a_command(
    run: Run, imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTH__API_KEY", "AUTH__SERVER_URL", "SERVER__WEBSOCKET__URL"):
        monkeypatch.setenv(name, "do-not-show")
    assert run("symbols", "--data", imported).code == 0
    shown = run("config", "show", "--json")
    assert shown.code == 0
    assert "do-not-show" not in shown.out


def test_keys_are_made_listed_and_ended(run: Run, tmp_path: Path) -> None:
    place = ("keys", "--data", tmp_path / "store")
    made = run(*place, "create", "desk", "--json").document
    assert made["scopes"] == ["bars:read"]
    secret = made["api_key"].partition(".")[2]
    (listed,) = run(*place, "list", "--json").document["keys"]
    assert (listed["prefix"], listed["owner"]) == (made["prefix"], "desk")
    assert run(*place, "revoke", made["prefix"]).code == 0
    assert run(*place, "list", "--json").document["keys"][0]["revoked_at"]
    folder = tmp_path / "store" / "service"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(secret.encode() not in file.read_bytes() for file in folder.iterdir())


def test_keys_stand_where_the_env_file_says(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("DATA_STORAGE__BASE_PATH=there\n")
    assert run("keys", "--env-file", "my.env", "create", "desk").code == 0
    assert (tmp_path / "there" / "service" / "service.db").is_file()


def test_doctor_finds_a_sound_installation(run: Run, imported: Path) -> None:
    done = run("doctor", "--verify", "--data", imported, "--json")
    assert done.code == 0
    verdicts = {check["check"]: check["verdict"] for check in done.document["checks"]}
    assert verdicts["store"] == verdicts["calendars"] == verdicts["settings"] == "ok"
    assert "verified" in next(c for c in done.document["checks"] if c["check"] == "store")["detail"]


def test_doctor_names_a_next_step_for_what_is_missing(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--data", tmp_path / "none")
    assert done.code == 0
    assert "simutrador-data import FILE" in done.out


def test_doctor_reports_wrong_settings_as_failed(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API__PORT=none\n")
    done = run("doctor", "--json")
    assert done.code == 1
    assert done.document["checks"][1]["verdict"] == "failed"


def test_serve_refuses_to_be_open_to_other_machines(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH__ENABLED", "false")
    done = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert done.code == 2
    assert "API__HOST=0.0.0.0" in done.err


def test_serve_says_that_the_port_is_taken_and_what_to_do(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", port, "--json")
    assert done.code == 1
    assert done.document["error"]["code"] == "port_taken"
    assert f"another port, for instance {port + 1}" in done.document["error"]["message"]


def test_serve_says_where_it_listens_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from simutrador_data.cli.commands import main; main()"]
    command += ["serve", "--port", "0", "--json", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        said = "".join(iter(serving.stdout.readline, "}\n")) + "}"
        url = json.loads(said)["url"]
        assert httpx.get(f"{url}/health/live", timeout=30).status_code == 200
        serving.send_signal(signal.SIGINT)
        assert serving.wait(timeout=60) == 0
        assert serving.stdout.read() == ""


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").out.strip() == "1.0.0"


def test_help_is_quick_because_heavy_libraries_wait() -> None:
    code = (
        "import sys, simutrador_data.cli.commands;"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'fastapi', 'pydantic', 'sqlalchemy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [["bars", "--json"], ["symbols", "--json", "--nonsense"], ["nothing", "--json"]]
)
def test_a_usage_error_is_a_document_too(arguments: list[str]) -> None:
    code = "from simutrador_data.cli.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "usage"
    assert error["message"]


def test_an_exit_code_survives_json(tmp_path: Path) -> None:
    code = "from simutrador_data.cli.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "symbols", "--json", "--data", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "no_store"


def test_the_demo_runs_in_a_folder_of_its_own(run: Run, tmp_path: Path) -> None:
    done = run("demo", "--no-serve", "--data", tmp_path / "tour")
    assert done.code == 0
    assert "2012-10-29 to 2012-10-30" in done.out
    document = run("demo", "--no-serve", "--data", tmp_path / "tour", "--json").document
    assert document["import"]["added"] == 0
    assert document["store"] == str(tmp_path / "tour")
