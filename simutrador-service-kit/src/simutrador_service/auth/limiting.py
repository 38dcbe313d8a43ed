"""Limits on callers: of every credential by its plan, and of single routes by address."""
# No `from __future__ import annotations`: FastAPI reads those of `__call__`, see dependencies.py.

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.failed_tries import FailedTries
from simutrador_service.auth.principal import Principal
from simutrador_service.limits import RateLimiter, Rule, note_verdict

_COUNTED: Final = "simutrador.counted"
PLAN_RULES: Final[Mapping[UserPlan | None, Rule]] = {
    None: Rule.of("6000/min"),
    UserPlan.FREE: Rule.of("100/min"),
    UserPlan.PROFESSIONAL: Rule.of("1000/min"),
    UserPlan.ENTERPRISE: Rule.of("10000/min"),
}


class CallerLimits:
    """How much each caller may ask; put it on `app.state.limits`.

    Args:
        limiter: Counts.
        rules: What each plan allows a credential; None stands for callers without plan.

    Attributes:
        limiter: The same.
        tries: Credentials that did not hold, by address.
    """

    def __init__(
        self, limiter: RateLimiter, rules: Mapping[UserPlan | None, Rule] = PLAN_RULES
    ) -> None:
        self.limiter: Final = limiter
        self._rules = rules
        self.tries: Final = FailedTries(limiter)

    async def count_request(self, connection: HTTPConnection, principal: Principal) -> None:
        """Count a request of somebody known, once however many scopes its route requires.

        Whoever an open service serves is not limited.

        Raises:
            TooManyRequestsError: their plan allows no more for now.
        """
        if principal.credential is None or connection.scope.get(_COUNTED):
            return
        connection.scope[_COUNTED] = True
        rule = self._rules.get(principal.plan) or self._rules[None]
        # Everybody gets a new token now and then: what a user asks counts across them.
        caller = principal.credential if is_key(principal.credential) else f"user:{principal.id}"
        await self._count(connection, caller, rule)

    async def count_address(self, connection: HTTPConnection, name: str, rule: Rule) -> None:
        """Count a request to a limited route by where it comes from.

        Raises:
            TooManyRequestsError: the rule allows no more for now.
        """
        await self._count(connection, f"{name}:{address_of(connection)}", rule)

    async def _count(self, connection: HTTPConnection, key: str, rule: Rule) -> None:
        verdict = await self.limiter.hit(key, rule)
        note_verdict(connection.scope, verdict)
        verdict.check()


class Limited:
    """The dependency of a route with a limit of its own."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.rule = rule

    async def __call__(self, connection: HTTPConnection) -> None:
        """Count the request.

        Raises:
            TooManyRequestsError: this address has to wait.
        """
        limits: CallerLimits = connection.app.state.limits
        await limits.count_address(connection, self.name, self.rule)


def limited(name: str, rule: str) -> Any:
    """Return the dependency of a route that one address may not call as often as it likes.

    `dependencies=[public(), limited("login", "5/min, 20/h")]`; routes of one name share a limit.

    Raises:
        InputError: `rule` says no limit.
    """
    return Depends(Limited(name, Rule.of(rule)))


def is_key(credential: str) -> bool:
    """Return whether a principal speaks by a key, not by a token."""
    return credential.startswith("sk_")
