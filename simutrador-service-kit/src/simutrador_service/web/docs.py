"""The documentation: rendered here from the OpenAPI document, without script or outside host.

The usual page loads its scripts from a public host, which neither works offline nor agrees with our
content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

from simutrador_service.auth import public
from simutrador_service.web.pages import Pages

Schema: TypeAlias = Mapping[str, Any]

_BOUNDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least characters",
    "maxLength": "at most characters",
}


def docs_routes(app: FastAPI, pages: Pages) -> APIRouter:
    """Return `/docs` and `/openapi.json` of `app`."""
    router = APIRouter(include_in_schema=False, dependencies=[public()])

    @router.get("/docs")
    def docs() -> HTMLResponse:
        document = app.openapi()
        return pages.page(
            "kit/docs.html",
            here="/docs",
            info=document["info"],
            operations=list(operations_of(document)),
        )

    @router.get("/openapi.json")
    def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    return router


def operations_of(document: Schema) -> Iterator[dict[str, Any]]:
    """Yield what the page shows of each operation."""
    paths: Mapping[str, Mapping[str, Schema]] = document["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield {
                "id": operation["operationId"],
                "path": path,
                "method": method.upper(),
                "text": operation.get("description") or _summary(operation),
                "parameters": [_parameter(one) for one in operation.get("parameters", ())],
                "body": _body(operation),
                "answers": list(operation["responses"]),
                # A plain GET can be sent from the page, as a form.
                "can_send": method == "get" and "{" not in path,
                "needs": bool(operation.get("security")),
            }


def _summary(operation: Schema) -> str:
    """Return the summary unless the framework made it from the function's name."""
    summary = str(operation.get("summary", ""))
    made = summary.lower().replace(" ", "_")
    return "" if str(operation["operationId"]).startswith(made) else summary


def _parameter(parameter: Schema) -> dict[str, Any]:
    schema: Schema = parameter.get("schema", {})
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "required": bool(parameter.get("required")),
        "value": str(schema.get("default") or ""),
        "kind": _kind(schema),
        "text": parameter.get("description", ""),
    }


def _kind(schema: Schema) -> str:
    """Return the type and bounds of a parameter in words."""
    inner: Schema = next((s for s in schema.get("anyOf", []) if s.get("type") != "null"), schema)
    words = [str(inner.get("type", ""))]
    if "enum" in inner:
        words.append(" | ".join(str(value) for value in inner["enum"]))
    words += [f"{text} {inner[key]}" for key, text in _BOUNDS.items() if key in inner]
    return ", ".join(word for word in words if word)


def _body(operation: Schema) -> str:
    """Return what a request body is: its schema's name, or its media type."""
    content: Mapping[str, Schema] = operation.get("requestBody", {}).get("content", {})
    named = [str(one.get("schema", {}).get("$ref", "")) for one in content.values()]
    return ", ".join(
        name.rpartition("/")[2] or kind for name, kind in zip(named, content, strict=True)
    )


__all__ = ["docs_routes", "operations_of"]
