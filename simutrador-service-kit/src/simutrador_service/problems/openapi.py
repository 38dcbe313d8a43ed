"""The OpenAPI document says that error answers are problem+json and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI

from simutrador_service.problems.models import Problem
from simutrador_service.problems.sending import MEDIA_TYPE
from simutrador_service.problems.translating import title_of

_SCHEMAS: Final = "#/components/schemas/"
_OF_FRAMEWORK: Final = f"{_SCHEMAS}HTTPValidationError"
_TEXTS: Final[Mapping[int, str]] = {
    401: "No credential, or one that does not hold",
    403: "The credential lacks the scope",
    404: "Nothing is there under that name",
    409: "Something stands in the way; the answer names it",
    413: "The body is larger than the limit",
    422: "A parameter is wrong; the answer names it and the bound",
    429: "The share of a window of time is used up; wait as the answer says",
    500: "The service failed; its log holds the reason",
    503: "Something the service needs does not answer now",
    504: "The answer took longer than the limit",
}


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may answer with these errors."""
    return {
        status: {
            "description": _TEXTS.get(status) or title_of(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            "model": Problem,
        }
        for status in statuses
    }


def correct_openapi(app: FastAPI) -> None:
    """Take the framework's own shapes, which it adds for the schema's sake, out of errors."""
    original: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        for path in document["paths"].values():
            for operation in path.values():
                for answer in operation["responses"].values():
                    _only_problem(answer.get("content", {}))
        _only_our_schemas(document.get("components", {}).get("schemas", {}))
        return document

    app.openapi = openapi


def _only_problem(content: dict[str, Any]) -> None:
    framework = content.get("application/json", {}).get("schema") == {"$ref": _OF_FRAMEWORK}
    if framework:
        content[MEDIA_TYPE] = {"schema": {"$ref": f"{_SCHEMAS}Problem"}}
    if framework or MEDIA_TYPE in content:
        content.pop("application/json", None)


def _only_our_schemas(schemas: dict[str, Any]) -> None:
    if schemas.pop("HTTPValidationError", None) is None:
        return
    schemas.pop("ValidationError", None)
    if "Problem" not in schemas:
        problem = Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        schemas.update({**problem.pop("$defs", {}), "Problem": problem})
