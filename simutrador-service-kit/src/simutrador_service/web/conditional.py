"""Whether a client already has an answer."""

from __future__ import annotations


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether an If-None-Match header names this ETag, compared weakly as RFC 9110 says.

    Compressed answers carry the weak form of their ETag, so that comparing texts is not enough.
    """
    if not if_none_match:
        return False
    held = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in held or etag.removeprefix("W/") in held
