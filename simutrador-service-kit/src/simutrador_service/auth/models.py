"""What the routes of accounts take and give."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.models.enums import UserPlan
from simutrador_service.auth.passwords import LONGEST
from simutrador_service.auth.principal import Role
from simutrador_service.auth.tables import MAX_ID, MAX_NAME


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class PasswordLogin(BaseModel):
    """A log-in: the fields of the OAuth 2 password grant; others of that grant are ignored."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    username: str = Field(max_length=MAX_NAME)
    password: str = Field(max_length=LONGEST)


class RefreshRequest(_Asked):
    """A refresh token to exchange."""

    refresh_token: str = Field(max_length=200)


class Registration(_Asked):
    """Somebody new."""

    email: str = Field(min_length=3, max_length=MAX_NAME, pattern=r"^[^@\s]+@[^@\s]+$")
    password: str = Field(max_length=LONGEST)
    full_name: str = Field(default="", max_length=200)


class NewUser(_Asked):
    """A user whom an admin adds."""

    name: str = Field(max_length=MAX_NAME)
    password: str = Field(max_length=LONGEST)
    role: Role = Role.VIEWER
    full_name: str = Field(default="", max_length=200)
    plan: UserPlan | None = None
    tenant: str | None = Field(default=None, max_length=MAX_ID)


class UserChange(_Asked):
    """What an admin changes; what is left out stays."""

    role: Role | None = None
    active: bool | None = None
    password: str | None = Field(default=None, max_length=LONGEST)


class PasswordChange(_Asked):
    """A new password, by somebody who knows the old one."""

    current_password: str = Field(max_length=LONGEST)
    new_password: str = Field(max_length=LONGEST)


class NewKeyRequest(_Asked):
    """A key for oneself."""

    scopes: list[str] = Field(min_length=1, max_length=50)
    label: str = Field(default="", max_length=MAX_ID)
    lifetime_days: int | None = Field(default=None, ge=1, le=3_650)


class Rotation(_Asked):
    """How long the old key still works beside the new one."""

    overlap_s: int = Field(default=0, ge=0, le=30 * 86_400)


class AccessToken(_Given):
    """What a log-in or a key is given; `refresh_token` only for a log-in."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the documented word
    expires_in: int
    refresh_token: str | None = None
    user_id: str
    plan: UserPlan | None = None


class Me(_Given):
    """Who speaks."""

    id: str
    scopes: list[str]
    plan: UserPlan | None
    tenant: str | None
    name: str | None = None
    role: Role | None = None


class UserView(_Given):
    """A user, without what is secret."""

    id: str
    name: str
    full_name: str
    role: Role
    plan: UserPlan | None
    active: bool
    created_at: datetime


class KeyView(_Given):
    """A key, without its secret half."""

    prefix: str
    owner: str
    label: str
    scopes: list[str]
    plan: UserPlan | None
    tenant: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeKey(KeyView):
    """A key just made: the only time it can be seen."""

    api_key: str


class AuditView(_Given):
    """One entry of the audit log."""

    id: int
    at: datetime
    actor: str | None
    action: str
    subject: str
    address: str | None
    outcome: str
