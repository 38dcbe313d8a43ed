"""Which actions hold together, which were known when, and the digest of those used."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from simutrador_core.adjusting.actions import actions_digest, check_action, known_by
from simutrador_core.errors import InvalidActionError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction

SPLIT = CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), ratio=Decimal(7))
DIVIDEND = CorporateAction("AAPL", ActionKind.DIVIDEND, date(2012, 8, 9), amount=Decimal("2.65"))
RENAME = CorporateAction("FB", ActionKind.RENAME, date(2022, 6, 9), successor="META")
DELISTING = CorporateAction("TWTR", ActionKind.DELISTING, date(2022, 11, 8))


@pytest.mark.parametrize("action", [SPLIT, DIVIDEND, RENAME, DELISTING])
def test_sound_actions_are_accepted(action: CorporateAction) -> None:
    check_action(action)
    assert action.effective.year > 2000


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (replace(SPLIT, ratio=None), "ratio"),
        (replace(SPLIT, ratio=Decimal(0)), "ratio"),
        (replace(SPLIT, ratio=Decimal("NaN")), "ratio"),
        (replace(SPLIT, amount=Decimal(1)), "amount"),
        (replace(DIVIDEND, amount=None), "amount"),
        (replace(DIVIDEND, amount=Decimal("-0.1")), "amount"),
        (replace(DIVIDEND, amount=Decimal("Infinity")), "amount"),
        (replace(RENAME, successor=None), "successor"),
        (replace(RENAME, successor="FB"), "successor"),
        (replace(DELISTING, ratio=Decimal(2)), "ratio"),
    ],
)
def test_actions_that_cannot_be_are_refused(action: CorporateAction, field: str) -> None:
    with pytest.raises(
        InvalidActionError, match=f"{action.symbol} on {action.effective}"
    ) as caught:
        check_action(action)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("known_on", "day", "found"),
    [
        (None, date(2014, 6, 8), False),
        (None, date(2014, 6, 9), True),
        # Announced in April: until it takes effect, prices trade on the old terms.
        (date(2014, 4, 23), date(2014, 6, 8), False),
        (date(2014, 4, 23), date(2014, 6, 9), True),
        # Learnt of late: nobody could have used it before.
        (date(2014, 6, 20), date(2014, 6, 19), False),
        (date(2014, 6, 20), date(2014, 6, 20), True),
        (date(2014, 6, 20), None, True),
    ],
)
def test_an_action_counts_once_it_is_in_effect_and_known(
    known_on: date | None, day: date | None, found: bool
) -> None:
    assert bool(known_by([replace(SPLIT, known_on=known_on)], day)) is found


def test_digest_is_the_hash_of_the_lines_the_documents_show() -> None:
    lines = b"simutrador-actions-1\nAAPL dividend 2012-08-09 2.65\nAAPL split 2014-06-09 7\n"
    expected = hashlib.blake2b(lines, digest_size=32).hexdigest()
    same = replace(DIVIDEND, amount=Decimal("2.6500"), known_on=date(2012, 7, 24))
    assert actions_digest([SPLIT, DIVIDEND]) == expected
    assert actions_digest([same, RENAME, replace(SPLIT, ratio=Decimal("7.0"))]) == expected
    assert actions_digest([SPLIT]) != expected
