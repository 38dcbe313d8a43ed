"""Asks Polygon: one answer, or every page of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from simutrador_core.errors import DataProviderError
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    decoded,
    raise_for_vendor_error,
)
from simutrador_data.services.data_providers.polygon.answers import (
    NAME,
    Answer,
    check_plan,
    check_status,
)

P = TypeVar("P", bound=Answer)

_FORBIDDEN = 403
_NOT_FOUND = 404


class Asker:
    """Answers of the vendor's own types."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Keep the client; its owner closes it."""
        self._client = client

    async def get(self, path: str, query: Mapping[str, str], kind: type[P]) -> P:
        """Return an answer that is no error.

        Raises:
            DataProviderError: it is one.
        """
        found = await self.find(path, query, kind)
        if found is None:
            raise DataProviderError(f"answered 404 to {path[:80]!r}", provider=NAME)
        return found

    async def find(self, path: str, query: Mapping[str, str], kind: type[P]) -> P | None:
        """Return an answer that is no error, None where there is no such thing.

        Raises:
            DataProviderError: it is one.
        """
        response = await self._client.get(path, params=dict(query))
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code == _FORBIDDEN:
            check_plan(decoded(response, Answer, provider=NAME), said="answered 403: ")
        raise_for_vendor_error(response, provider=NAME)
        answer = decoded(response, kind, provider=NAME)
        check_status(answer)
        return answer

    async def pages(self, path: str, query: Mapping[str, str], kind: type[P]) -> AsyncIterator[P]:
        """Yield every page of a list.

        Raises:
            DataProviderError: one is an error, or they lead in a circle.
        """
        seen: set[str] = set()
        while True:
            answer = await self.get(path, query, kind)
            yield answer
            if answer.next_url is None:
                return
            if answer.next_url in seen:
                raise BadAnswerError("its pages lead in a circle", provider=NAME)
            seen.add(answer.next_url)
            query = without_key(answer.next_url)


def without_key(link: str) -> dict[str, str]:
    """Return the query of a link; keys go in a header."""
    return {k: v for k, v in parse_qsl(urlsplit(link).query) if k.lower() != "apikey"}
