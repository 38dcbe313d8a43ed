"""What a configuration refuses, and that its digest tells any two apart."""

from __future__ import annotations

import pickle
from decimal import Decimal, localcontext
from typing import Any

import pytest

from runs import DAY, HOUR, config_of, schedule_of
from simutrador_core.errors import InputError
from simutrador_core.models.enums import Timeframe
from simutrador_engine.models.config import EngineConfig, FillPolicy, ShortSelling

CHANGES: list[dict[str, Any]] = [
    {"timeframe": Timeframe.HOUR_1},
    {"cash": Decimal("1000000.01")},
    {"commission_per_share": Decimal("0.005")},
    {"slippage_bps": Decimal(1)},
    {"policy": FillPolicy.OPTIMISTIC},
    {"short_selling": ShortSelling.FORBIDDEN},
    {"leverage": Decimal(2)},
    {"tick_sizes": {"X": Decimal("0.05")}},
    {"tick_sizes": {"Y": Decimal("0.05")}},
    {"lot_sizes": {"X": Decimal("0.1")}},
    {"start": 0},
    {"start": 1},
    {"schedules": {"X": schedule_of((0, HOUR))}},
    {"schedules": {"Y": schedule_of((0, HOUR))}},
    {"schedules": {"X": schedule_of((0, 2 * HOUR))}},
    {"schedules": {"X": schedule_of((0, HOUR), first_day=1)}},
    {"schedules": {"X": schedule_of((0, HOUR), (DAY, DAY + HOUR))}},
]


def test_each_setting_changes_the_digest() -> None:
    digests = [config_of("X", "Y", **change).digest() for change in [{}, *CHANGES]]
    digests += [config_of("Y", "X").digest(), config_of("X").digest()]

    assert len(set(digests)) == len(digests)


def test_header_tells_datasets_and_seeds_apart_that_the_digest_does_not() -> None:
    plain = config_of()

    assert config_of(dataset_id="other").digest() == plain.digest()
    assert config_of(seed=1).digest() == plain.digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"cash": Decimal("1E+5")}, {"cash": Decimal("100000.00")}),
        ({"tick_sizes": {"X": Decimal("0.010")}}, {}),
        ({"lot_sizes": {"X": Decimal(1), "Z": Decimal(7)}}, {}),
        ({"policy": "pessimistic", "short_selling": "allowed", "timeframe": "1min"}, {}),
    ],
)
def test_equal_settings_have_equal_digests_however_they_are_spelt(one: Any, other: Any) -> None:
    assert config_of(**one).digest() == config_of(**other).digest()


def test_words_given_as_text_become_the_words() -> None:
    config = config_of(policy="optimistic", short_selling="forbidden")

    assert config.policy is FillPolicy.OPTIMISTIC
    assert config.short_selling is ShortSelling.FORBIDDEN


def test_digest_ignores_the_callers_decimal_context_and_survives_a_pickle() -> None:
    config = config_of(cash=Decimal("123456.789"))
    with localcontext() as strange:
        strange.prec = 2
        assert config_of(cash=Decimal("123456.789")).digest() == config.digest()
    assert pickle.loads(pickle.dumps(config)).digest() == config.digest()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cash", ["0", "-1", "NaN", "sNaN", "Infinity", "1.1e15"]),
        ("leverage", ["0", "-1", "NaN", "Infinity", "1001"]),
        ("commission_per_share", ["-0.1", "NaN", "Infinity"]),
        ("slippage_bps", ["-1", "NaN", "Infinity", "10000"]),
    ],
)
def test_number_no_account_can_have_is_refused(name: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(InputError) as refused:
            config_of(**{name: Decimal(value)})
        assert refused.value.field == name


@pytest.mark.parametrize("name", ["tick_sizes", "lot_sizes"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "sNaN", "Infinity", "1e-19", "1e16"])
def test_step_that_is_no_step_is_refused(name: str, value: str) -> None:
    with pytest.raises(InputError, match="X"):
        config_of(**{name: {"X": Decimal(value)}})


@pytest.mark.parametrize("symbols", [(), ("X", "X")])
def test_symbols_are_given_each_once(symbols: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="symbol"):
        EngineConfig(symbols=symbols, timeframe=Timeframe.MINUTE_1, cash=Decimal(1))
