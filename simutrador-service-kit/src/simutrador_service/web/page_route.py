"""Routes that answer with pages, errors included; and whether a browser wants one at all."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from simutrador_core.errors import SimutradorError
from simutrador_service.logging.loggers import get_logger
from simutrador_service.problems import Problem, from_validation, to_problem
from simutrador_service.problems.translating import from_http
from simutrador_service.web.pages import Pages

_HTML: Final = "text/html"
_JSON: Final = "application/json"
_FAILED: Final = 500

_log = get_logger(__name__)


def pages_of(request: Request) -> Pages:
    """Return the pages of the application."""
    found: Pages = request.app.state.pages
    return found


@lru_cache(maxsize=256)
def prefers_html(accept: str) -> bool:
    """Return whether an Accept header asks for HTML before JSON.

    Naming neither, as `*/*` does, is no wish for HTML: programs say that.
    """
    weights = _weights(accept)
    html = weights.get(_HTML, (0.0, 0))
    return html[0] > 0 and html > weights.get(_JSON, (0.0, 0))


class PageRoute(APIRoute):
    """A route that answers errors with a page that says what is wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, errors translated."""
        handle = super().get_route_handler()

        async def handle_with_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except SimutradorError as e:
                problem = to_problem(e)
                if problem.status >= _FAILED:
                    _log.error(
                        "request_failed", path=request.url.path, code=problem.code, exc_info=e
                    )
            except RequestValidationError as e:
                problem = from_validation(e.errors())
            except HTTPException as e:
                problem = from_http(e, method=request.method, path=request.url.path)
            return problem_page(request, problem)

        return handle_with_pages


class SharedPageRoute(PageRoute):
    """A page at an address that answers programs too: it is passed by unless HTML is preferred."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether this route serves a request."""
        if scope["type"] == "http" and not prefers_html(Headers(scope=scope).get("accept", "")):
            return Match.NONE, {}
        return super().matches(scope)


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """Return the page that says what is wrong."""
    request_id = getattr(request.state, "request_id", "")
    pages = pages_of(request)
    return pages.page(
        "kit/problem.html", status=problem.status, problem=problem, request_id=request_id
    )


def _weights(accept: str) -> dict[str, tuple[float, int]]:
    """Return quality and nearness to the front of each media type; larger is preferred."""
    found: dict[str, tuple[float, int]] = {}
    for place, part in enumerate(accept.split(",")):
        name, *parameters = (word.strip().casefold() for word in part.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        found.setdefault(name, (_quality(quality), -place))
    return found


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


__all__ = ["PageRoute", "SharedPageRoute", "pages_of", "prefers_html", "problem_page"]
