"""Corporate actions from files: values worked by hand from recorded Lean files, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from simutrador_core.adjusting.companies import Companies
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import ImportFileError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.documents import listed_document
from simutrador_data.services.corporate_actions.importing import ActionFile, import_actions
from simutrador_data.services.corporate_actions.listing import Wish, list_actions
from simutrador_data.services.corporate_actions.records import ActionCommit
from simutrador_data.services.serving.reading import calendar_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGISTRY = AssetRegistry.default()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ActionStore]:
    with ActionStore(tmp_path / "store") as opened:
        yield opened


def take_in(store: ActionStore, file: ActionFile) -> ActionCommit:
    return import_actions(
        file, store, calendar=lambda symbol: calendar_of(symbol, REGISTRY), now=NOW
    )


def shown(actions: list[CorporateAction]) -> list[tuple[str, str, str, str]]:
    return [
        (a.symbol, str(a.kind), str(a.effective), str(a.ratio or a.amount or a.successor or ""))
        for a in actions
    ]


def written(path: Path, text: str) -> ActionFile:
    path.write_text(text, encoding="utf-8")
    return ActionFile(path)


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("bac", [("NB", "rename", "1998-10-01", "BAC")]),
        ("eem", []),
        ("fb.1", [("FB", "delisting", "2003-03-31", "")]),  # the Monday after Friday the 28th
        ("googl", [("GOOG", "rename", "2014-04-03", "GOOGL")]),
        (
            "spwr",
            [("SPWR", "rename", "2008-09-30", "SPWRA"), ("SPWRA", "rename", "2011-11-17", "SPWR")],
        ),
        (
            "tfcfa",
            [
                ("NWSA", "rename", "2013-07-01", "FOXA"),
                ("FOXA", "rename", "2019-03-19", "TFCFA"),
                ("TFCFA", "delisting", "2019-03-21", ""),
            ],
        ),
    ],
)
def test_map_files_of_lean(
    store: ActionStore, test_data: Path, name: str, actions: list[tuple[str, str, str, str]]
) -> None:
    path = test_data / f"bars/equity_us/map_files/{name}.csv"
    if not actions:
        with pytest.raises(ImportFileError, match="holds no corporate action"):
            take_in(store, ActionFile(path))
        return
    take_in(store, ActionFile(path))
    assert sorted(shown(store.namings())) == sorted(actions)


def test_factor_file_of_lean_gives_the_cash_that_was_paid(
    store: ActionStore, test_data: Path
) -> None:
    folder = test_data / "bars/equity_us"
    take_in(store, ActionFile(folder / "map_files/bac.csv"))
    made = take_in(store, ActionFile(folder / "factor_files/bac.csv"))
    # 1 - 0.5454956/0.5485248 = 0.0055224; times 68.81 on 1998-03-03 = 0.38, as NB paid then.
    assert shown(store.actions(["NB"]))[:2] == [
        ("NB", "dividend", "1998-03-04", "0.3800"),
        ("NB", "dividend", "1998-06-03", "0.3800"),
    ]
    found = store.actions(["BAC"])
    assert [a.effective for a in found if a.kind is ActionKind.SPLIT] == [date(2004, 8, 30)]
    assert [a.ratio for a in found if a.kind is ActionKind.SPLIT] == [2]
    assert shown(found)[-1] == ("BAC", "dividend", "2021-03-04", "0.1800")
    assert {one.symbol for one in store.answers()} == {"NB", "BAC"}
    again = take_in(store, ActionFile(folder / "factor_files/bac.csv"))
    assert (again.id, again.no_op) == (made.id, True)


def test_ratios_are_those_meant(store: ActionStore, test_data: Path) -> None:
    take_in(store, ActionFile(test_data / "bars/equity_us/factor_files/eem.csv"))
    splits = [a for a in store.actions(["EEM"]) if a.kind is ActionKind.SPLIT]
    # 0.333333/0.11111099 and 1/0.333333 mean three for one.
    assert [(a.effective, a.ratio) for a in splits] == [
        (date(2005, 6, 9), 3),
        (date(2008, 7, 24), 3),
    ]


def test_a_symbol_used_again_keeps_the_actions_of_each_company(
    store: ActionStore, test_data: Path
) -> None:
    """The old News Corporation became FOXA in 2013; the new one has been NWSA since."""
    folder = test_data / "bars/equity_us"
    take_in(store, ActionFile(folder / "map_files/tfcfa.csv"))
    take_in(store, ActionFile(folder / "factor_files/nwsa.csv"))
    take_in(store, ActionFile(folder / "factor_files/tfcfa.csv"))
    news = list_actions(store, "NWSA", Wish())
    assert [str(t.start) for t in news.company] == ["2013-07-01"]
    assert shown([one.action for one in news.actions])[0][2] == "2015-09-14"
    assert len(news.actions) == 12
    fox = list_actions(store, "NWSA", Wish(on=date(2010, 1, 4)))
    assert [t.symbol for t in fox.company] == ["NWSA", "FOXA", "TFCFA"]
    paid = [one.action for one in fox.actions if one.action.kind is ActionKind.DIVIDEND]
    assert {a.symbol for a in paid} == {"NWSA", "FOXA"}
    assert all((a.symbol == "NWSA") == (a.effective < date(2013, 7, 1)) for a in paid)
    assert {one.symbol for one in fox.settled} == {"NWSA", "FOXA", "TFCFA"}


def test_csv_of_all_kinds(store: ActionStore, tmp_path: Path) -> None:
    file = written(
        tmp_path / "actions.csv",
        "symbol,kind,effective,ratio,amount,successor,known_on\n"
        "aapl,split,2014-06-09,7:1,,,2014-04-23\n"
        "AAPL,Dividend,2012-08-09,,2.65,,\n\n"
        "XYZ,split,2020-01-02,1:10,,,\n"
        "FB,rename,2022-06-09,,,META,\n"
        "TWTR,delisting,2022-11-08,,,,\n",
    )
    assert take_in(store, file).id == 1
    assert store.actions(["AAPL", "XYZ", "FB", "TWTR"]) == [
        CorporateAction(
            "AAPL", ActionKind.DIVIDEND, date(2012, 8, 9), amount=Decimal("2.65")
        ),
        CorporateAction(
            "AAPL", ActionKind.SPLIT, date(2014, 6, 9), ratio=Decimal(7),
            known_on=date(2014, 4, 23),
        ),
        CorporateAction("FB", ActionKind.RENAME, date(2022, 6, 9), successor="META"),
        CorporateAction("TWTR", ActionKind.DELISTING, date(2022, 11, 8)),
        CorporateAction("XYZ", ActionKind.SPLIT, date(2020, 1, 2), ratio=Decimal("0.1")),
    ]  # fmt: skip


def test_a_file_that_settles_a_range_takes_back_the_rest(
    store: ActionStore, tmp_path: Path
) -> None:
    first = "kind,effective,ratio\nsplit,2014-06-09,7\nsplit,2014-06-10,7\nsplit,2020-08-31,4\n"
    take_in(store, ActionFile(written(tmp_path / "a.csv", first).path, symbol="AAPL"))
    second = ActionFile(
        written(tmp_path / "b.csv", "kind,effective,ratio\nsplit,2014-06-09,7\n").path,
        symbol="AAPL",
        settles=(date(2014, 1, 1), date(2015, 1, 1)),
    )
    take_in(store, second)
    assert [a.effective for a in store.actions(["AAPL"])] == [date(2014, 6, 9), date(2020, 8, 31)]
    assert Companies(store.namings()).company_of("AAPL")[0].symbol == "AAPL"


def test_what_is_listed_can_be_imported_elsewhere(store: ActionStore, tmp_path: Path) -> None:
    text = "symbol,kind,effective,ratio,known_on\nAAPL,split,2014-06-09,7,2014-04-23\n"
    take_in(store, written(tmp_path / "a.csv", text))
    document = json.dumps(listed_document(list_actions(store, "AAPL", Wish())), default=str)
    with ActionStore(tmp_path / "other") as other:
        take_in(other, written(tmp_path / "a.json", document))
        assert other.actions(["AAPL"]) == store.actions(["AAPL"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("symbol,kind,date\nAAPL,split,2014-06-09\n", "column 'date' is unknown"),
        ("kind,effective\nsplit,2014-06-09\n", "no column 'symbol'"),
        ("symbol,kind,effective\nAAPL,spilt,2014-06-09\n", "line 2: kind 'spilt' is unknown"),
        ("symbol,kind,effective,ratio\nAAPL,split,9.6.2014,7\n", "line 2: effective '9.6.2014'"),
        ("symbol,kind,effective,ratio\nAAPL,split,2014-06-09,\n", "line 2: split of AAPL"),
        ("symbol,kind,effective,ratio\nAAPL,split,2014-06-09,7:0\n", "divides by 0"),
        ("symbol,kind,effective,ratio\nAAPL,split,2014-06-09,seven\n", "'seven' is not a number"),
        ("symbol,kind,effective\n../x,delisting,2014-06-09\n", "line 2: .*not a symbol"),
        ("symbol,kind,effective\n", "holds no corporate action"),
        ("", "there is no column 'effective'"),
        ('{"series": []}', "no list of actions"),
        ("[1]", "1 is no action"),
        ("[", "not JSON"),
        ("19990310,0.87,0.5,1\n20000317,x,0.5,221.73\n", "'x' in the line of 20000317"),
        ("19990310,0.87,0,1\n20000317,1,1,221.73\n", "split factor after 19990310"),
        ("19990310,0.87,1,1\n20000317,0.5,1,221.73\n", "price factor falls after 19990310"),
        ("99990310,qqq,Q\n2000x,qqqq,Q\n", "2000x"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_whole(
    store: ActionStore, tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(ImportFileError, match=problem):
        take_in(store, written(tmp_path / "acme.csv", text))
    assert store.symbols() == []
