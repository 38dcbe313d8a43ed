"""The root: where to go from here."""

from __future__ import annotations

from fastapi import APIRouter, Response

from simutrador_data import __version__
from simutrador_data.models.responses import ServiceInfo

router = APIRouter()


@router.get("/", tags=["Service"])
async def service_info(response: Response) -> ServiceInfo:
    """Say what this is and where its documentation is; browsers are shown a page instead."""
    response.headers["Vary"] = "Accept"
    return ServiceInfo(
        message="SimuTrador Data Manager",
        version=__version__,
        docs="/docs",
        openapi="/openapi.json",
    )
