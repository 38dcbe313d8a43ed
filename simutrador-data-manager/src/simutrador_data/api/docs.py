"""The documentation page: rendered here from the OpenAPI document, without script or outside host.

The usual page loads its scripts from a public host, which neither works offline nor agrees with our
content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response

Schema: TypeAlias = Mapping[str, Any]

_BOUNDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least characters",
    "maxLength": "at most characters",
}


def docs_router(app: FastAPI) -> APIRouter:
    """Return the routes of the documentation of `app`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(render(app.openapi()))

    @router.get("/docs/style.css")
    async def style() -> Response:
        css = files("simutrador_data.api").joinpath("docs.css").read_bytes()
        return Response(css, media_type="text/css", headers={"Cache-Control": "max-age=86400"})

    return router


def render(document: Schema) -> str:
    """Return the page for an OpenAPI document."""
    info: Schema = document["info"]
    title = escape(info["title"])
    body = "\n".join(_operations(document))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>"
        '<link rel="stylesheet" href="/docs/style.css"></head><body>\n'
        f"<header><h1>{title} {escape(info['version'])}</h1>"
        f"<p>{escape(info.get('description', ''))} "
        '<a href="/openapi.json">openapi.json</a></p></header>\n'
        f"<main>{body}</main></body></html>\n"
    )


def _operations(document: Schema) -> Iterator[str]:
    paths: Mapping[str, Mapping[str, Schema]] = document["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield _operation(path, method, operation)


def _operation(path: str, method: str, operation: Schema) -> str:
    parameters: list[Schema] = operation.get("parameters", [])
    answers = ", ".join(f"<code>{escape(code)}</code>" for code in operation["responses"])
    return (
        f'<section id="{escape(operation["operationId"])}">'
        f"<h2><code>{method.upper()}</code> {escape(path)}</h2>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"{_form(path, method, parameters)}"
        f"<p>Answers: {answers}</p></section>"
    )


def _form(path: str, method: str, parameters: list[Schema]) -> str:
    """Return a table of the parameters; for a plain GET it is a form that can be sent."""
    rows = "".join(_row(parameter) for parameter in parameters)
    body = f"<table>{rows}</table>" if rows else ""
    if method != "get" or "{" in path:
        return body
    return f'<form action="{escape(path)}">{body}<button>Send</button></form>'


def _row(parameter: Schema) -> str:
    schema: Schema = parameter["schema"]
    name = escape(parameter["name"])
    field = ""
    if parameter["in"] == "query":
        required = " required" if parameter.get("required") else ""
        value = escape(str(schema.get("default") or ""))
        field = f'<input id="{name}" name="{name}" value="{value}"{required}>'
    return (
        f'<tr><th><label for="{name}">{name}</label></th><td>{field}</td>'
        f"<td>{escape(_kind(schema))} {escape(parameter.get('description', ''))}</td></tr>"
    )


def _kind(schema: Schema) -> str:
    """Return the type and bounds of a parameter in words."""
    inner: Schema = next((s for s in schema.get("anyOf", []) if s.get("type") != "null"), schema)
    words = [str(inner.get("type", ""))]
    if "enum" in inner:
        words.append(" | ".join(str(value) for value in inner["enum"]))
    words += [f"{text} {inner[key]}" for key, text in _BOUNDS.items() if key in inner]
    return f"({', '.join(word for word in words if word)})"
