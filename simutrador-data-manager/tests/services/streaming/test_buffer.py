"""What waits to be written."""

from __future__ import annotations

from simutrador_core.models.bars import to_us
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.streaming.buffer import LiveBuffer

from .venue import START, minute

MINUTES = make_bars("BTC-USDT", start=START, n=4)


def test_bars_are_taken_by_symbol_in_order_of_time() -> None:
    buffer = LiveBuffer()
    other = make_bars("ETH-USDT", start=START, n=1)
    for bars in (MINUTES.take(slice(2, 4)), other, MINUTES.take(slice(0, 2))):
        buffer.add(bars)
    first, second = buffer.take()
    assert_same_bars(first, MINUTES)
    assert_same_bars(second, other)
    assert buffer.take() == []


def test_of_a_bar_that_came_in_two_accounts_neither_is_believed() -> None:
    buffer = LiveBuffer()
    first, other = MINUTES.take(slice(0, 1)), make_bars("BTC-USDT", start=START, close=[7.0])
    for bars in (MINUTES, other, first, MINUTES.take(slice(1, 2))):
        buffer.add(bars)
    (found,) = buffer.take()
    assert_same_bars(found, MINUTES.take(slice(1, 4)))
    buffer.add(other)
    (later,) = buffer.take()
    assert_same_bars(later, other)


def test_a_full_buffer_drops_the_oldest() -> None:
    buffer = LiveBuffer(most=3)
    buffer.add(MINUTES)
    assert len(buffer) == 3
    (found,) = buffer.take()
    assert found.opened_at.tolist() == [to_us(minute(at)) for at in (1, 2, 3)]
