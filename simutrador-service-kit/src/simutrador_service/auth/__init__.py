"""Who may do what: keys, users, tokens, and the two declarations of a route."""

from simutrador_service.auth.authenticator import Authenticator, Verifier
from simutrador_service.auth.credentials import credential_of
from simutrador_service.auth.dependencies import public, require
from simutrador_service.auth.matrix import RouteRule, route_rules, unmatched_routes
from simutrador_service.auth.principal import LOCAL, ROLE_SCOPES, Principal, Role

__all__ = [
    "Authenticator",
    "LOCAL",
    "Principal",
    "ROLE_SCOPES",
    "Role",
    "RouteRule",
    "Verifier",
    "credential_of",
    "public",
    "require",
    "route_rules",
    "unmatched_routes",
]
