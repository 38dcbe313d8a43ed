"""The OpenAPI document: error answers are problem+json and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from simutrador_data.api.problems import MEDIA_TYPE


def correct_openapi(app: FastAPI) -> None:
    """Take the JSON variant, which the framework adds for the schema's sake, out of errors."""
    original: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        for path in document["paths"].values():
            for operation in path.values():
                for answer in operation["responses"].values():
                    if MEDIA_TYPE in answer.get("content", {}):
                        answer["content"].pop("application/json", None)
        return document

    app.openapi = openapi
