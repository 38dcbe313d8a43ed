"""The table of who may call what, read from the routes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from starlette.routing import BaseRoute

from simutrador_service.auth.dependencies import Public, Required


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One row: a path template, its methods, and what it asks for.

    Attributes:
        scopes: Scopes it requires, all of them; empty where it is public, or says nothing.
        is_public: Whether it says that anybody may call it.
    """

    path: str
    methods: tuple[str, ...]
    scopes: tuple[str, ...]
    is_public: bool

    @property
    def is_declared(self) -> bool:
        """Whether it says one of the two, and not both."""
        return bool(self.scopes) != self.is_public


def route_rules(app: FastAPI) -> list[RouteRule]:
    """Return a row for every route of `app`, those of included routers too, in their order."""
    return [_rule(route) for route in _routes(app.routes)]


def unmatched_routes(app: FastAPI, *, besides: Sequence[str] = ()) -> list[str]:
    """Return `METHODS path` of routes that declare neither `require` nor `public`, or both.

    Args:
        app: The application, all its routers included.
        besides: Paths that cannot declare anything, for instance a folder of static files.
    """
    return [
        f"{','.join(rule.methods)} {rule.path}"
        for rule in route_rules(app)
        if not rule.is_declared and rule.path not in besides
    ]


def _routes(routes: Sequence[BaseRoute]) -> Iterator[Any]:
    # Newer FastAPI keeps included routers as they are and resolves prefixes with this function;
    # older ones copy their routes into the application.
    resolve: Any = getattr(import_module("fastapi.routing"), "iter_route_contexts", iter)
    yield from resolve(routes)


def _rule(route: Any) -> RouteRule:
    calls = list(_calls(getattr(route, "dependant", None)))
    methods: set[str] | None = getattr(route, "methods", None)
    return RouteRule(
        path=getattr(route, "path", None) or "",
        methods=tuple(sorted(methods or {"ANY"})),
        scopes=tuple(call.scope for call in calls if isinstance(call, Required)),
        is_public=any(isinstance(call, Public) for call in calls),
    )


def _calls(dependant: Dependant | None) -> Iterator[object]:
    for inner in dependant.dependencies if dependant else ():
        yield inner.call
        yield from _calls(inner)
