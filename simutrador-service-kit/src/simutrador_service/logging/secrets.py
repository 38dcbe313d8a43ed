"""Find secrets in what is to be logged, by the name of a field and by the shape of a text.

A mask too many costs a reader a moment, one too few costs a key: in doubt it is masked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, cast
from uuid import UUID

MASK: Final = "********"
_DEEPEST: Final = 8
_LARGEST_INT: Final = 2**63
_AS_TEXT: Final = (date, time, timedelta, Decimal, Enum, PurePath, UUID)

_SECRET_NAME: Final = re.compile(
    r"(?:^|[^a-z])keys?$|api_?-?keys?|secret|token|passw|passphrase|authorization|cookie"
    r"|credential|(?:^|_)jwt|signature|private_key",
    re.IGNORECASE,
)
_HARMLESS_NAME: Final = re.compile(
    r"^(?:job|request|active|idempotency|dataset|storage|partition|sort|primary|cache|lock)_keys?$",
    re.IGNORECASE,
)
_NAMES: Final = (
    r"(?:secret|token|passw(?:or)?d|passphrase|api[_-]?key|authorization|cookie|signature)"
    r"(?:[_-]?key)?"
)
_TOKEN: Final = re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")  # JSON Web Tokens
_KEY: Final = re.compile(r"(?<![\w-])[a-z]{2,8}_[0-9a-f]{8,}\.[\w-]+")  # prefix.secret
_SHAPES: Final = (
    (_TOKEN, MASK),
    # user:password@ in a URL
    (re.compile(r"(?<=://)([^\s/:@'\"]*):[^\s/'\"]+@"), rf"\1:{MASK}@"),
    # an authorization scheme and what follows it
    (re.compile(r"\b(Bearer|Basic) +(?!\*)[\w.~+/=-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    # name=value, name: value, 'name': 'value', (b'name', b'value')
    (
        re.compile(
            rf"({_NAMES}[\"']?(?:=|: ?|, ?(?=b?[\"']))(?:b?[\"'])?)"
            r"(?!\*|Bearer|Basic|None\b|null\b)[^\s\"'&,;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # ?key=value
    (re.compile(r"([?&](?:key|sig|code)=)[^\s\"'&#]+", re.IGNORECASE), rf"\1{MASK}"),
    # prefix.secret: a typed prefix with an id, or any prefix before a long random part
    (_KEY, MASK),
    (
        re.compile(
            r"(?<=[\w-]\.)(?:(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])[\w-]{24,}"
            r"|(?=[\w-]{0,60}[\dA-Z])[\w-]{40,}|[0-9a-f]{32,}\b)"
        ),
        MASK,
    ),
)


_SHAPELESS: Final = re.compile(r"[\w/{}-]*")
"""Words, ids and paths without a dot or a sign that every shape above needs: most of a log."""


def mask_credentials(text: str) -> str:
    """Return a text without the tokens and keys of ours that stand in it; the rest is kept."""
    return _KEY.sub(MASK, _TOKEN.sub(MASK, text))


def mask_text(text: str) -> str:
    """Return the text with every part that looks like a secret masked."""
    if _SHAPELESS.fullmatch(text):
        return text
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def mask(value: object, *, name: str = "", depth: int = 0) -> Any:
    """Return a value that JSON can carry, without secrets.

    Args:
        value: Anything; mappings and sequences are walked, at most eight levels deep.
        name: Name of the field that holds it; some names say that the value is a secret.
        depth: Levels above it.
    """
    if value is None or isinstance(value, bool):
        return value
    if name and is_secret_name(name) and not _is_count(name, value):
        return MASK
    if isinstance(value, str):
        return mask_text(str(value))
    if isinstance(value, int | float) and not isinstance(value, Enum):
        fits = abs(value) < _LARGEST_INT if isinstance(value, int) else math.isfinite(value)
        return value if fits else str(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            entries = cast("Mapping[object, object]", value).items()
            return {mask_text(str(k)): mask(v, name=str(k), depth=depth + 1) for k, v in entries}
        if isinstance(value, list | tuple | set | frozenset):
            items = cast("list[object]", value)
            return [mask(item, name=name, depth=depth + 1) for item in items]
    return mask_text(str(value) if isinstance(value, _AS_TEXT) else _shown(value))


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAME.search(name)


def _is_count(name: str, value: object) -> bool:
    """Return whether this is a number of keys or tokens rather than one of them."""
    return isinstance(value, int | float) and "passw" not in name.lower()


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as e:  # noqa: BLE001  (a line that cannot show a value is better than none)
        return f"<{type(value).__name__} whose repr fails with {type(e).__name__}>"
