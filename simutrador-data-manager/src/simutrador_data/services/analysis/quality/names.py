"""From what people write to checks."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from simutrador_core.errors import InputError
from simutrador_data.services.analysis.quality.checking import STORED_CHECKS
from simutrador_data.services.analysis.quality.findings import Check


def parse_checks(texts: Collection[str] | None) -> tuple[Check, ...]:
    """Return the checks that are named, all that need nothing but the store by default.

    Raises:
        InputError: there is no such check; the text names the nearest.
    """
    if not texts:
        return STORED_CHECKS
    return tuple(dict.fromkeys(_check(text) for text in texts))


def _check(text: str) -> Check:
    name = text.strip().lower().replace("-", "_")
    known = [str(check) for check in STORED_CHECKS]
    if name in known:
        return Check(name)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise InputError(f"there is no check {text[:40]!r}; {hint}", field="checks")
