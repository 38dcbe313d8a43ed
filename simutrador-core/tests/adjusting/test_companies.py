"""Companies across their names: chains, symbols used again, and real map files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.adjusting.companies import Companies, Tenure, actions_of
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction


def rename(old: str, day: str, new: str) -> CorporateAction:
    return CorporateAction(old, ActionKind.RENAME, date.fromisoformat(day), successor=new)


def delisting(symbol: str, day: str) -> CorporateAction:
    return CorporateAction(symbol, ActionKind.DELISTING, date.fromisoformat(day))


def dividend(symbol: str, day: str) -> CorporateAction:
    effective = date.fromisoformat(day)
    return CorporateAction(symbol, ActionKind.DIVIDEND, effective, amount=Decimal(1))


def shown(company: tuple[Tenure, ...]) -> list[tuple[str, str, str]]:
    return [(t.symbol, str(t.start or ""), str(t.end or "")) for t in company]


# Facts of recorded map files (QuantConnect Lean) and of issuers' announcements.
FACEBOOK = [delisting("FB", "2003-03-31"), rename("FB", "2022-06-09", "META")]
SUNPOWER = [rename("SPWR", "2008-09-30", "SPWRA"), rename("SPWRA", "2011-11-17", "SPWR")]
FOX = [
    rename("NWSA", "2013-07-01", "FOXA"),
    rename("FOXA", "2019-03-19", "TFCFA"),
    delisting("TFCFA", "2019-03-21"),
]


def test_without_renames_a_symbol_is_one_company_for_all_time() -> None:
    assert Companies([dividend("EEM", "2009-06-23")]).company_of("EEM") == (Tenure("EEM"),)


@pytest.mark.parametrize(
    ("symbol", "on", "company"),
    [
        ("META", None, [("FB", "2003-03-31", "2022-06-09"), ("META", "2022-06-09", "")]),
        ("FB", "2012-05-18", [("FB", "2003-03-31", "2022-06-09"), ("META", "2022-06-09", "")]),
        ("FB", "2003-03-28", [("FB", "", "2003-03-31")]),
        ("FB", None, [("FB", "2022-06-09", "")]),
        ("META", "2022-01-03", [("META", "", "2022-06-09")]),
    ],
)
def test_a_symbol_used_again_is_another_company(
    symbol: str, on: str | None, company: list[tuple[str, str, str]]
) -> None:
    day = None if on is None else date.fromisoformat(on)
    assert shown(Companies(FACEBOOK).company_of(symbol, on=day)) == company


@pytest.mark.parametrize("symbol", ["SPWR", "SPWRA"])
def test_a_rename_and_back_is_one_company(symbol: str) -> None:
    on = date(2010, 1, 4) if symbol == "SPWRA" else date(2012, 1, 3)
    assert shown(Companies(SUNPOWER).company_of(symbol, on=on)) == [
        ("SPWR", "", "2008-09-30"),
        ("SPWRA", "2008-09-30", "2011-11-17"),
        ("SPWR", "2011-11-17", ""),
    ]


@pytest.mark.parametrize("day", ["2013-06-28", "2013-07-01", "2019-03-19"])
def test_a_chain_of_three_names_is_one_company_from_any_of_them(day: str) -> None:
    symbol = {"2013-06-28": "NWSA", "2013-07-01": "FOXA", "2019-03-19": "TFCFA"}[day]
    assert shown(Companies(FOX).company_of(symbol, on=date.fromisoformat(day))) == [
        ("NWSA", "", "2013-07-01"),
        ("FOXA", "2013-07-01", "2019-03-19"),
        ("TFCFA", "2019-03-19", "2019-03-21"),
    ]


def test_who_takes_a_name_over_gets_none_of_its_actions() -> None:
    paid = [dividend("NWSA", "2013-03-11"), dividend("NWSA", "2015-09-14")]
    companies = Companies(FOX)
    fox = companies.company_of("TFCFA", on=date(2019, 3, 20))
    news = companies.company_of("NWSA")
    assert actions_of(fox, [*paid, dividend("FOXA", "2014-03-10")]) == [
        paid[0],
        dividend("FOXA", "2014-03-10"),
    ]
    assert actions_of(news, paid) == [paid[1]]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABCD"),
            st.dates(date(2000, 1, 1), date(2000, 1, 20)),
            st.sampled_from("ABCDE"),
        ),
        max_size=8,
        unique_by=(lambda r: (r[0], r[1]), lambda r: (r[2], r[1])),
    )
)
def test_every_session_of_a_symbol_belongs_to_exactly_one_company(
    renames: list[tuple[str, date, str]],
) -> None:
    actions = [rename(a, str(day), b) for a, day, b in renames if a != b]
    companies = Companies(actions)
    found = {
        companies.company_with(tenure)
        for symbol in "ABCDE"
        for tenure in companies.tenures_of(symbol)
    }
    for symbol in "ABCDE":
        for day in (date(1999, 1, 1), *(date(2000, 1, d) for d in range(1, 23))):
            owners = [c for c in found if any(t.symbol == symbol and t.holds(day) for t in c)]
            assert owners == [companies.company_of(symbol, on=day)]
