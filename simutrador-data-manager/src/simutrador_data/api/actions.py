"""The corporate actions of a company, as they are recorded beside its bars."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_data.api.dependencies import (
    PROBLEMS,
    ActionsAsOfParam,
    PathSymbolDep,
    ServicesDep,
)
from simutrador_data.api.parameters import known_parameters
from simutrador_data.models.actions import CompanyActions
from simutrador_data.services.corporate_actions.documents import listed_document
from simutrador_data.services.corporate_actions.listing import Wish, list_actions
from simutrador_service.auth import require

_VERSION: Final = 2**62

router = APIRouter(
    prefix="/trading-data",
    tags=["Corporate actions"],
    responses=PROBLEMS,
    dependencies=[require("bars:read"), Depends(known_parameters)],
)


@router.get("/actions/{symbol:path}")
def get_actions(
    services: ServicesDep,
    symbol: PathSymbolDep,
    kind: Annotated[
        list[ActionKind] | None, Query(description="Only these kinds; may be repeated.")
    ] = None,
    start: Annotated[date | None, Query(description="In effect from this date on.")] = None,
    end: Annotated[date | None, Query(description="In effect before this date.")] = None,
    actions_as_of: ActionsAsOfParam = None,
    on: Annotated[
        date | None,
        Query(description="The company that has the symbol on this date; the latest by default."),
    ] = None,
    as_of: Annotated[
        int | None, Query(ge=0, le=_VERSION, description="A commit id: read that version.")
    ] = None,
) -> CompanyActions:
    """Return splits, dividends, renames and delistings of the company that has a symbol.

    Under all of its names, oldest first, with who said so and when. What another company did under
    the same symbol is not among them.
    """
    if services.adjusted is None:
        raise UnknownSymbolError(symbol, hint="this store keeps no corporate actions")
    wish = Wish(kind or (), start, end, actions_as_of, on, as_of)
    listed = list_actions(services.adjusted.recorded, symbol, wish)
    return CompanyActions.model_validate(listed_document(listed))
