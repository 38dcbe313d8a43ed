"""The client a provider gets, and what it does with an answer: judge its status, decode it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec

from simutrador_core.errors import AuthenticationError, DataProviderError, RateLimitError
from simutrador_data.services.data_providers.http.errors import (
    BadAnswerError,
    VendorUnavailableError,
)
from simutrador_data.services.data_providers.http.transport import VendorTransport
from simutrador_data.services.data_providers.http.waiting import ASK_AGAIN, retry_after_s
from simutrador_service.logging import mask_text

if TYPE_CHECKING:
    from simutrador_data.services.data_providers.access import ProviderAccess

T = TypeVar("T")

USER_AGENT: Final = "simutrador-data-manager"
DEFAULT_WAIT: Final = timedelta(minutes=1)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_LIMITED: Final = frozenset({418, 429})  # 418 is Binance's word for an address that went on asking
_REFUSED: Final = frozenset({401, 403})
_MOST_TEXT: Final = 200
_WORDS: Final = ("Error Message", "error", "message", "msg", "description", "detail", "code")


@asynccontextmanager
async def vendor_client(
    access: ProviderAccess, *, provider: str, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """Open a client of one vendor; paths given to it are below `access.base_url`.

    Args:
        access: Address, budget and bounds.
        provider: The name errors carry.
        headers: Sent with every request. Keys belong here: never into a URL, which is logged.
    """
    limits = access.timeouts
    transport = VendorTransport(
        access.transport or network(access.base_url),
        provider=provider,
        timeouts=limits,
        retries=access.retries,
        budget=access.budget,
        secrets=[key.get_secret_value() for key in access.keys.values()],
    )
    async with httpx.AsyncClient(
        base_url=access.base_url,
        transport=transport,
        timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        },
    ) as client:
        yield client


def network(url: str) -> httpx.AsyncHTTPTransport:
    """Return the way to an address: through the proxy of the environment where it names one.

    `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count; this machine's own addresses need none.
    """
    parts = httpx.URL(url)
    if parts.host in _LOOPBACK or proxy_bypass(parts.host):
        return httpx.AsyncHTTPTransport()
    proxy = getproxies().get(parts.scheme)
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return httpx.AsyncHTTPTransport(proxy=proxy)


def raise_for_vendor_error(response: httpx.Response, *, provider: str) -> None:
    """Let an answer of 2xx pass.

    Raises:
        AuthenticationError: 401 or 403: the key is wrong, or its plan does not include this.
        RateLimitError: 429, and waiting did not help.
        VendorUnavailableError: 5xx, and asking again did not help.
        DataProviderError: anything else.
    """
    if response.is_success:
        return
    status = response.status_code
    text = f"answered {status} {response.reason_phrase}".rstrip() + _said(response)
    if status in _REFUSED:
        raise AuthenticationError(text, provider=provider)
    if status in _LIMITED:
        wait = retry_after_s(response.headers.get("retry-after"), now=datetime.now(UTC))
        after = DEFAULT_WAIT if wait is None else timedelta(seconds=wait)
        raise RateLimitError(provider=provider, retry_after=after)
    if status in ASK_AGAIN:
        raise VendorUnavailableError(text, provider=provider)
    raise DataProviderError(text, provider=provider)


def decoded(response: httpx.Response, kind: type[T], *, provider: str, strict: bool = True) -> T:
    """Return the body as the vendor's own type.

    Args:
        response: What came.
        kind: A msgspec type: structs, lists of them.
        provider: Who answered.
        strict: False also reads numbers that are written as text, `"0.10"`.

    Raises:
        BadAnswerError: it is not of that shape; the text names the place.
    """
    try:
        return msgspec.json.decode(response.content, type=kind, strict=strict)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadAnswerError(f"answer is not as documented: {e}", provider=provider) from e


def vendor_text(response: httpx.Response) -> str:
    """Return what the vendor says about an error, without what looks like a secret, else ``."""
    try:
        document: Any = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return mask_text(_text_in(document)[:_MOST_TEXT])


def _said(response: httpx.Response) -> str:
    text = vendor_text(response)
    return f": {text}" if text else ""


def _text_in(document: object) -> str:
    """Return the first text under one of the words vendors use, also one level down."""
    if not isinstance(document, dict):
        return ""
    found = cast("dict[str, object]", document)
    for word in _WORDS:
        value = found.get(word)
        if isinstance(value, str) and value:
            return value
    return next((text for value in found.values() if (text := _text_in(value))), "")
