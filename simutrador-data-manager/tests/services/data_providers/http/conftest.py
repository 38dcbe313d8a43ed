"""A client whose vendor is a list of answers: no socket, the same plumbing as the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
import pytest

from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import Retries, Timeouts

Answer = httpx.Response | Exception
QUICK = Retries(attempts=4, first_wait_s=0.001, longest_wait_s=0.01, patience_s=5.0)


class Vendor(httpx.AsyncBaseTransport):
    """Gives its answers in turn, the last one for good, and remembers what it was asked."""

    def __init__(self, answers: Sequence[Callable[[], Answer]]) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        make = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(request)
        answer = make()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def vendor() -> Callable[..., tuple[Vendor, ProviderAccess]]:
    """Return a maker of a vendor and the access to it."""

    def make(
        *answers: Callable[[], Answer],
        retries: Retries = QUICK,
        timeouts: Timeouts | None = None,
    ) -> tuple[Vendor, ProviderAccess]:
        made = Vendor(answers)
        return made, ProviderAccess(
            "https://vendor.example/v1",
            transport=made,
            retries=retries,
            timeouts=timeouts or Timeouts(),
        )

    return make
