"""`VendorTransport`: what stands between a provider's client and the network.

Every request waits for the budget, has a bounded time and size, follows at most three redirects
on the same host, and is asked again where that can help. Whatever fails is raised as one of ours.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Final

import httpx

from simutrador_core.errors import DataProviderError
from simutrador_data.services.data_providers.http.body import check_json, read_body, scrubbed
from simutrador_data.services.data_providers.http.errors import (
    BadAnswerError,
    UnsafeAnswerError,
    VendorUnavailableError,
)
from simutrador_data.services.data_providers.http.waiting import ASK_AGAIN, Retries, retry_after_s
from simutrador_data.services.progress.waits import waiting

if TYPE_CHECKING:
    from simutrador_service.limits import Budget

MOST_REDIRECTS: Final = 3
MOST_BODY_BYTES: Final = 64 * 1024**2
_OK: Final = range(200, 300)
_DROPPED: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_RANDOM: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one request may take, in seconds.

    Attributes:
        connect_s: Until the connection stands, TLS included.
        read_s: Of silence while the answer comes.
        total_s: Until the answer is there whole, so that a slow drip ends too.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 60.0


class VendorTransport(httpx.AsyncBaseTransport):
    """Wraps another transport; `httpx.AsyncClient(transport=...)` uses it."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        provider: str,
        timeouts: Timeouts,
        retries: Retries,
        budget: Budget | None = None,
        secrets: Sequence[str] = (),
        most_bytes: int = MOST_BODY_BYTES,
    ) -> None:
        """Wrap `inner`, which is closed with this one.

        Args:
            inner: Sends one request.
            provider: The name errors carry.
            timeouts: Bounds of one request.
            retries: Bounds of one question.
            budget: Asked before every request; None asks nobody.
            secrets: Keys that must not come back in an answer.
            most_bytes: Bytes an unpacked answer may have.
        """
        self._inner = inner
        self._provider = provider
        self._timeouts = timeouts
        self._retries = retries
        self._budget = budget
        self._secrets = tuple(secrets)
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer; one with a 4xx or 5xx is the provider's to judge.

        Raises:
            VendorUnavailableError: nothing came, however often it was asked.
            BadAnswerError: what came cannot be right.
            UnsafeAnswerError: it is another host that answers, or would.
            RateLimitError: the budget has no room in time.
        """
        give_up_at = time.monotonic() + self._retries.patience_s
        attempt = 1
        while True:
            answer = await self._outcome(request)
            if isinstance(answer, httpx.Response) and answer.status_code not in ASK_AGAIN:
                return answer
            wait = self._retries.wait_after(
                attempt, asked_s=_asked(answer), jitter=_RANDOM.random()
            )
            late = time.monotonic() + wait > give_up_at
            if late or attempt >= self._retries.attempts:
                break
            with waiting("asking again", wait):
                await asyncio.sleep(wait)
            attempt += 1
        if isinstance(answer, DataProviderError):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()

    async def _outcome(self, request: httpx.Request) -> httpx.Response | DataProviderError:
        """Return the answer, or the error that asking again may mend."""
        try:
            return await self._ask(request)
        except (VendorUnavailableError, BadAnswerError) as e:
            return e

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to one question, after redirects."""
        for _ in range(MOST_REDIRECTS + 1):
            if self._budget is not None:
                with waiting("rate limit"):
                    await self._budget.acquire()
            answer = await self._send(request)
            if not answer.has_redirect_location:
                return answer
            request = self._redirected(request, answer)
        raise BadAnswerError(f"redirects more than {MOST_REDIRECTS} times", provider=self._provider)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        limits = self._timeouts
        try:
            async with asyncio.timeout(limits.total_s):
                raw = await self._inner.handle_async_request(request)
                try:
                    return await self._read(request, raw)
                finally:
                    await raw.aclose()
        except TimeoutError as e:
            text = f"no whole answer within {limits.total_s:g} s"
            raise VendorUnavailableError(text, provider=self._provider) from e
        except httpx.TimeoutException as e:
            text = f"no answer in time ({type(e).__name__})"
            raise VendorUnavailableError(text, provider=self._provider) from e
        except httpx.TransportError as e:
            if _is_wrong_certificate(e):
                text = "its TLS certificate does not hold; is the address right?"
                raise UnsafeAnswerError(text, provider=self._provider) from e
            text = f"the connection failed ({type(e).__name__})"
            raise VendorUnavailableError(text, provider=self._provider) from e

    async def _read(self, request: httpx.Request, raw: httpx.Response) -> httpx.Response:
        pieces = raw.stream
        assert isinstance(pieces, httpx.AsyncByteStream)
        body = await read_body(pieces, raw.headers, most=self._most_bytes, provider=self._provider)
        if raw.status_code in _OK:
            check_json(body, raw.headers.get("content-type", ""), provider=self._provider)
        kept = [(name, value) for name, value in raw.headers.items() if name not in _DROPPED]
        return httpx.Response(
            raw.status_code, headers=kept, content=scrubbed(body, self._secrets), request=request
        )

    def _redirected(self, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        target = request.url.join(answer.headers["location"])
        if (target.scheme, target.host, target.port) != _place(request.url):
            text = "redirects to another host; it was not followed"
            raise UnsafeAnswerError(text, provider=self._provider)
        return httpx.Request("GET", target, headers=request.headers, extensions=request.extensions)


def _place(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _asked(answer: httpx.Response | DataProviderError) -> float | None:
    if isinstance(answer, DataProviderError):
        return None
    return retry_after_s(answer.headers.get("retry-after"), now=datetime.now(UTC))


def _is_wrong_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
