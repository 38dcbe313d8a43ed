"""How an answer leaves: whole when small, else in parts; packed and conditional when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from simutrador_data.services.serving.compression import LEAST_BYTES, Coding, packed
from simutrador_service.web.encodings import choose_encoding

WHOLE_ANSWER_BYTES: Final = 4_000_000
"""Larger answers are sent while they are read."""


def send(
    request: Request,
    chunks: Iterator[bytes],
    *,
    media_type: str,
    headers: Mapping[str, str],
) -> Response:
    """Return the answer of some chunks.

    What fails before the first bytes leave is a proper problem; later the connection is cut. A
    packed answer has its ETag marked as weak, because its bytes are not those of the plain one.
    """
    held: list[bytes] = []
    size = 0
    is_whole = True
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size > WHOLE_ANSWER_BYTES:
            is_whole = False
            break
    named = {"Vary": "Accept-Encoding", **headers}
    parts: Iterator[bytes] = iter(held) if is_whole else chain(held, chunks)
    liked = choose_encoding(request.headers.get("accept-encoding", ""))
    coding = None if liked is None else Coding(liked)
    if coding is not None and size >= LEAST_BYTES:
        named["Content-Encoding"] = coding
        if "ETag" in named:
            named["ETag"] = f"W/{named['ETag']}"
        parts = packed(parts, coding)
    if is_whole:
        return Response(b"".join(parts), media_type=media_type, headers=named)
    return StreamingResponse(parts, media_type=media_type, headers=named)


def head_only(*, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return an answer to HEAD that does not say how long the body would be."""
    answer = Response(media_type=media_type, headers=headers)
    del answer.headers["Content-Length"]
    return answer
