"""Asks the service: one connection pool, retries of what can succeed later, errors as ours."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from simutrador_core.errors import InputError, SimutradorError, UnreachableError
from simutrador_core.models._frames import library
from simutrador_core.remote.problems import retry_after, to_error

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

LONGEST_WAIT: Final = timedelta(seconds=30)
"""A service that wants us to wait longer is reported instead."""

_CONNECT_TIMEOUT_S: Final = 5.0
_FIRST_WAIT_S: Final = 0.1
_JITTER_S: Final = 0.1
_LATER: Final = frozenset({429, 502, 503, 504})
_REDIRECTED: Final = 300


class _LaterError(Exception):
    """Asking again may succeed; `wait` says when, `error` is what is raised if we do not."""

    def __init__(self, error: SimutradorError, wait: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


class Asker:
    """A client of one data manager; threads may share it."""

    def __init__(self, url: str, *, api_key: str | None, timeout_s: float, attempts: int) -> None:
        """Keep where and how to ask; nothing is sent yet.

        Raises:
            InputError: the address is not http or https, or holds a password.
            MissingExtraError: the extra `remote` is not installed.
        """
        self.url = check_url(url)
        self.attempts = attempts
        self._httpx: Any = library("httpx", extra="remote")
        self._stamina: Any = library("stamina", extra="remote")
        library("pyarrow", extra="remote")
        self._timeout_s = timeout_s
        headers = {"Accept-Encoding": "identity"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client: httpx.Client = self._httpx.Client(
            headers=headers,
            timeout=self._httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S)),
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def json(self, method: str, path: str, *, body: object = None) -> Any:
        """Return the document a route answers with.

        Raises:
            SimutradorError: the service refused or could not; see `problems.to_error`.
            UnreachableError: it does not answer.
        """

        def ask() -> Any:
            with self._translated():
                answer = self._client.request(method, self.url + path, json=body)
                self._check(answer)
                return self._document(answer)

        return self._retried(ask)

    def header(self, path: str, name: str) -> str:
        """Return a header of the answer of a route, without its body.

        Raises:
            SimutradorError: the service refused or could not.
            UnreachableError: it does not answer, or without that header.
        """

        def ask() -> str:
            with self._translated():
                answer = self._client.request("HEAD", self.url + path)
                self._check(answer)
                if name not in answer.headers:
                    raise self.stranger()
                return answer.headers[name]

        return self._retried(ask)

    def open(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        """Return an answer whose body is still to be read; the caller closes it.

        Raises:
            SimutradorError: the service refused or could not.
            UnreachableError: it does not answer.
        """

        def ask() -> httpx.Response:
            request = self._client.build_request("GET", self.url + path, params=dict(params))
            with self._translated():
                answer = self._client.send(request, stream=True)
                try:
                    self._check(answer)
                except BaseException:
                    answer.close()
                    raise
                return answer

        return self._retried(ask)

    def pieces(self, answer: httpx.Response) -> Iterator[bytes]:
        """Yield the body of an open answer as it comes.

        Raises:
            UnreachableError: it breaks off.
        """
        try:
            with self._translated():
                yield from answer.iter_raw()
        except _LaterError as e:
            raise e.error from e.__cause__

    def _retried(self, ask: Callable[[], T]) -> T:
        try:
            for attempt in self._stamina.retry_context(
                on=_wait_for,
                attempts=self.attempts,
                timeout=None,
                wait_initial=_FIRST_WAIT_S,
                wait_jitter=_JITTER_S,
            ):
                with attempt:
                    return ask()
        except _LaterError as e:
            raise e.error from e.__cause__
        raise AssertionError("at least one attempt was made")  # pragma: no cover

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code < _REDIRECTED:
            return
        wait = retry_after(answer.headers.get("retry-after"), now=datetime.now(UTC))
        error = to_error(answer.status_code, answer.read(), url=self.url, retry_after=wait)
        if answer.status_code in _LATER:
            raise _LaterError(error, wait)
        raise error

    def _document(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as e:
            raise self.stranger() from e

    def stranger(self) -> UnreachableError:
        """Return the error for an answer that is not in the shape of a data manager's."""
        return UnreachableError(
            f"{self.url} answers, but not as a data manager does; is that its address?"
        )

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except self._httpx.TimeoutException as e:
            text = f"{self.url} did not answer within {self._timeout_s:g} s"
            raise _LaterError(UnreachableError(text)) from e
        except self._httpx.TransportError as e:
            text = (
                f"{self.url} cannot be reached ({_reason(e)}); is the data manager running there?"
            )
            raise _LaterError(UnreachableError(text)) from e


def check_url(url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        InputError: it is not http or https, names no host, or holds a user or password.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise InputError("the address of a service holds no password; give api_key", field="url")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(f"{url!r} is no address; write http://127.0.0.1:8002", field="url")
    return url.rstrip("/")


def _wait_for(error: Exception) -> bool | timedelta:
    """Return whether to ask again, or after how long."""
    if not isinstance(error, _LaterError):
        return False
    if error.wait is None:
        return True
    return error.wait if error.wait <= LONGEST_WAIT else False


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


__all__ = ["Asker", "check_url"]
