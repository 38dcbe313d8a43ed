"""Envelopes: exact both ways."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from simutrador_client.errors import SessionProtocolError
from simutrador_client.messages import decode, encode
from simutrador_core.errors import InputError
from simutrador_core.models.websocket import PongData


def test_values_are_written_exactly() -> None:
    data = {
        "tiny": Decimal("0.00001234"),
        "naive": datetime(2023, 1, 2),
        "aware": datetime(2023, 1, 2, tzinfo=UTC),
        "day": date(2023, 1, 2),
        "names": {"b", "a"},
        "model": PongData(server_time=datetime(2023, 1, 2, tzinfo=UTC)),
    }
    assert json.loads(encode("x", data, "r1")) == {
        "type": "x",
        "request_id": "r1",
        "data": {
            "tiny": "0.00001234",
            "naive": "2023-01-02T00:00:00Z",
            "aware": "2023-01-02T00:00:00Z",
            "day": "2023-01-02",
            "names": ["a", "b"],
            "model": {"server_time": "2023-01-02T00:00:00Z"},
        },
    }


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(InputError, match="the data of x cannot be written as JSON"):
        encode("x", {"a": object()})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"type": 7}'])
def test_what_is_no_message_is_a_protocol_error(text: str) -> None:
    with pytest.raises(SessionProtocolError, match="the server sent"):
        decode(text)


@pytest.mark.parametrize("data", ["", ', "data": null', ', "data": [1]'])
def test_a_message_without_data_has_an_empty_one(data: str) -> None:
    assert decode(f'{{"type": "x"{data}}}')["data"] == {}
