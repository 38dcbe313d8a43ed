"""Asking vendors for corporate actions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from simutrador_core.errors import DataProviderError, InputError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.fetching import fetch_actions

NOW = datetime(2024, 2, 1, tzinfo=UTC)
SPLIT = CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), ratio=Decimal(7))
RANGE = {"start": date(2010, 1, 1), "end": date(2024, 1, 1)}


class Vendor:
    """A vendor that says what it is told to, and has nothing of symbols it does not know."""

    name: ClassVar[str] = "acme"
    capabilities: ClassVar[Capabilities] = Capabilities(
        frozenset({Timeframe.DAILY}),
        frozenset({Adjustment.RAW}),
        1000,
        None,
        needs_key=False,
        actions=True,
    )

    def __init__(self, *said: CorporateAction) -> None:
        self.said = said

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        if request.symbol == "BAD":
            raise DataProviderError("out of order", provider=self.name)
        for action in self.said:
            if action.symbol == request.symbol:
                yield action

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        for nothing in ():
            yield nothing


class BarsOnly(Vendor):
    capabilities: ClassVar[Capabilities] = replace(Vendor.capabilities, actions=False)


async def test_an_answer_settles_splits_and_dividends_of_its_range(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        found = await fetch_actions(
            ["AAPL", "BAD", "IBM"], [Vendor(SPLIT)], store, now=lambda: NOW, **RANGE
        )
        assert [(one.symbol, one.failure) for one in found] == [
            ("AAPL", None),
            ("BAD", "acme: out of order"),
            ("IBM", None),
        ]
        assert [(one.action, one.source) for one in store.recorded(["AAPL"])] == [(SPLIT, "acme")]
        assert set(store.answered()) == {"AAPL", "IBM"}
        assert len(store.answered()["IBM"]) == 2
        restated = replace(SPLIT, ratio=Decimal(8))
        (one,) = await fetch_actions(["AAPL"], [Vendor(restated)], store, now=lambda: NOW, **RANGE)
        assert one.commit is not None
        assert (one.commit.added, one.commit.removed) == ((restated,), (SPLIT,))


async def test_a_vendor_without_actions_is_refused(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store, pytest.raises(InputError, match="choose another"):
        await fetch_actions(["AAPL"], [BarsOnly()], store, now=lambda: NOW, **RANGE)


class Other(Vendor):
    """Another vendor, which never fails."""

    name: ClassVar[str] = "other"

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        for action in self.said:
            yield action


OF_BAD = replace(SPLIT, symbol="BAD")
LATER = replace(OF_BAD, effective=date(2020, 8, 31), ratio=Decimal(4))


async def test_the_next_vendor_is_asked_where_one_fails_or_has_no_actions(tmp_path: Path) -> None:
    chain = [BarsOnly(), Vendor(), Other(OF_BAD)]
    with ActionStore(tmp_path) as store:
        (one,) = await fetch_actions(["BAD"], chain, store, now=lambda: NOW, **RANGE)
        assert (one.failure, one.provider) == (None, "other")
        assert [(one.action, one.source) for one in store.recorded(["BAD"])] == [(OF_BAD, "other")]
        assert set(store.answered()) == {"BAD"}


async def test_a_vendor_that_stands_in_takes_back_nothing_that_others_said(tmp_path: Path) -> None:
    with ActionStore(tmp_path) as store:
        await fetch_actions(["BAD"], [Other(OF_BAD)], store, now=lambda: NOW, **RANGE)

        class StandIn(Other):
            name: ClassVar[str] = "stand-in"

        chain = [Vendor(), StandIn(LATER)]
        (one,) = await fetch_actions(["BAD"], chain, store, now=lambda: NOW, **RANGE)
        assert one.commit is not None
        assert (one.commit.added, one.commit.removed) == ((LATER,), ())
        (one,) = await fetch_actions(
            ["BAD"], [Vendor(), StandIn()], store, now=lambda: NOW, **RANGE
        )
        assert one.commit is None
        assert one.failure == (
            "acme: out of order; stand-in: names none; those that others named stay"
        )
        assert [one.action for one in store.recorded(["BAD"])] == [OF_BAD, LATER]
