"""The application of a service: its factory, limits on requests, pages and files for browsers."""

from __future__ import annotations

from simutrador_service.web.app import ServiceInfo, create_app
from simutrador_service.web.assets import Assets
from simutrador_service.web.conditional import matches
from simutrador_service.web.head import HEAD_ASKED
from simutrador_service.web.page_route import (
    PageRoute,
    SharedPageRoute,
    pages_of,
    prefers_html,
    problem_page,
)
from simutrador_service.web.pages import Link, Pages
from simutrador_service.web.security import CONTENT_SECURITY_POLICY
from simutrador_service.web.serving import PortTakenError, bind, serve, serving, stop_event

__all__ = [
    "ServiceInfo",
    "create_app",
    "serve",
    "serving",
    "bind",
    "stop_event",
    "PortTakenError",
    "Pages",
    "Link",
    "Assets",
    "PageRoute",
    "SharedPageRoute",
    "pages_of",
    "prefers_html",
    "problem_page",
    "matches",
    "HEAD_ASKED",
    "CONTENT_SECURITY_POLICY",
]
