"""`Authenticator`: the one place where a credential becomes a principal."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from simutrador_service.auth.principal import LOCAL, Principal
from simutrador_service.errors import UnauthenticatedError, UnavailableError


class Verifier(Protocol):
    """Knows one kind of credential: keys, or tokens."""

    def recognises(self, credential: str) -> bool:
        """Return whether this text is of its kind; it may still be wrong."""
        ...

    def recall(self, credential: str) -> Principal | None:
        """Return whose it is when that is known without asking anybody, else None."""
        ...

    def verify(self, credential: str) -> Principal:
        """Return whose it is; may wait for the database.

        Raises:
            UnauthenticatedError: it does not hold.
        """
        ...


class Authenticator:
    """Says who a credential stands for.

    Put it on `app.state.authenticator`; `require` asks it, and so does every WebSocket handshake.
    """

    def __init__(self, *verifiers: Verifier, is_open: bool = False) -> None:
        """Ask these in turn; an open service also serves whoever brings no credential."""
        self.is_open = is_open
        self._verifiers = verifiers

    @classmethod
    def open_to_all(cls) -> Authenticator:
        """Return one for a service that only this machine can reach."""
        return cls(is_open=True)

    def authenticate(self, token: str) -> Principal:
        """Return who a key or token stands for; may wait for the database.

        Raises:
            UnauthenticatedError: there is none, or it does not hold.
            UnavailableError: the database does not answer, so nobody new is believed.
        """
        verifier = self._verifier_of(token)
        return LOCAL if verifier is None else _verified(verifier, token)

    async def admit(self, token: str) -> Principal:
        """Return the same without making the event loop wait.

        Raises:
            UnauthenticatedError: there is none, or it does not hold.
            UnavailableError: the database does not answer, so nobody new is believed.
        """
        verifier = self._verifier_of(token)
        if verifier is None:
            return LOCAL
        return verifier.recall(token) or await asyncio.to_thread(_verified, verifier, token)

    def _verifier_of(self, token: str) -> Verifier | None:
        """Return who judges the token; None where nobody needs to."""
        if self.is_open and (not token or not self._verifiers):
            return None
        for verifier in self._verifiers:
            if verifier.recognises(token):
                return verifier
        if not token:
            raise UnauthenticatedError(
                "this needs a key in X-API-Key, or a token in Authorization: Bearer TOKEN"
            )
        raise UnauthenticatedError("the credential does not hold; log in again, or ask for a key")


def _verified(verifier: Verifier, token: str) -> Principal:
    try:
        return verifier.verify(token)
    except SQLAlchemyError as e:
        raise UnavailableError(
            "credentials cannot be checked: the database does not answer; check DATABASE__URL"
        ) from e
