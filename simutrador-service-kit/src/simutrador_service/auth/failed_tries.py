"""Credentials that do not hold: an address that tries many has to wait before the next is read."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Final, TypeVar

from starlette.requests import HTTPConnection

from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.authenticator import Authenticator
from simutrador_service.auth.principal import Principal
from simutrador_service.errors import UnauthenticatedError
from simutrador_service.limits import RateLimiter, Rule, Verdict, note_verdict

FAILED: Final = Rule.of("30/min, 300/h")
"""How many credentials that do not hold one address may try: the longer it goes on, the longer it
waits."""
_MOST_KEPT: Final = 10_000
K = TypeVar("K")
V = TypeVar("V")


class FailedTries:
    """Counts them by address, shared as the limiter is."""

    def __init__(self, limiter: RateLimiter) -> None:
        """Count with this limiter."""
        self._limiter = limiter
        self._barred = OrderedDict[str, float]()
        # An address may be shared: whoever was let in before is not kept out by a neighbour.
        self._let_in = OrderedDict[bytes, None]()

    async def admit(
        self, connection: HTTPConnection, credential: str, authenticator: Authenticator
    ) -> Principal:
        """Return who a credential stands for; one that does not hold counts for its address.

        Raises:
            UnauthenticatedError: the credential does not hold, or there is none.
            TooManyRequestsError: too many from this address did not, so it is not looked at.
            UnavailableError: the database does not answer, so nobody new is believed.
        """
        if not credential:
            return await authenticator.admit(credential)
        address, mark = address_of(connection), sha256(credential.encode(errors="replace")).digest()
        if address in self._barred and mark not in self._let_in:
            self._check_barred(connection, address)
        try:
            principal = await authenticator.admit(credential)
        except UnauthenticatedError:
            self._let_in.pop(mark, None)
            await self._count(connection, address)
            raise
        _keep(self._let_in, mark, None)
        return principal

    def _check_barred(self, connection: HTTPConnection, address: str) -> None:
        left = self._barred[address] - self._limiter.clock()
        if left <= 0:
            del self._barred[address]
            return
        verdict = Verdict(allowed=False, limit=FAILED.windows[-1].limit, remaining=0, reset_s=left)
        note_verdict(connection.scope, verdict)
        verdict.check()

    async def _count(self, connection: HTTPConnection, address: str) -> None:
        verdict = await self._limiter.hit(f"failed:{address}", FAILED)
        note_verdict(connection.scope, verdict)
        if verdict.remaining == 0:
            _keep(self._barred, address, self._limiter.clock() + verdict.reset_s)
        verdict.check()


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """Keep the latest, and not without end."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
