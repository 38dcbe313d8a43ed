"""Errors carry facts, tell the next step, and cross processes whole."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta

import pytest

from simutrador_core import errors
from simutrador_core.errors import (
    DataProviderError,
    ImportFileError,
    InputError,
    InvalidSymbolError,
    MissingExtraError,
    RateLimitError,
    SimutradorError,
    UnknownSymbolError,
)

SAMPLES = [
    InvalidSymbolError("'..' is not a symbol", field="symbol"),
    UnknownSymbolError("TSLA", hint="fetch it"),
    MissingExtraError("pyarrow", extra="arrow"),
    ImportFileError("no column named close", path="a.csv"),
    DataProviderError("gone", provider="acme"),
    RateLimitError(provider="acme", retry_after=timedelta(seconds=30)),
    errors.ConflictError("another writer was first"),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error_survives_pickle_with_its_facts(error: SimutradorError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_texts_name_the_next_step() -> None:
    assert str(SAMPLES[1]) == "no bars are stored for symbol 'TSLA': fetch it"
    assert str(SAMPLES[2]) == (
        "pyarrow is not installed; run: pip install 'simutrador-core[arrow]'"
    )
    assert str(SAMPLES[3]) == "a.csv: no column named close"
    assert str(SAMPLES[5]) == "acme: rate limit reached, retry after 0:00:30"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [(InputError, ValueError), (UnknownSymbolError, KeyError), (MissingExtraError, ImportError)],
)
def test_errors_are_caught_as_the_builtins_they_resemble(
    kind: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


def test_every_error_has_its_own_code() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type)]
    tree = [kind for kind in kinds if issubclass(kind, SimutradorError)]
    codes = [kind.code for kind in tree]
    assert len(set(codes)) == len(tree)
    assert "rate" in RateLimitError.code


def test_only_a_rate_limit_is_worth_retrying() -> None:
    assert RateLimitError.retryable
    assert not DataProviderError.retryable
