"""docs/protocol.md shows every message, and each example is one the models accept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from simutrador_core.models.websocket import CLIENT_MESSAGE, SERVER_MESSAGE
from simutrador_core.models.wire import server_messages
from simutrador_engine.models.events import RejectCode
from simutrador_server.simulation.reading import TYPES

PAGE = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, flags=re.DOTALL)
SERVER_TYPES = {
    value.model_fields["type"].default
    for value in vars(server_messages).values()
    if isinstance(value, type) and "type" in getattr(value, "model_fields", {})
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: json.loads(text)["type"])
def test_example_is_a_message(example: str) -> None:
    adapter: Any = CLIENT_MESSAGE if json.loads(example)["type"] in TYPES else SERVER_MESSAGE
    message = adapter.validate_json(example)
    known = set(type(message.data).model_fields)
    aliases = {"start", "end", "initial_cash"}
    assert set(json.loads(example).get("data", {})) <= known | aliases


def test_every_message_has_an_example() -> None:
    shown = {json.loads(example)["type"] for example in EXAMPLES}
    assert shown == TYPES | SERVER_TYPES


def test_example_with_a_wrong_field_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        SERVER_MESSAGE.validate_json(EXAMPLES[0].replace('"professional"', '"gold"'))


def test_every_reason_of_a_rejected_order_is_listed() -> None:
    changes = {"UNKNOWN_ORDER", "NOT_OPEN"}  # answers to cancel and replace
    reasons = {code.value.upper() for code in RejectCode} - changes
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()
