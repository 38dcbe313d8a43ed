"""How complete a series is called."""

from __future__ import annotations

import pytest

from simutrador_data.cli.validate import percent


@pytest.mark.parametrize(
    ("fraction", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")]
)
def test_only_a_whole_series_is_a_hundred_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text
