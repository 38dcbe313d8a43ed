"""What surrounds every answer: headers, methods, guards, limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from kit_service import LONG, demo_app
from kit_web import Log, logged
from simutrador_service.auth import Authenticator, unmatched_routes
from simutrador_service.auth.exposure import Exposure
from simutrador_service.config import ServerSection
from simutrador_service.web.security import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

ORIGIN = "http://localhost:4200"
SERVER = ServerSection(
    allowed_origins=(ORIGIN,),
    public_url="https://demo.example/",
    max_body_bytes=2000,
    max_header_bytes=4096,
    max_headers=20,
)
IMPATIENT = SERVER.model_copy(update={"request_timeout_s": 0.2})


def client_of(server: ServerSection = SERVER, **pieces: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(demo_app(server, **pieces), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    with logged() as stream:
        yield stream


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of() as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "status"), [("/short", 200), ("/nothing", 404), ("/bug", 500), ("/slow", 504)]
)
async def test_every_answer_has_an_id_and_security_headers(path: str, status: int) -> None:
    async with client_of(IMPATIENT if path == "/slow" else SERVER) as client:
        answer = await client.get(path, headers={"X-Request-ID": "mine-1", "Origin": ORIGIN})
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    if status >= 400:
        assert answer.json()["request_id"] == "mine-1"


def test_the_policy_allows_nothing_inline_and_no_other_host() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY


async def test_only_origins_on_the_list_may_read(client: httpx.AsyncClient) -> None:
    answer = await client.get("/short", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "DELETE"}
    allowed = await client.options("/short", headers=preflight)
    assert allowed.status_code == 200
    assert "DELETE" in allowed.headers["access-control-allow-methods"]
    refused = await client.options("/short", headers={**preflight, "Origin": "http://evil.example"})
    assert refused.status_code == 400
    exposed = (await client.get("/short", headers={"Origin": ORIGIN})).headers
    assert "X-Rows" in exposed["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/short", "/long", "/events", "/docs", "/health", "/nothing"])
async def test_head_gives_the_headers_of_get_without_a_body(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.head(path)
    assert answer.status_code == (404 if path == "/nothing" else 200)
    assert answer.content == b""
    if path != "/events":
        whole = await client.get(path)
        assert answer.headers["content-type"] == whole.headers["content-type"]


async def test_no_error_is_documented_in_the_shape_of_the_framework(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    metrics = document["paths"]["/metrics"]["get"]["responses"]
    assert list(metrics["422"]["content"]) == ["application/problem+json"]
    schemas = document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    assert {"FieldProblem", "Problem"} <= set(schemas)


async def test_a_route_is_told_that_only_its_head_is_wanted(client: httpx.AsyncClient) -> None:
    assert (await client.head("/varied")).headers["x-head"] == "True"
    assert (await client.get("/varied")).headers["x-head"] == "False"


async def test_head_of_a_route_that_never_answers_is_given_up() -> None:
    async with client_of(IMPATIENT) as client:
        assert (await client.head("/slow")).status_code == 504


async def test_the_root_and_the_documentation_need_no_other_host(
    client: httpx.AsyncClient,
) -> None:
    root = (await client.get("/")).json()
    assert root == {
        "message": "SimuTrador Demo",
        "version": "1.2.3",
        "docs": "/docs",
        "openapi": "/openapi.json",
    }
    page = (await client.get("/docs")).text
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert "/notes" in page
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "SimuTrador Demo"


def test_every_route_of_the_kit_says_who_may_call_it() -> None:
    assert unmatched_routes(demo_app()) == []


async def test_an_answer_that_does_not_begin_in_time_is_given_up() -> None:
    async with client_of(IMPATIENT) as client:
        answer = await client.get("/slow")
    assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
    assert "REQUEST_TIMEOUT_S" in answer.json()["detail"]


async def test_a_stream_that_has_begun_may_take_longer() -> None:
    async with client_of(SERVER.model_copy(update={"request_timeout_s": 0.4})) as client:
        answer = await client.get("/slow-then-stream")
    assert (answer.status_code, answer.content) == (200, b"ab")


async def slowly(size: int, *, part: int = 500) -> AsyncIterator[bytes]:
    for _ in range(size // part):
        yield b"x" * part


@pytest.mark.parametrize("path", ["/raw", "/notes", "/unread"])
async def test_a_body_whose_told_length_is_too_large_is_refused(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.post(path, content=b"x" * 2001)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (413, "body_too_large")
    assert problem["bound"] == "le 2000"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/raw", "/notes"])
async def test_a_body_that_grows_too_large_is_refused(client: httpx.AsyncClient, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(path, content=slowly(2500), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "2000 bytes" in answer.json()["detail"]


async def test_a_body_of_just_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post("/raw", content=b"x" * 2000)).json() == 2000
    assert (await client.post("/raw", content=slowly(2000))).json() == 2000


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({f"X-{number}": "1" for number in range(20)}, ""),
        ({"X-Large": "a" * 5000}, ""),
        ({}, "q=" + "a" * 5000),
    ],
)
async def test_too_many_or_too_large_headers_are_refused(
    client: httpx.AsyncClient, headers: dict[str, str], query: str
) -> None:
    answer = await client.get(f"/short?{query}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")
    assert "limit of" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "https://demo.example"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
    ],
)
async def test_a_page_of_another_site_may_not_write(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/raw", content=b"x", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "cross_site"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("demo.localhost", 200),
        ("named.example", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
async def test_an_open_service_answers_to_names_of_this_machine_only(
    host: str, status: int
) -> None:
    exposure = Exposure(is_open=True, hosts=frozenset({"named.example"}))
    async with client_of(authenticator=Authenticator(is_open=True), exposure=exposure) as client:
        answer = await client.get("/short", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["code"] == "unknown_host"


async def test_a_service_with_a_login_answers_to_any_name_and_asks_who_it_is() -> None:
    exposure = Exposure(is_open=False, hosts=frozenset())
    async with client_of(authenticator=Authenticator(), exposure=exposure) as client:
        named = {"Host": "demo.example"}
        assert (await client.get("/short", headers=named)).status_code == 200
        refused = await client.get("/who", headers=named)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


async def test_an_open_service_bound_elsewhere_answers_nobody() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/short",
        "raw_path": b"/short",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "server": ("192.0.2.7", 8000),
        "client": ("192.0.2.9", 1),
        "scheme": "http",
    }
    await demo_app()(scope, receive, send)
    assert sent[0]["status"] == 403
    assert b"not_loopback" in sent[1]["body"]


class Marking:
    """A middleware of a service."""

    def __init__(self, app: Any, *, word: bytes) -> None:
        self.app = app
        self.word = word

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-mark", self.word))
            await send(message)

        await self.app(scope, receive, marked)


async def test_a_service_may_add_its_own_middleware() -> None:
    from starlette.middleware import Middleware

    added = [Middleware(Marking, word=b"outer"), Middleware(Marking, word=b"inner")]
    async with client_of(middleware=added) as client:
        answer = await client.get("/long")
    assert answer.text == LONG
    assert answer.headers.get_list("x-mark") == ["inner", "outer"]
