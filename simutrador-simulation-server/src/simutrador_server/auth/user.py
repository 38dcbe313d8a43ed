"""`User`: who speaks to the venue, and under which plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simutrador_core.models.enums import UserPlan
from simutrador_service.auth import Principal

PLAN_UNSAID: Final = UserPlan.PROFESSIONAL
"""Plan of a key that names none."""


@dataclass(frozen=True, slots=True)
class User:
    """Who speaks: a user and the plan that limits them."""

    user_id: str
    plan: UserPlan


def user_of(principal: Principal) -> User:
    """Return the user that a key or token stands for."""
    return User(principal.id, principal.plan or PLAN_UNSAID)
