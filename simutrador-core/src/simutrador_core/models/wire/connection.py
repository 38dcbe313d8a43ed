"""Signing in, and what the server says about the connection itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simutrador_core.models.enums import UserPlan
from simutrador_core.models.fields import Instant, WireModel


class TokenResponse(WireModel):
    """Answer of `POST /auth/token`; `expires_in` is seconds."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the kind of token, not one
    user_id: str
    plan: UserPlan


class UserLimitsResponse(WireModel):
    """A user's limits, what is used of them, and when each starts anew, by limit."""

    plan: UserPlan
    limits: dict[str, int]
    usage: dict[str, int]
    reset_times: dict[str, Instant]


class ConnectionReadyData(WireModel):
    """Data of `connection_ready`, the first message on a connection; durations in seconds."""

    user_id: str
    plan: UserPlan
    connection_expires_at: Instant
    idle_timeout_sec: int = Field(ge=0)
    max_simulation_duration_sec: int = Field(ge=0)
    concurrent_connections_limit: int = Field(ge=0)
    server_time: Instant | None = None
    supported_features: list[str] | None = None


class ConnectionWarningData(WireModel):
    """Data of `connection_warning`, sent five minutes and one minute before the end."""

    warning_type: Literal["approaching_timeout", "imminent_closure", "rate_limit_warning"]
    message: str
    expires_at: Instant | None = None
    action_required: str
    seconds_remaining: int | None = None


class ConnectionClosingData(WireModel):
    """Data of `connection_closing`, the last message before the server closes."""

    reason: Literal[
        "idle_timeout",
        "max_duration",
        "api_key_revoked",
        "rate_limit",
        "simulation_complete",
        "server_maintenance",
    ]
    message: str
    close_code: int
    reconnect_allowed: bool
    session_state: Literal["preserved_for_resume", "lost", "completed"] | None = None
