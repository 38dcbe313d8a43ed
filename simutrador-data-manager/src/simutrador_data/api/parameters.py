"""Query parameters a route does not know are refused: a misspelt one would change the answer."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from simutrador_core.errors import InputError


class UnknownParameterError(InputError):
    """The route has no such parameter."""

    code = "unknown_parameter"


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route of the request does not have.

    Raises:
        UnknownParameterError: there is one; the text names the nearest that is known.
    """
    if not request.url.query:
        return
    route: Any = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = sorted(set(_names(route.dependant)))
    for name in request.query_params:
        if name not in known:
            raise UnknownParameterError(_text(name[:64], known), field=name[:64])


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def _text(name: str, known: list[str]) -> str:
    near = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
    if near:
        return f"there is no parameter {name!r}; did you mean {near[0]}?"
    if not known:
        return f"there is no parameter {name!r}; this address takes none"
    return f"there is no parameter {name!r}; use {', '.join(known)}"
