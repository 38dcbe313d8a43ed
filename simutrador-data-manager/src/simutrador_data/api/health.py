"""Health routes: does the process answer, and can it do its work?"""

from __future__ import annotations

from fastapi import APIRouter

from simutrador_core.interfaces.storage import BarStore
from simutrador_data import __version__
from simutrador_data.api.dependencies import PROBLEMS, ServicesDep
from simutrador_data.models.responses import Health, Liveness, StoreHealth

router = APIRouter(tags=["Health"])


@router.get("/health", responses={503: PROBLEMS[503]})
def health(services: ServicesDep) -> Health:
    """Ask the store what it holds; 503 when it cannot be read."""
    return Health(status="healthy", version=__version__, store=_ask(services.store))


@router.get("/health/live")
async def live() -> Liveness:
    """Say that the process answers, without touching the store."""
    return Liveness(status="alive")


@router.get("/health/ready", responses={503: PROBLEMS[503]})
def ready(services: ServicesDep) -> Liveness:
    """Say that requests can be served; 503 when the store cannot be read."""
    _ask(services.store)
    return Liveness(status="ready")


def _ask(store: BarStore) -> StoreHealth:
    held = store.symbols()
    return StoreHealth(
        status="ok",
        series=len(held),
        symbols=len({info.symbol for info in held}),
        bars=sum(info.rows for info in held),
    )
