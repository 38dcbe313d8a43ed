"""Jobs at set times: cron and market-calendar triggers, one leader among many processes.

The routes (`scheduler.routes`) and commands (`scheduler.commands`) are imported by name.
"""

from simutrador_service.scheduler.cron import Cron, cron
from simutrador_service.scheduler.running import Scheduler, run_scheduler
from simutrador_service.scheduler.schedule import Missed, Overlap, Schedule, Trigger
from simutrador_service.scheduler.service import Schedules, Standing
from simutrador_service.scheduler.sessions import AtSession, Edge

__all__ = [
    "AtSession",
    "Cron",
    "cron",
    "Edge",
    "Missed",
    "Overlap",
    "run_scheduler",
    "Schedule",
    "Scheduler",
    "Schedules",
    "Standing",
    "Trigger",
]
