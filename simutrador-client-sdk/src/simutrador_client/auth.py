"""Trading an API key for a token, and keeping the token while it is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from simutrador_client import settings
from simutrador_client.errors import AuthenticationError
from simutrador_core.models.websocket import TokenResponse

EARLY: Final = timedelta(minutes=5)
"""A token counts as expired this long before it is."""

_SHOWN: Final = 20
_TEXTS: Final = {401: "Invalid API key", 429: "Rate limit exceeded"}


class AuthClient:
    """Holds the token of one server, in memory only.

    Args:
        server_url: Base URL of the auth service, `http://127.0.0.1:8001`.
        timeout: Seconds a request may take.
    """

    def __init__(self, server_url: str, timeout: float = 10) -> None:
        self.server_url = server_url.rstrip("/")
        self.timeout = timeout
        self._cached_token: str | None = None
        self._token_expires_at: datetime | None = None

    async def login(self, api_key: str) -> TokenResponse:
        """Trade the key for a token, keep it, and return the server's answer.

        Raises:
            AuthenticationError: the key is empty or refused, too many requests, the service
                cannot be reached, or it answered with something else.
        """
        if not api_key.strip():
            raise AuthenticationError("API key cannot be empty")
        answer = await self._ask(api_key.strip())
        self.keep(answer.access_token, datetime.now(UTC) + timedelta(seconds=answer.expires_in))
        return answer

    async def _ask(self, api_key: str) -> TokenResponse:
        url = f"{self.server_url}/auth/token"
        try:
            async with httpx.AsyncClient(
                timeout=self.timeout, trust_env=not is_loopback(self.server_url)
            ) as client:
                response = await client.post(url, headers={"X-API-Key": api_key}, json={})
        except (httpx.RequestError, httpx.InvalidURL, ValueError) as e:
            reason = str(e) or type(e).__name__
            raise AuthenticationError(f"Network error: {self.server_url}: {reason}") from e
        status = response.status_code
        if status != HTTPStatus.OK:
            raise AuthenticationError(_TEXTS.get(status, f"Authentication failed: {status}"))
        try:
            return TokenResponse.model_validate(response.json())
        except (ValueError, ValidationError) as e:
            # The answer may hold a token: name what is wrong with it, not what it says.
            raise AuthenticationError("Invalid response from the auth service") from _reduced(e)

    def keep(self, token: str, expires_at: datetime) -> None:
        """Use a token that was had before; `expires_at` is aware."""
        self._cached_token = token
        self._token_expires_at = expires_at

    def get_cached_token(self) -> str | None:
        """Return the token, or None; one that expires within five minutes is forgotten."""
        if self._cached_token is None or self._token_expires_at is None:
            return None
        if datetime.now(UTC) >= self._token_expires_at - EARLY:
            self.logout()
            return None
        return self._cached_token

    def is_authenticated(self) -> bool:
        """Return whether there is a token that is still good."""
        return self.get_cached_token() is not None

    def get_token_info(self) -> dict[str, Any] | None:
        """Return the token's first 20 characters, `expires_at` and `is_valid`; None without one."""
        token = self.get_cached_token()
        if token is None or self._token_expires_at is None:
            return None
        return {
            "token": f"{token[:_SHOWN]}...",
            "expires_at": self._token_expires_at.isoformat(),
            "is_valid": True,
        }

    def logout(self) -> None:
        """Forget the token."""
        self._cached_token = None
        self._token_expires_at = None

    async def refresh_token(self, api_key: str) -> TokenResponse:
        """Forget the token and get a new one; errors as `login`."""
        self.logout()
        return await self.login(api_key)

    def get_websocket_url(self, base_ws_url: str) -> str:
        """Return the URL with the token as its last query parameter.

        Raises:
            AuthenticationError: there is no valid token.
        """
        token = self.get_cached_token()
        if token is None:
            raise AuthenticationError("Not authenticated: call login first")
        separator = "&" if "?" in base_ws_url else "?"
        return f"{base_ws_url}{separator}token={token}"


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine, which no proxy can reach for us."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def _reduced(error: ValueError) -> ValueError:
    if isinstance(error, ValidationError):
        fields = sorted({str(part) for e in error.errors() for part in e["loc"][:1]})
        return ValueError(f"wrong or absent: {', '.join(fields) or 'the whole answer'}")
    return ValueError("not JSON")


_clients: dict[str, AuthClient] = {}
_custom: AuthClient | None = None


def get_auth_client(server_url: str | None = None) -> AuthClient:
    """Return the client of a server, one for each URL, the same each time.

    Without a URL: the one given to `set_auth_client`, else that of the configured server.
    """
    if server_url is None:
        if _custom is not None:
            return _custom
        server_url = settings.get_settings().auth.server_url
    key = server_url.rstrip("/")
    return _clients.setdefault(key, AuthClient(key))


def set_auth_client(client: AuthClient | None) -> None:
    """Make `get_auth_client()` return this client from now on; None undoes it."""
    global _custom  # noqa: PLW0603 - the documented way to swap the global client
    _custom = client


__all__ = [
    "AuthClient",
    "AuthenticationError",
    "get_auth_client",
    "set_auth_client",
    "is_loopback",
    "EARLY",
]
