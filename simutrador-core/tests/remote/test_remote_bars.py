"""How `RemoteBars` takes what a service says: errors, retries, streams that break off."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from simutrador_core.errors import (
    AuthenticationError,
    CorruptDataError,
    InputError,
    InvalidRangeError,
    RateLimitError,
    SimutradorError,
    StoreError,
    UnknownSymbolError,
    UnreachableError,
)
from simutrador_core.models.bars import from_us
from simutrador_core.remote.problems import retry_after
from simutrador_core.remote.remote_bars import RemoteBars
from simutrador_core.testing.builders import make_bars, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.utils.serialization import format_instant

from .scripted import Reply, answering, problem, stream_of

AAPL = make_bars("AAPL", n=6)
QUERY = query_all("AAPL")
BUSY = Reply(503, b"{}", {"Retry-After": "0"})
UNKNOWN = "no bars are stored for symbol 'AAPL': as 1min raw; stored are daily"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_can_succeed_later_is_asked_again(status: int) -> None:
    busy = Reply(status, b"", {"Retry-After": "0"})
    with answering(busy, busy, stream_of(AAPL)) as server, RemoteBars(server.url) as source:
        assert_same_bars(source.read(QUERY), AAPL)
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (problem(404, "unknown_symbol", UNKNOWN), UnknownSymbolError, "stored are daily"),
        (
            problem(422, "invalid_range", "as_of 9 is no version", field="as_of"),
            InvalidRangeError,
            "as_of 9",
        ),
        (problem(422, "out_of_bounds", "too many", field="symbols"), InputError, "too many"),
        (problem(500, "corrupt_data", "x.parquet is damaged"), CorruptDataError, "damaged"),
        (problem(500, "internal_error", "it failed"), StoreError, "it failed"),
        (problem(401, "unauthorized", "no key"), AuthenticationError, "no key"),
        (Reply(403), AuthenticationError, "may not read bars"),
        (Reply(404, b"<html>not here</html>"), UnreachableError, "is that its address"),
        (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), UnreachableError, "302"),
    ],
)
def test_what_cannot_succeed_later_is_asked_once(
    reply: Reply, kind: type[SimutradorError], text: str
) -> None:
    with answering(reply) as server, RemoteBars(server.url) as source:
        with pytest.raises(kind, match=text) as caught:
            source.read(QUERY)
        assert type(caught.value) is kind
        assert len(server.asked) == 1


def test_the_parameter_that_is_wrong_is_named() -> None:
    reply = problem(422, "invalid_range", "as_of 9 is no version", field="as_of")
    with (
        answering(reply) as server,
        RemoteBars(server.url) as source,
        pytest.raises(InvalidRangeError) as caught,
    ):
        source.read(QUERY)
    assert caught.value.field == "as_of"


def test_an_unknown_symbol_keeps_its_name_and_hint() -> None:
    with (
        answering(problem(404, "unknown_symbol", UNKNOWN)) as server,
        RemoteBars(server.url) as source,
        pytest.raises(UnknownSymbolError) as caught,
    ):
        source.dataset_id([QUERY])
    assert (caught.value.symbol, caught.value.hint) == ("AAPL", "as 1min raw; stored are daily")


def test_a_service_that_wants_a_long_wait_is_reported_at_once() -> None:
    reply = Reply(429, b"", {"Retry-After": "3600"})
    with answering(reply) as server, RemoteBars(server.url) as source:
        with pytest.raises(RateLimitError) as caught:
            source.read(QUERY)
        assert len(server.asked) == 1
    assert caught.value.retry_after == timedelta(hours=1)


def test_it_gives_up_after_so_many_attempts() -> None:
    with answering(BUSY, BUSY, BUSY) as server, RemoteBars(server.url, attempts=3) as source:
        with pytest.raises(StoreError):
            source.read(QUERY)
        assert len(server.asked) == 3


def test_nobody_there_is_an_error_that_names_the_address() -> None:
    with answering() as server:
        url = server.url
    text = "is the data manager running there"
    with (
        RemoteBars(url, attempts=2) as source,
        pytest.raises(UnreachableError, match=text) as caught,
    ):
        source.read(QUERY)
    assert url in str(caught.value)


def test_the_key_is_sent_and_never_shown() -> None:
    reply = problem(401, "unauthorized", "the key is revoked")
    with answering(reply) as server, RemoteBars(server.url, api_key="ab.secret") as source:
        with pytest.raises(AuthenticationError) as caught:
            source.read(QUERY)
        assert server.asked[0].headers["Authorization"] == "Bearer ab.secret"
        assert "secret" not in f"{caught.value!r} {caught.value} {source!r}"


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_breaks_off_goes_on_behind_its_last_bar_in_the_same_version(
    cut: bool,
) -> None:
    first = stream_of(AAPL.take(slice(0, 2)), AAPL.take(slice(2, 4)), ends=False, cut=cut)
    rest = stream_of(AAPL.take(slice(4, 6)))
    with answering(first, rest) as server, RemoteBars(server.url) as source:
        assert_same_bars(source.read(QUERY), AAPL)
        again = server.asked[1].params
    assert again["as_of"] == "7"
    assert again["start"] == format_instant(from_us(int(AAPL.opened_at[3]) + 1))
    assert "as_of" not in server.asked[0].params


def test_a_stream_that_always_breaks_off_is_an_error() -> None:
    broken = stream_of(AAPL.take(slice(0, 0)), ends=False, cut=True)
    with answering(*[broken] * 3) as server, RemoteBars(server.url, attempts=3) as source:
        with pytest.raises(UnreachableError):
            source.read(QUERY)
        assert len(server.asked) == 3


def test_bytes_that_are_no_arrow_are_not_taken_for_bars() -> None:
    reply = Reply(body=b"<html>a login page of some proxy, in no way Arrow</html>")
    with (
        answering(*[reply] * 2) as server,
        RemoteBars(server.url, attempts=2) as source,
        pytest.raises(UnreachableError, match="no Arrow stream"),
    ):
        source.read(QUERY)


def test_a_page_that_is_no_document_is_not_taken_for_a_list() -> None:
    with (
        answering(Reply(body=b"<html></html>")) as server,
        RemoteBars(server.url) as source,
        pytest.raises(UnreachableError, match="is that its address"),
    ):
        source.symbols()


def test_parts_are_as_long_as_asked_whatever_the_batches() -> None:
    reply = stream_of(AAPL.take(slice(0, 1)), AAPL.take(slice(1, 5)), AAPL.take(slice(5, 6)))
    with answering(reply) as server, RemoteBars(server.url) as source:
        assert [len(part) for part in source.stream(QUERY, rows=4)] == [4, 2]


def test_the_range_is_asked_to_the_microsecond_and_cut_to_what_is_served() -> None:
    with answering(stream_of(AAPL), stream_of(AAPL)) as server, RemoteBars(server.url) as source:
        source.read(query_all("AAPL", start=date(1, 1, 1), end=date(9999, 12, 31)))
        asked = server.asked[0].params
    assert (asked["start"], asked["end"]) == ("1800-01-01T00:00:00Z", "2200-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://127.0.0.1", "no address"),
        ("127.0.0.1:8002", "no address"),
        ("", "no address"),
        ("http://user:secret@127.0.0.1", "give api_key"),
    ],
)
def test_a_wrong_address_is_refused_without_showing_a_password(url: str, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        RemoteBars(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("5", timedelta(seconds=5)),
        (" 5 ", timedelta(seconds=5)),
        ("Sat, 21 Nov 2026 06:01:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 05:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-1", None),
        ("9" * 40, timedelta(seconds=10**6)),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: timedelta | None) -> None:
    assert retry_after(header, now=NOW) == expected


@pytest.mark.parametrize("library", ["httpx", "stamina", "pyarrow"])
def test_without_its_libraries_the_extra_is_named(library: str) -> None:
    code = f"""
import sys
sys.modules[{library!r}] = None
from simutrador_core import MissingExtraError, RemoteBars
try:
    RemoteBars("http://127.0.0.1:8002")
except MissingExtraError as e:
    print(e)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().endswith("pip install 'simutrador-core[remote]'")
