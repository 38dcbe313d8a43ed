"""Actions beside the bars: versions, restatements, writers side by side, and disks that fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.errors import ConflictError, InvalidRangeError, StoreError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import FETCHED_AT, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.corporate_actions.records import ActionChange, Asked
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.restoring import restore

PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})
EVER = Asked("AAPL", PRICED, date(1980, 1, 1), date(2024, 1, 1))
SPLIT = CorporateAction(
    "AAPL", ActionKind.SPLIT, date(2014, 6, 9), ratio=Decimal(7), known_on=date(2014, 4, 23)
)
THIRD = CorporateAction("XYZ", ActionKind.SPLIT, date(2014, 6, 9), ratio=Decimal(1) / Decimal(3))
RENAME = CorporateAction("FB", ActionKind.RENAME, date(2022, 6, 9), successor="META")
GONE = CorporateAction("TWTR", ActionKind.DELISTING, date(2022, 11, 8))


def dividend(day: str, amount: str, symbol: str = "AAPL") -> CorporateAction:
    effective = date.fromisoformat(day)
    return CorporateAction(symbol, ActionKind.DIVIDEND, effective, amount=Decimal(amount))


def said(*actions: CorporateAction, source: str = "acme") -> ActionChange:
    return ActionChange(actions, source, "a test asked", FETCHED_AT)


def settled(*actions: CorporateAction) -> ActionChange:
    return ActionChange(actions, "acme", "a test asked", FETCHED_AT, [EVER])


def test_what_is_recorded_is_found_again_exactly(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        made = store.commit(said(SPLIT, THIRD, RENAME, GONE))
        assert (made.id, made.no_op, len(made.added)) == (1, False, 4)
    with LocalActions(tmp_path) as found:
        assert found.actions(["AAPL", "XYZ", "FB", "TWTR"]) == [SPLIT, RENAME, GONE, THIRD]
        assert found.namings() == [RENAME, GONE]
        assert found.symbols() == ["AAPL", "FB", "TWTR", "XYZ"]
        (one,) = found.recorded(["AAPL"])
        assert (one.source, one.fetched_at, one.commit) == ("acme", FETCHED_AT, 1)


def test_a_store_without_actions_has_none(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars()))
    with LocalActions(tmp_path) as found:
        assert found.actions(["AAPL"]) == found.namings() == found.answers() == []
        assert found.answered() == {}
        assert found.history(["AAPL"]) == []


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with LocalActions(tmp_path) as found, pytest.raises(StoreError, match="holds no bar store"):
        found.actions(["AAPL"])


def test_one_number_names_a_version_of_bars_and_actions(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as bars, ActionStore(tmp_path) as actions:
        first = bars.commit(make_change(make_bars(n=3)))
        second = actions.commit(said(SPLIT))
        third = bars.commit(make_change(make_bars(n=5)))
        assert (first.id, second.id, third.id) == (1, 2, 3)
        assert bars.latest_commit() == 3
        assert_same_bars(bars.read(query_all(as_of=2)), make_bars(n=3))
        assert actions.actions(["AAPL"], as_of=1) == []
        assert actions.actions(["AAPL"], as_of=2) == [SPLIT]
        assert [one.id for one in bars.history("AAPL", make_bars().timeframe)] == [1, 3]
        assert [one.id for one in actions.history(["AAPL"])] == [2]
        with pytest.raises(InvalidRangeError):
            actions.actions(["AAPL"], as_of=4)


def test_a_restatement_is_a_new_version_with_a_diff(tmp_path: Path) -> None:
    wrong, right = dividend("2012-11-07", "2.56"), dividend("2012-11-07", "2.65")
    with ActionStore(tmp_path) as store:
        store.commit(settled(dividend("2012-08-09", "2.65"), wrong))
        made = store.commit(settled(dividend("2012-08-09", "2.65"), right, SPLIT))
        assert (made.added, made.removed) == ((right, SPLIT), (wrong,))
        assert store.actions(["AAPL"], as_of=1)[1] == wrong
        assert store.actions(["AAPL"])[1:] == [right, SPLIT]
        found = store.diff(["AAPL"], from_commit=1)
        assert [one.action for one in found.added] == [right, SPLIT]
        assert [one.action for one in found.removed] == [wrong]
        nothing = store.diff(["AAPL"], from_commit=2, to_commit=2)
        assert nothing.added == nothing.removed == ()
        with pytest.raises(InvalidRangeError):
            store.diff(["AAPL"], from_commit=2, to_commit=1)


def test_the_same_again_makes_no_version(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        store.commit(settled(SPLIT))
        later = datetime(2024, 3, 1, tzinfo=UTC)
        again = store.commit(replace(settled(SPLIT), fetched_at=later))
        assert (again.id, again.no_op) == (1, True)
        assert {one.fetched_at for one in store.answers()} == {later}
        assert store.recorded(["AAPL"])[0].fetched_at == FETCHED_AT


def test_no_action_at_all_is_an_answer(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        assert store.commit(settled()).id == 1
        assert store.answered() == {"AAPL": PRICED}
        assert store.answered(as_of=0) == {}
        store.commit(said(RENAME))
        assert store.answered()["FB"] == {ActionKind.RENAME}
        assert "META" not in store.answered()


def test_another_source_takes_over_what_it_settles(tmp_path: Path) -> None:
    off_by_a_day = dividend("2012-08-10", "2.65")
    with ActionStore(tmp_path) as store:
        store.commit(settled(off_by_a_day))
        store.commit(replace(settled(dividend("2012-08-09", "2.65")), source="better"))
        (left,) = store.recorded(["AAPL"])
        assert (left.action, left.source) == (dividend("2012-08-09", "2.65"), "better")


def test_a_writer_that_knows_an_older_version_is_refused(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        store.commit(said(SPLIT))
        store.commit(said(dividend("2012-08-09", "1", "IBM")))
        store.commit(said(dividend("2012-08-09", "2.65")), base=1)
        with pytest.raises(ConflictError, match="commit 3, after 1"):
            store.commit(said(dividend("2012-11-07", "2.65")), base=1)
        assert len(store.actions(["AAPL"])) == 2


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    ActionStore(tmp_path).close()

    def write(number: int) -> None:
        with closing(ActionStore(tmp_path)) as store:
            for month in range(1, 11):
                store.commit(said(dividend(f"20{number:02}-{month:02}-01", "1")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(10, 14)))
    with LocalActions(tmp_path) as found:
        assert len(found.actions(["AAPL"])) == 40
        assert [one.id for one in found.history(["AAPL"])] == list(range(1, 41))


@pytest.mark.parametrize("fault", ["eio", "enospc", "crash", "power loss"])
def test_a_fault_leaves_the_old_version_or_the_new(fast_path: Path, disk: Any, fault: str) -> None:
    with ActionStore(fast_path) as store:
        store.commit(settled(SPLIT))
    ops = disk.ops()
    restated = replace(SPLIT, ratio=Decimal(8))
    failing = ActionStore(fast_path, ops=ops)
    ops.arm(fault, 1)
    with suppress(StoreError, OSError, disk.Crash):
        failing.commit(settled(restated))
    assert ops.fired
    ops.disarm()
    failing.close()
    with LocalActions(fast_path) as found:
        (left,) = found.recorded(["AAPL"])
        assert (left.action, left.commit) in {(SPLIT, 1), (restated, 2)}
    with ActionStore(fast_path) as store:
        store.commit(settled(restated))
        assert store.actions(["AAPL"]) == [restated]


def test_maintenance_and_backup_keep_them(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with ParquetStore(root) as bars, ActionStore(root) as actions:
        bars.commit(make_change(make_bars()))
        actions.commit(said(SPLIT))
        for task in Maintenance:
            assert bars.maintain(task).problems == ()
        bars.vacuum(keep_versions_since=2)
        assert actions.actions(["AAPL"]) == [SPLIT]
        bars.back_up(tmp_path / "backup", made_at=FETCHED_AT)
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    with LocalActions(tmp_path / "again") as found:
        assert found.actions(["AAPL"]) == [SPLIT]
