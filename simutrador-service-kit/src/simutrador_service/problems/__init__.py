"""Every error answer as problem details (RFC 9457) with a stable code."""

from __future__ import annotations

from simutrador_service.problems.answering import (
    MEDIA_TYPE,
    install_problems,
    problem_response,
    send_problem,
)
from simutrador_service.problems.crashes import CrashMiddleware
from simutrador_service.problems.models import FieldProblem, Problem
from simutrador_service.problems.openapi import correct_openapi, problem_answers
from simutrador_service.problems.translating import (
    STATUS,
    BoundError,
    from_validation,
    make_problem,
    to_problem,
)

__all__ = [
    "install_problems",
    "Problem",
    "FieldProblem",
    "BoundError",
    "STATUS",
    "to_problem",
    "from_validation",
    "make_problem",
    "problem_response",
    "send_problem",
    "problem_answers",
    "correct_openapi",
    "CrashMiddleware",
    "MEDIA_TYPE",
]
