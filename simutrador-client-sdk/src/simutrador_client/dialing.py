"""Opening the socket: where to, how, and keeping the token out of every log and error."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import websockets
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from simutrador_client.auth import is_loopback
from simutrador_client.connection import Socket
from simutrador_client.errors import SessionConnectionError

ENDPOINT: Final = "/ws/simulate"
_LARGEST_MESSAGE: Final = (
    64 * 1024 * 1024
)  # bytes; a history snapshot of many symbols is one message
_TOO_MANY: Final = 429
_LONGEST_WAIT_S: Final = 60.0
_TOKEN: Final = re.compile(r"(token=)[^&\s\"']+")
_SCHEMES: Final = {"http": "ws", "https": "wss"}


def simulate_url(base: str, *, endpoint: str = ENDPOINT) -> str:
    """Return the URL of the venue's socket: `/ws/simulate` added where absent, http made ws.

    Raises:
        SessionConnectionError: it is no URL.
    """
    try:
        parts = urlsplit(base)
    except ValueError as e:
        raise SessionConnectionError(f"{base} is not a WebSocket URL: {e}") from e
    path = parts.path.rstrip("/")
    if not path.endswith(endpoint):
        path += endpoint
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


async def dial(url: str, *, shown: str, retries: int = 0) -> Socket:
    """Return an open socket.

    Args:
        url: Where to, token included.
        shown: The same without the token, for errors.
        retries: How often to try again when the server refuses with HTTP 429, after the wait it
            asks for (at most a minute).

    Raises:
        SessionConnectionError: the server cannot be reached or refuses.
    """
    for left in range(retries, -1, -1):
        try:
            return await _open(url)
        except InvalidStatus as e:
            if e.response.status_code != _TOO_MANY or not left:
                text = f"{shown} refused the connection: HTTP {e.response.status_code}"
                raise SessionConnectionError(text) from None
            await asyncio.sleep(_wait_s(e.response.headers.get("Retry-After")))
        except TimeoutError:
            raise SessionConnectionError(f"{shown} does not answer") from None
        except OSError as e:
            text = f"cannot reach {shown}: {e.strerror or e}; is the server running?"
            raise SessionConnectionError(text) from e
        except InvalidHandshake as e:
            raise SessionConnectionError(f"{shown} is no WebSocket server: {e}") from None
        except (WebSocketException, ValueError):
            # The text of these names the URL, token included.
            raise SessionConnectionError(f"{shown} is not a WebSocket URL") from None
    raise AssertionError("unreachable")


async def _open(url: str) -> Socket:
    proxy: dict[str, Any] = {"proxy": None} if is_loopback(url) else {}
    socket = await websockets.connect(
        url,
        max_size=_LARGEST_MESSAGE,
        compression=None,  # messages are small, and their delay counts
        ping_timeout=60,
        logger=_log,
        **proxy,
    )
    return cast("Socket", socket)


def _wait_s(asked: str | None) -> float:
    try:
        return min(max(float(asked or 1), 0.0), _LONGEST_WAIT_S)
    except ValueError:
        return 1.0


class _WithoutToken(logging.Filter):
    """Blots out tokens: the request line that websockets logs holds one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place and let it pass."""
        record.msg = _TOKEN.sub(r"\1***", record.getMessage())
        record.args = ()
        return True


_log = logging.getLogger("simutrador_client.socket")
_log.addFilter(_WithoutToken())
