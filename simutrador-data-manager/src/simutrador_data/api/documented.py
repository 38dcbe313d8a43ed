"""Addresses of earlier releases under `/api/v1`: a health check, and where simulations went."""

from __future__ import annotations

from typing import ClassVar, Final

from fastapi import APIRouter

from simutrador_data.models.responses import ServiceHealth
from simutrador_service.auth import public
from simutrador_service.errors import ServiceError
from simutrador_service.problems import problem_answers

_GONE: Final = 410

router = APIRouter(prefix="/api/v1", tags=["Service"], dependencies=[public()])


class MovedError(ServiceError):
    """What was served here is another service's now; the text says which."""

    code: ClassVar[str] = "moved"
    status: ClassVar[int] = _GONE


@router.get("/health")
async def get_health() -> ServiceHealth:
    """Return that the service answers; `/health` asks its store and database too."""
    return ServiceHealth()


@router.post("/simulate", status_code=_GONE, responses=problem_answers(_GONE))
async def post_simulate() -> None:
    """Say where simulations run now: earlier releases answered here with made-up zeros.

    Raises:
        MovedError: always.
    """
    raise MovedError(
        "simulations run on the simulation server: install simutrador-simulation-server, start it "
        "with `simutrador-server serve`, get a token at http://HOST:8001/auth/token and connect to "
        "ws://HOST:8003/ws/simulate; its docs/protocol.md describes the messages"
    )
