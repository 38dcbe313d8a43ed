"""A service that answers wrongly: nothing of it is taken for bars, and nobody waits for ever."""

from __future__ import annotations

import struct
from datetime import date

import pytest

from simutrador_core.errors import InvalidBarsError, UnreachableError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.remote.remote_bars import RemoteBars
from simutrador_core.testing.builders import make_bars, query_all

from .scripted import END, Reply, answering, stream_of

AAPL = make_bars("AAPL", n=6)
QUERY = query_all("AAPL")


@pytest.mark.parametrize(
    "given",
    [
        make_bars("MSFT", n=6),
        make_bars("AAPL", Timeframe.MINUTE_5, n=6),
        make_bars("AAPL", n=6, adjustment=Adjustment.SPLIT),
    ],
    ids=["symbol", "timeframe", "adjustment"],
)
def test_bars_of_another_series_are_refused(given: Bars) -> None:
    with (
        answering(stream_of(given)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(InvalidBarsError, match="was asked for bars of AAPL 1min raw, sent"),
    ):
        source.read(QUERY)


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(1999, 1, 1), date(2000, 1, 1)), (date(2150, 1, 1), date(2160, 1, 1))],
    ids=["after", "before"],
)
def test_bars_outside_of_the_range_are_refused(start: date, end: date) -> None:
    with (
        answering(stream_of(AAPL)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(InvalidBarsError, match="sent 20"),
    ):
        source.read(query_all("AAPL", start=start, end=end))


def test_a_batch_sent_twice_is_refused() -> None:
    part = AAPL.take(slice(0, 3))
    with (
        answering(stream_of(part, part)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(InvalidBarsError, match="was asked for bars"),
    ):
        source.read(QUERY)


def test_a_service_that_begins_anew_after_each_break_is_not_asked_for_ever() -> None:
    broken = stream_of(AAPL.take(slice(0, 3)), ends=False, cut=True)
    with answering(*[broken] * 4) as server, RemoteBars(server.url) as source:
        with pytest.raises(InvalidBarsError, match="was asked for bars"):
            source.read(QUERY)
        assert len(server.asked) == 2


def test_no_more_is_held_than_a_batch_has() -> None:
    # What comes first in an Arrow message is how long its head is: two thousand million bytes.
    announced = b"\xff\xff\xff\xff" + struct.pack("<i", 2_000_000_000) + bytes(1_000)
    with (
        answering(Reply(body=announced)) as server,
        RemoteBars(server.url, attempts=1) as source,
        pytest.raises(UnreachableError, match="2000000000 bytes at once, above the limit"),
    ):
        source.read(QUERY)


@pytest.mark.parametrize("missing", [1, len(END), 20, 100, 200, 400, 800, 1_200, 1_600])
def test_a_stream_that_ends_anywhere_before_its_end_is_an_error(missing: int) -> None:
    whole = stream_of(AAPL.take(slice(0, 3)), AAPL.take(slice(3, 6)))
    assert len(whole.body) > missing
    with (
        answering(Reply(body=whole.body[:-missing])) as server,
        RemoteBars(server.url, attempts=1) as source,
        pytest.raises(UnreachableError, match=r"broke off|no Arrow stream"),
    ):
        source.read(QUERY)


@pytest.mark.parametrize(
    "document",
    [b"[1]", b'[{"symbol": "AAPL"}]', b"7", b'{"detail": "no list"}'],
)
def test_a_list_in_another_shape_is_not_taken_for_series(document: bytes) -> None:
    with (
        answering(Reply(body=document)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(UnreachableError, match="is that its address"),
    ):
        source.symbols()


@pytest.mark.parametrize("document", [b"[]", b"{}", b"null", b'"text"'])
def test_a_document_without_a_dataset_id_is_refused(document: bytes) -> None:
    with (
        answering(Reply(body=document)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(UnreachableError, match="is that its address"),
    ):
        source.dataset_id([QUERY])
