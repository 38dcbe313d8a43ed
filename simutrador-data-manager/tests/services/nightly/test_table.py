"""The table of symbols: its migration, up and down, and the rows of runs that were forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, inspect, select

from nightly_service import TUESDAY, Nightly
from simutrador_data.services.nightly.table import NIGHTLY, SymbolRow
from simutrador_service.database import Database


def test_the_migration_makes_the_table_of_the_model_and_takes_it_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'service.db'}")
    NIGHTLY.upgrade(database)
    made = {column["name"] for column in inspect(database.engine).get_columns("nightly_symbol")}
    assert made == {column.name for column in SymbolRow.__table__.columns}
    NIGHTLY.downgrade(database)
    assert "nightly_symbol" not in inspect(database.engine).get_table_names()
    database.close()


def test_rows_of_runs_that_were_forgotten_go_with_the_next_run(nightly: Nightly) -> None:
    nightly.run("AAPL", "MSFT", start_date=TUESDAY, end_date=TUESDAY)
    assert nightly.jobs.purge(keep=timedelta(seconds=-1), keep_dead=timedelta(0)) == 1
    nightly.run("IBM", start_date=TUESDAY, end_date=TUESDAY)
    with nightly.jobs.database.read() as session:
        assert session.scalar(select(func.count()).select_from(SymbolRow)) == 1
