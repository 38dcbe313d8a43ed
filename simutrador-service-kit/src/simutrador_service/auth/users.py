"""`Users`: people with a password and a role."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from simutrador_core.errors import InputError
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.audit import SERVICE, Actor, Outcome, note
from simutrador_service.auth.errors import UnknownUserError
from simutrador_service.auth.families import end_all_logins
from simutrador_service.auth.lockout import Lockout
from simutrador_service.auth.passwords import Passwords, check_password
from simutrador_service.auth.principal import ROLE_SCOPES, Principal, Role
from simutrador_service.auth.tables import MAX_NAME, User
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import TooManyRequestsError, UnauthenticatedError

_WRONG: Final = "the name or the password is wrong; try again"


class Users:
    """The people of a database. Every call waits for it, and those with a password for Argon2."""

    def __init__(
        self,
        database: Database,
        *,
        passwords: Passwords | None = None,
        on_change: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Use the service's database; `on_change` is told when somebody may do less than before."""
        self._passwords = passwords or Passwords()
        self.database = database
        self.clock = clock
        self.lockout: Final = Lockout(database, clock=clock)
        self._on_change = on_change

    def create(
        self,
        name: str,
        password: str,
        *,
        role: Role,
        full_name: str = "",
        plan: UserPlan | None = None,
        tenant: str | None = None,
        by: Actor = SERVICE,
    ) -> User:
        """Add a user.

        Raises:
            InputError: the name is taken or none, a text cannot be printed, or the password is
                too easy.
        """
        login = normal_name(name)
        if not login or len(login) > MAX_NAME or not login.isprintable() or " " in login:
            raise InputError(
                f"a user's name has 1 to {MAX_NAME} characters and no spaces", field="name"
            )
        for field, text in {"full_name": full_name, "tenant": tenant or ""}.items():
            if not text.isprintable():
                raise InputError(f"{field} has printable characters only", field=field)
        check_password(password, name=login)
        now = self.clock()
        made = User(
            id=uuid4().hex,
            name=login,
            full_name=full_name,
            password_hash=self._passwords.hash(password),
            role=role,
            plan=plan,
            tenant=tenant,
            created_at=now,
            changed_at=now,
        )
        try:
            with self.database.write() as session:
                session.add(made)
                note(session, "user.create", by=by, subject=made.id, now=now)
        except IntegrityError:
            raise InputError(f"the name {login!r} is taken; choose another", field="name") from None
        return made

    def get(self, name_or_id: str) -> User:
        """Return a user.

        Raises:
            UnknownUserError: there is none of that name or id.
        """
        with self.database.read() as session:
            return _get(session, name_or_id)

    def list_users(self) -> Sequence[User]:
        """Return every user, oldest first."""
        with self.database.read() as session:
            return session.scalars(select(User).order_by(User.created_at, User.id)).all()

    def change(
        self,
        name_or_id: str,
        *,
        role: Role | None = None,
        active: bool | None = None,
        by: Actor = SERVICE,
    ) -> User:
        """Give a user another role, or keep them out or let them in again; their log-ins end.

        Raises:
            UnknownUserError: there is none.
        """
        now = self.clock()
        with self.database.write() as session:
            user = _get(session, name_or_id)
            user.role = user.role if role is None else role
            user.active = user.active if active is None else active
            user.changed_at = now
            end_all_logins(session, user.id, now=now)
            note(session, "user.change", by=by, subject=user.id, now=now)
        self._on_change()
        return user

    def set_password(self, name_or_id: str, password: str, *, by: Actor = SERVICE) -> User:
        """Give a user another password; their log-ins end.

        Raises:
            UnknownUserError: there is none.
            InputError: the password is too easy.
        """
        found = self.get(name_or_id)
        check_password(password, name=found.name)
        kept, now = self._passwords.hash(password), self.clock()
        with self.database.write() as session:
            user = _get(session, found.id)
            user.password_hash, user.changed_at = kept, now
            end_all_logins(session, user.id, now=now)
            note(session, "user.password", by=by, subject=user.id, now=now)
        self._on_change()
        return user

    def check(self, name: str, password: str, *, address: str | None) -> User:
        """Return the user who knows this password.

        The answer and its time are the same for a wrong password, an unknown name and somebody
        kept out.

        Raises:
            UnauthenticatedError: nobody does.
            TooManyRequestsError: too many tries failed; also the right password has to wait.
        """
        login, by = normal_name(name)[:MAX_NAME], Actor(None, address)
        with self.database.read() as session:
            user = (
                session.scalar(select(User).where(User.name == login))
                if login.isprintable()
                else None
            )
        subject = "unknown" if user is None else user.id  # what was typed may be a password
        try:
            self.lockout.begin(login, address)
        except TooManyRequestsError:
            self._note("login", by, subject, Outcome.LOCKED)
            raise
        right = self._passwords.fits(None if user is None else user.password_hash, password)
        if user is None or not right or not user.active:
            self._note("login", by, subject, Outcome.REFUSED)
            raise UnauthenticatedError(_WRONG)
        self.lockout.succeeded(login, address)
        if self._passwords.is_outdated(user.password_hash):
            self._rehash(user.id, self._passwords.hash(password))
        return user

    def _rehash(self, user_id: str, kept: str) -> None:
        with self.database.write() as session:
            _get(session, user_id).password_hash = kept

    def _note(self, action: str, by: Actor, subject: str, outcome: Outcome) -> None:
        with self.database.write() as session:
            note(session, action, by=by, subject=subject, outcome=outcome, now=self.clock())


def principal_of(user: User) -> Principal:
    """Return who speaks when this user does."""
    plan = None if user.plan is None else UserPlan(user.plan)
    return Principal(user.id, ROLE_SCOPES[Role(user.role)], plan, user.tenant)


def normal_name(name: str) -> str:
    """Return a name as it is kept and looked up: people mix capitals and look-alike letters."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _get(session: Session, name_or_id: str) -> User:
    login = normal_name(name_or_id)[:MAX_NAME]
    found = None
    if login.isprintable():
        found = session.get(User, login) or session.scalar(select(User).where(User.name == login))
    if found is None:
        raise UnknownUserError(login)
    return found
