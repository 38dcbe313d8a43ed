"""Recorded actions as documents of plain values, for commands and routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simutrador_core.interfaces.data_provider import CorporateAction
from simutrador_core.utils.serialization import format_decimal
from simutrador_data.services.corporate_actions.listing import Listed
from simutrador_data.services.corporate_actions.records import RecordedAction


def listed_document(listed: Listed) -> dict[str, Any]:
    """Return what is recorded of a company."""
    return {
        "symbol": listed.symbol,
        "company": [
            {"symbol": tenure.symbol, "start": tenure.start, "end": tenure.end}
            for tenure in listed.company
        ],
        "actions": [recorded_document(one) for one in listed.actions],
        "settled": [
            {
                "symbol": one.symbol,
                "kind": str(one.kind),
                "start": one.start,
                "end": one.end,
                "source": one.source,
                "fetched_at": one.fetched_at,
            }
            for one in listed.settled
        ],
    }


def recorded_document(recorded: RecordedAction) -> dict[str, Any]:
    """Return an action with who said so, when and in which version."""
    return {
        **action_document(recorded.action),
        "source": recorded.source,
        "fetched_at": recorded.fetched_at,
        "commit": recorded.commit,
    }


def action_document(action: CorporateAction) -> dict[str, Any]:
    """Return an action by itself; numbers are decimal text."""
    return {
        "symbol": action.symbol,
        "kind": str(action.kind),
        "effective": action.effective,
        "ratio": number_text(action.ratio),
        "amount": number_text(action.amount),
        "successor": action.successor,
        "known_on": action.known_on,
    }


def number_text(number: Decimal | None) -> str | None:
    """Return a number as plain text without trailing zeros, or None."""
    return None if number is None else format_decimal(number, places=0)


__all__ = ["listed_document", "recorded_document", "action_document", "number_text"]
