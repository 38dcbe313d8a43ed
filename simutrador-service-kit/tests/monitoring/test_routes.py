"""Health routes: alive, ready or not and why, and all of it to who may see it."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import Depends, FastAPI, HTTPException

from kit_web import client
from simutrador_service.errors import UnavailableError
from simutrador_service.monitoring import HealthChecks, health_routes


def fine() -> None:
    return


def down() -> None:
    raise UnavailableError("Redis at redis://inside:6379/0 does not answer; correct REDIS__URL")


def store() -> dict[str, Any]:
    return {"series": 3, "symbols": 2, "bars": 1170}


async def got(path: str, *, redis_critical: bool = True, redis_down: bool = True) -> httpx.Response:
    checks = HealthChecks("simutrador-data-manager", "1.0.0")
    checks.add("store", store)
    checks.add("redis", down if redis_down else fine, critical=redis_critical)
    app = FastAPI()
    app.include_router(health_routes(checks))
    async with client(app) as http:
        return await http.get(path)


async def test_health_has_the_documented_shape() -> None:
    answer = await got("/health", redis_down=False)
    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "status": "healthy",
        "service": "simutrador-data-manager",
        "version": "1.0.0",
        "services": {"store": "healthy", "redis": "healthy"},
        "store": {"status": "ok", "series": 3, "symbols": 2, "bars": 1170},
    }


async def test_health_with_a_slash_is_the_same() -> None:
    checks = HealthChecks("s", "1")
    app = FastAPI()
    app.include_router(health_routes(checks))
    async with client(app) as http:
        assert (await http.get("/health/", follow_redirects=True)).json()["status"] == "healthy"


async def test_a_critical_failure_is_503_everywhere_but_in_liveness() -> None:
    codes = {p: (await got(f"/health{p}")).status_code for p in ("", "/live", "/ready", "/deep")}
    assert codes == {"": 503, "/live": 200, "/ready": 503, "/deep": 503}


async def test_not_ready_says_what_fails_and_since_when_but_no_address() -> None:
    answer = await got("/health/ready")
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["status"]) == ("not_ready", 503)
    (failed,) = body["checks"]
    assert (failed["check"], failed["code"]) == ("redis", "unavailable")
    assert failed["since"].endswith("Z")
    assert failed["since"] in body["detail"]
    assert "inside" not in answer.text


async def test_a_service_that_can_do_without_is_ready_and_says_what_fails() -> None:
    answer = await got("/health/ready", redis_critical=False)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "ready")
    assert [(c["check"], c["critical"]) for c in body["checks"]] == [("redis", False)]
    health = (await got("/health", redis_critical=False)).json()
    assert (health["status"], health["services"]["redis"]) == ("degraded", "degraded")


async def test_deep_tells_operators_the_reason() -> None:
    found = {check["name"]: check for check in (await got("/health/deep")).json()["checks"]}
    assert found["redis"]["reason"].endswith("correct REDIS__URL")
    assert found["store"]["details"] == {"series": 3, "symbols": 2, "bars": 1170}
    assert found["store"]["duration_ms"] >= 0


async def test_answers_are_not_kept_by_caches() -> None:
    assert (await got("/health/ready")).headers["cache-control"] == "no-store"


async def test_who_may_see_what_is_the_services_choice() -> None:
    def refuse() -> None:
        raise HTTPException(401)

    app = FastAPI()
    app.include_router(health_routes(HealthChecks("s", "1"), deep=[Depends(refuse)]))
    async with client(app) as http:
        codes = [(await http.get(path)).status_code for path in ("/health/ready", "/health/deep")]
    assert codes == [200, 401]
