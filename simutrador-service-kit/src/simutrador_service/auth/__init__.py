"""Who may do what: keys, users, tokens, and the two declarations of a route."""

from simutrador_service.auth.accounts import Accounts, open_accounts
from simutrador_service.auth.addresses import address_of
from simutrador_service.auth.audit import Actor, Audit
from simutrador_service.auth.authenticator import Authenticator, Verifier
from simutrador_service.auth.credentials import credential_of
from simutrador_service.auth.dependencies import public, require, still_may
from simutrador_service.auth.exchange import Exchanged, token_for_key
from simutrador_service.auth.exposure import (
    Exposure,
    can_be_reached,
    guard_exposure,
    refuse_open,
)
from simutrador_service.auth.keys import KeyStore
from simutrador_service.auth.limiting import CallerLimits, limited
from simutrador_service.auth.logins import Logins, TokenPair
from simutrador_service.auth.matrix import RouteRule, route_rules, unmatched_routes
from simutrador_service.auth.new_keys import NewKey
from simutrador_service.auth.principal import LOCAL, ROLE_SCOPES, Principal, Role
from simutrador_service.auth.private_files import load_secret, write_private
from simutrador_service.auth.revocations import Revocations
from simutrador_service.auth.routes import auth_routes
from simutrador_service.auth.tokens import Grant, TokenError, TokenFault, Tokens
from simutrador_service.auth.users import Users

__all__ = [
    "Accounts",
    "Actor",
    "Audit",
    "Authenticator",
    "CallerLimits",
    "Exchanged",
    "Exposure",
    "Grant",
    "KeyStore",
    "LOCAL",
    "Logins",
    "NewKey",
    "Principal",
    "ROLE_SCOPES",
    "Revocations",
    "Role",
    "RouteRule",
    "TokenError",
    "TokenFault",
    "TokenPair",
    "Tokens",
    "Users",
    "Verifier",
    "address_of",
    "auth_routes",
    "can_be_reached",
    "credential_of",
    "guard_exposure",
    "limited",
    "load_secret",
    "open_accounts",
    "public",
    "refuse_open",
    "require",
    "still_may",
    "route_rules",
    "token_for_key",
    "unmatched_routes",
    "write_private",
]
