"""Fakes for people who write market data providers: a vendor that fails in every known way."""

from simutrador_data.testing.asking import Reply
from simutrador_data.testing.breaking import Pace
from simutrador_data.testing.calls import Call, ideal_requests, most_in_window
from simutrador_data.testing.faults import P1_FAULTS, PAGE_FAULTS, Fault, Schedule
from simutrador_data.testing.server import FaultServer

__all__ = [
    "P1_FAULTS",
    "PAGE_FAULTS",
    "Call",
    "Fault",
    "FaultServer",
    "Pace",
    "Reply",
    "Schedule",
    "ideal_requests",
    "most_in_window",
]
