"""Fakes for people who write market data providers: vendors that fail in every known way."""

from simutrador_data.testing.asking import Reply
from simutrador_data.testing.breaking import Pace
from simutrador_data.testing.calls import Call, ideal_requests, most_in_window
from simutrador_data.testing.faults import P1_FAULTS, PAGE_FAULTS, Fault, Schedule
from simutrador_data.testing.live_faults import BAR_FAULTS, DOOR_FAULTS, LINE_FAULTS, LiveFault
from simutrador_data.testing.live_house import Connect, HouseRules, Strike
from simutrador_data.testing.live_server import LiveFaultServer
from simutrador_data.testing.market_clock import MarketClock
from simutrador_data.testing.server import FaultServer

__all__ = [
    "FaultServer",
    "Fault",
    "P1_FAULTS",
    "PAGE_FAULTS",
    "Pace",
    "Reply",
    "Schedule",
    "Call",
    "ideal_requests",
    "most_in_window",
    "LiveFaultServer",
    "LiveFault",
    "DOOR_FAULTS",
    "LINE_FAULTS",
    "BAR_FAULTS",
    "HouseRules",
    "MarketClock",
    "Connect",
    "Strike",
]
