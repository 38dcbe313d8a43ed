"""How much callers may ask of a service, and a service of a vendor."""

from simutrador_service.limits.budget import Budget
from simutrador_service.limits.headers import LimitHeaders, note_verdict
from simutrador_service.limits.limiter import RateLimiter
from simutrador_service.limits.rules import Rule, Verdict, Window

__all__ = ["Budget", "LimitHeaders", "RateLimiter", "Rule", "Verdict", "Window", "note_verdict"]
