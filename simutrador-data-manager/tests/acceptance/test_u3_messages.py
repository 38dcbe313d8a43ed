"""U3: every error message of the data manager names its cause, its place and the next step.

Each is provoked and judged by the rules of `simutrador_core.testing.messages`; the texts stand in
`u3_messages.txt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import Figure
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.messages import Case, check_messages, say_only_that_it_failed
from simutrador_data.core.settings import load_settings
from simutrador_data.services.data_providers.files import ImportOptions, open_bar_file
from simutrador_data.services.data_providers.files.calendars import RegistryCalendars
from simutrador_data.services.sql.query import query_sql
from simutrador_data.services.storage.backends import open_store
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.import_files import check_options, expand
from simutrador_data.services.workflows.resampling import resample
from simutrador_data.services.workflows.validate_store import validate_store

KEPT: Final = Path(__file__).with_name("u3_messages.txt")
AT: Final = datetime(2026, 11, 20, tzinfo=UTC)
ROW: Final = "2024-01-02 09:30,1,2,1,2,10\n"
FILES: Final = {
    "trades.json": "{}",
    "page.csv": "<html>",
    "blank.csv": "\n\n",
    "empty.csv": "",
    "words.csv": "a,b\nc,d\n",
    "header.csv": "time,open,high,low,close,volume\n",
    "nul.csv": "\x00\x01",
    "AAPL.csv": "time,open,high,low,close,volume\nnoon,1,2,1,2,10\nnoon,1,2,1,2,10\n",
    "bars.csv": f"time,open,high,low,close,volume\n{ROW}",
    "lean.zip": "PK nothing",
}


@contextmanager
def filled(folder: Path) -> Iterator[ParquetStore]:
    """Open a store with one commit of AAPL."""
    with ParquetStore(folder) as store:
        store.commit(make_change(make_bars("AAPL")))
        yield store


def settings_cases() -> list[Case]:
    """Return what goes wrong with settings, each as an environment would say it."""
    wrong = {
        "API__PORT": "99999",
        "API__PROT": "8002",
        "DATA_STORAGE__BASE_PAHT": "storage",
        "DATA_STORAGE__KEEP_VERSIONS": "soon",
        "API__ALLOWED_ORIGINS": '["*"]',
    }

    def setting(name: str, value: str) -> Callable[[], object]:
        def provoke() -> object:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(name, value)
                return load_settings()

        return provoke

    return [(name, setting(name, value)) for name, value in wrong.items()]


def store_cases(store: ParquetStore, folder: Path) -> list[Case]:
    """Return what goes wrong with a store, its versions and its backups."""
    bars, registry = make_bars("AAPL"), AssetRegistry.default()
    others = folder / "others"
    others.mkdir()
    (others / "letter.txt").write_text("")
    closed = ParquetStore(folder / "closed")
    closed.close()

    def read(**changed: Any) -> object:
        return store.read(query_all(**changed))

    return [
        (str(folder / "none"), lambda: LocalBars(folder / "none")),
        (str(folder / "none"), lambda: open_store(folder / "none", create=False)),
        ("gs URL", lambda: open_store("gs://key@bucket/x")),
        ("MSFT", lambda: read(symbol="MSFT")),
        ("as_of 99", lambda: read(as_of=99)),
        ("rows 0", lambda: list(store.stream(query_all(), rows=0))),
        ("keep_versions_since", lambda: store.vacuum(keep_versions_since=99)),
        ("AAPL", lambda: store.commit(make_change(make_bars("AAPL", complete=False)))),
        (str(folder / "store"), lambda: store.back_up(folder / "store" / "copy", made_at=AT)),
        ("letter.txt", lambda: store.back_up(others, made_at=AT)),
        ("closed", lambda: closed.read(query_all())),
        ("MSFT", lambda: list(validate_store(store, registry, symbols=["MSFT"]))),
        (
            "daily",
            lambda: resample(
                make_bars("AAPL", Timeframe.DAILY),
                to=Timeframe.HOUR_1,
                calendar=get_calendar("XNYS"),
            ),
        ),
        ("max_rows 0", lambda: query_sql(store, "FROM bars", max_rows=0)),
        ("timeout_s 0", lambda: query_sql(store, "FROM bars", timeout_s=0)),
        ("query", lambda: query_sql(store, "FROM bars; FROM bars")),
        ("DROP", lambda: query_sql(store, "DROP TABLE bars")),
        ("nothing", lambda: query_sql(store, "SELECT nothing FROM bars")),
        ("AAPL", lambda: store.commit(make_change(bars), base=0)),
    ]


def import_cases(folder: Path) -> list[Case]:
    """Return what goes wrong with files and with what is said about them."""
    calendars = RegistryCalendars(AssetRegistry.default())
    empty = folder / "empty"
    empty.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)

    def opening(name: str, **said: Any) -> Callable[[], object]:
        options = ImportOptions(**said)

        def provoke() -> object:
            return open_bar_file(folder / name, options, calendars=calendars)

        return provoke

    def saying(**said: Any) -> Callable[[], object]:
        return lambda: check_options(ImportOptions(**said), calendars)

    return [
        ("import", lambda: expand([])),
        (str(empty), lambda: expand([empty])),
        ("absent.csv", opening("absent.csv")),
        *((name, opening(name)) for name in FILES),
        ("bars.csv", opening("bars.csv", symbol="AAPL", delimiter="::")),
        ("bars.csv", opening("bars.csv", symbol="AAPL", columns={"close": "Last"})),
        ("Mars/Base", saying(zone="Mars/Base")),
        ("XNYX", saying(calendar="XNYX")),
        ("price scale", saying(price_scale=0.0)),
        ("A A", saying(symbol="A A")),
    ]


@pytest.mark.acceptance("U3", package="data-manager", breaks=say_only_that_it_failed)
def test_every_message_names_cause_place_and_next_step(
    tmp_path: Path, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with filled(tmp_path / "store") as store:
        cases = [*settings_cases(), *store_cases(store, tmp_path), *import_cases(tmp_path)]
        said = check_messages(
            cases, KEPT, steady=lambda text: text.replace(str(tmp_path), "FOLDER")
        )
    figure(f"{len(said)} messages, each with cause, place and next step")
