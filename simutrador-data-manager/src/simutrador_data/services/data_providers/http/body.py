"""Reads the body of an answer within bounds, and judges whether it can be right."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Mapping, Sequence
from io import BytesIO
from typing import Final

import msgspec

from simutrador_data.services.data_providers.http.errors import BadAnswerError

MASK: Final = b"********"
LEAST_KEY: Final = 8
_PIECE: Final = 1 << 20
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_PLAIN: Final = frozenset({"", "identity"})
_ZIPPED: Final = frozenset({"gzip", "x-gzip", "deflate"})


async def read_body(
    pieces: AsyncIterable[bytes], headers: Mapping[str, str], *, most: int, provider: str
) -> bytes:
    """Return the decoded body.

    It is unpacked piece by piece, so that a bomb stops at the bound and never fills the memory.

    Args:
        pieces: The body as it comes over the wire.
        headers: Those of the answer; names in lower case.
        most: Bytes the decoded body may have.
        provider: Who answers.

    Raises:
        BadAnswerError: it is longer, cut off, or packed in a way nobody asked for.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _PLAIN | _ZIPPED:
        raise BadAnswerError(f"answer is packed as {encoding[:40]!r}, not gzip", provider=provider)
    body = BytesIO()  # unlike a bytearray it gives its bytes away without copying them
    unpack = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in _ZIPPED else None
    async for piece in pieces:
        data = piece
        while data:
            if unpack is None:
                body.write(data)
                break
            try:
                body.write(unpack.decompress(data, _PIECE))
            except zlib.error as e:
                raise BadAnswerError(f"answer cannot be unpacked: {e}", provider=provider) from e
            data = unpack.unconsumed_tail
            _check_size(body, most, provider)
        _check_size(body, most, provider)
    if unpack is not None and body.tell() and not unpack.eof:
        raise BadAnswerError("packed answer is cut off", provider=provider)
    return body.getvalue()


def _check_size(body: BytesIO, most: int, provider: str) -> None:
    if body.tell() > most:
        raise BadAnswerError(
            f"answer is larger than {most:,} bytes; it was not read further", provider=provider
        )


def check_json(body: bytes, content_type: str, *, provider: str) -> None:
    """Accept a body that is whole JSON and says so.

    Raises:
        BadAnswerError: it is another kind (a page of a proxy, for instance), empty or cut off.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind in {"application/json", "text/json"} or kind.endswith("+json")):
        raise BadAnswerError(
            f"answered {kind[:60] or 'no content type'}, not JSON", provider=provider
        )
    try:
        # Walks over the text without building anything.
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadAnswerError(
            f"answered {len(body):,} bytes that are no whole JSON", provider=provider
        ) from e


def scrubbed(body: bytes, secrets: Sequence[str]) -> bytes:
    """Return the body without our keys: some vendors repeat them in what they answer.

    One of a few letters is no vendor's key, but a word that bars may hold.
    """
    for secret in secrets:
        if len(secret) >= LEAST_KEY:
            body = body.replace(secret.encode(), MASK)
    return body
