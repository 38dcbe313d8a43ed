"""Which records a change ends and which it adds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from simutrador_core.errors import InputError, InvalidActionError, InvalidRangeError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_data.services.corporate_actions.planning import plan_change
from simutrador_data.services.corporate_actions.records import ActionChange, Asked

AT = datetime(2024, 2, 1, tzinfo=UTC)
PRICED = frozenset({ActionKind.SPLIT, ActionKind.DIVIDEND})


def dividend(day: str, amount: str, symbol: str = "AAPL") -> CorporateAction:
    effective = date.fromisoformat(day)
    return CorporateAction(symbol, ActionKind.DIVIDEND, effective, amount=Decimal(amount))


def change(*actions: CorporateAction, asked: Asked | None = None) -> ActionChange:
    return ActionChange(actions, "acme", "asked", AT, [] if asked is None else [asked])


def year(number: int) -> Asked:
    return Asked("AAPL", PRICED, date(number, 1, 1), date(number + 1, 1, 1))


FIRST, SECOND = dividend("2012-08-09", "2.65"), dividend("2012-11-07", "2.65")
RESTATED = dividend("2012-11-07", "2.56")
OF_IBM = dividend("2012-11-07", "0.85", "IBM")
LIVE = [(1, FIRST), (2, SECOND), (3, OF_IBM)]


@pytest.mark.parametrize(
    ("said", "asked", "ended", "begun"),
    [
        # Nothing settled: only the same symbol, kind and date is replaced.
        ([RESTATED], None, [2], [RESTATED]),
        ([dividend("2013-02-07", "2.65")], None, [], [dividend("2013-02-07", "2.65")]),
        ([SECOND], None, [], []),
        ([SECOND, RESTATED], None, [], [RESTATED]),  # two on one day, one of them known
        # A whole year settled: what it does not repeat is taken back, of this symbol alone.
        ([SECOND], year(2012), [1], []),
        ([], year(2012), [1, 2], []),
        ([], year(2011), [], []),
        ([RESTATED, FIRST, FIRST], year(2012), [2], [RESTATED]),
        ([], Asked("AAPL", frozenset({ActionKind.SPLIT}), date.min, date.max), [], []),
    ],
)
def test_plan(
    said: Sequence[CorporateAction],
    asked: Asked | None,
    ended: list[int],
    begun: list[CorporateAction],
) -> None:
    plan = plan_change(LIVE, change(*said, asked=asked))
    assert [number for number, _ in plan.ended] == ended
    assert list(plan.begun) == begun


def test_a_change_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidActionError):
        change(dividend("2012-08-09", "-1"))
    with pytest.raises(InputError):
        change()
    with pytest.raises(InvalidRangeError):
        change(asked=Asked("AAPL", PRICED, date(2013, 1, 1), date(2012, 1, 1)))
    with pytest.raises(InvalidRangeError):
        ActionChange([FIRST], "acme", "asked", AT.replace(tzinfo=None))
