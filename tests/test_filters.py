"""The questions to a request: what each lets through, extracts and answers."""

from __future__ import annotations

import asyncio

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request

from wslab import filters
from wslab.errors import Rejection, WslabError
from wslab.filters import Filter, header, origin, path, query, subprotocol, ws
from wslab.servers import serve

OPENING = [
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
]


def request(path: str = "/", *headers: tuple[str, str], method: str = "GET") -> Request:
    return Request(path, Headers(headers), method)


def opening(method: str = "GET", **replaced: str | None) -> Request:
    changed = {name.replace("_", "-"): value for name, value in replaced.items()}
    headers = [(name, changed.get(name, value)) for name, value in OPENING]
    return request("/", *[(name, value) for name, value in headers if value is not None], method=method)


def status(filter: Filter, request: Request) -> int:
    with pytest.raises(Rejection) as caught:
        filter.ask(request)
    return caught.value.status


@pytest.mark.parametrize(
    ("asked", "found", "values"),
    [
        (path(), "/", ()),
        (path(), "/?name=Ann", ()),
        (path("chat"), "/chat", ()),
        (path("chat"), "/chat/", ()),
        (path("chat"), "/chat?name=Ann/Bob", ()),
        (path("chat", "tea"), "/chat/tea", ()),
        (path("rooms", str), "/rooms/tea", ("tea",)),
        (path("rooms", str), "/rooms/gr%C3%BCn%2Ftee", ("grün/tee",)),
        (path("rooms", int, str), "/rooms/7/Ann", (7, "Ann")),
    ],
)
def test_a_path_that_matches(asked: Filter, found: str, values: tuple[object, ...]) -> None:
    assert asked.ask(request(found)).values == values


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (path(), "/chat"),
        (path("chat"), "/"),
        (path("chat"), "/Chat"),
        (path("chat"), "/chat/tea"),
        (path("chat", str), "/chat"),
        (path("rooms", int), "/rooms/tea"),
        (path("chat"), "//[chat"),
        (path("chat"), "http://localhost/chat"),
        (path("chat"), "*"),
        (path(str), "/"),
        (path("rooms", str, "tea"), "/rooms//tea"),
    ],
)
def test_a_path_that_does_not_match_is_not_found(asked: Filter, found: str) -> None:
    assert status(asked, request(found)) == 404


@pytest.mark.parametrize("segment", ["", "/chat", "rooms/tea"])
def test_what_no_segment_can_be_is_refused_at_once(segment: str) -> None:
    with pytest.raises(WslabError, match=f"'{segment}' cannot be a segment"):
        path(segment)


@pytest.mark.parametrize(
    ("found", "value"),
    [
        ("/?name=Ann", "Ann"),
        ("/?name=", ""),
        ("/?name", ""),
        ("/?a=1&name=A%20B+C", "A B C"),
        ("/?name=Ann&name=Bob", "Ann"),
    ],
)
def test_a_query_gives_a_value(found: str, value: str) -> None:
    assert query("name").ask(request(found)).values == (value,)


@pytest.mark.parametrize("found", ["/", "/?", "/?nam=Ann", "/name=Ann"])
def test_a_query_that_lacks_a_name_is_a_bad_request(found: str) -> None:
    assert status(query("name"), request(found)) == 400


def test_a_header_gives_its_value() -> None:
    found = request("/", ("X-Token", "abc"), ("x-token", "def"))
    assert header("x-TOKEN").ask(found).values == ("abc, def",)


def test_a_header_of_an_exact_value_gives_nothing() -> None:
    assert header("X-Token", "abc").ask(request("/", ("X-Token", "abc"))).values == ()


@pytest.mark.parametrize("filter", [header("X-Token"), header("X-Token", "abc")])
def test_a_header_that_is_missing_is_a_bad_request(filter: Filter) -> None:
    assert status(filter, request()) == 400


def test_a_header_of_another_value_is_a_bad_request_and_its_value_is_not_told() -> None:
    with pytest.raises(Rejection) as caught:
        header("X-Token", "secret").ask(request("/", ("X-Token", "guess")))
    assert caught.value.status == 400
    assert "secret" not in str(caught.value)


HERE, THERE = "https://here.example", "https://there.example"


@pytest.mark.parametrize(
    ("filter", "headers", "passes"),
    [
        (origin(HERE), [("Origin", HERE)], True),
        (origin(HERE, THERE), [("Origin", THERE)], True),
        (origin(HERE), [("Origin", THERE)], False),
        (origin(HERE), [("Origin", "null")], False),
        (origin(HERE), [], False),
        (origin(HERE, None), [], True),
        (origin(HERE, None), [("Origin", "")], False),
        (origin(HERE), [("Origin", HERE), ("Origin", HERE)], False),
    ],
)
def test_only_some_origins_may_connect(filter: Filter, headers: list[tuple[str, str]], passes: bool) -> None:
    if passes:
        assert filter.ask(request("/", *headers)).values == ()
    else:
        assert status(filter, request("/", *headers)) == 403


@pytest.mark.parametrize("offer", ["chat.v1", "chat.v0, chat.v1", "x,chat.v1 ,chat.v2"])
def test_the_first_supported_subprotocol_is_taken(offer: str) -> None:
    asked = subprotocol("chat.v1", "chat.v2").ask(request("/", ("Sec-WebSocket-Protocol", offer)))
    assert asked == (("chat.v1",), "chat.v1")


@pytest.mark.parametrize("headers", [[], [("Sec-WebSocket-Protocol", "chat.v9")], [("Sec-WebSocket-Protocol", "")]])
def test_no_common_subprotocol_is_a_bad_request(headers: list[tuple[str, str]]) -> None:
    assert status(subprotocol("chat.v1"), request("/", *headers)) == 400


def test_an_opening_handshake_passes_ws() -> None:
    assert ws().ask(opening()).values == ()


@pytest.mark.parametrize(
    ("asked", "answer", "headers"),
    [
        (opening(method="POST"), 405, {"Allow": "GET"}),
        (opening(Upgrade=None), 426, {"Upgrade": "websocket"}),
        (opening(Upgrade="h2c"), 426, {"Upgrade": "websocket"}),
        (opening(Connection="close"), 426, {"Upgrade": "websocket"}),
        (opening(Sec_WebSocket_Key=None), 400, {}),
        (opening(Sec_WebSocket_Key="short"), 400, {}),
        (opening(Sec_WebSocket_Version="8"), 400, {}),
    ],
)
def test_anything_else_gets_the_answer_of_websockets(asked: Request, answer: int, headers: dict[str, str]) -> None:
    with pytest.raises(Rejection) as caught:
        ws().ask(asked)
    assert (caught.value.status, caught.value.headers) == (answer, headers)


async def chat(websocket: ServerConnection, name: str) -> None:
    async for message in websocket:
        await websocket.send(f"{name}: {message!r}")


async def echo(websocket: ServerConnection) -> None:
    sink, stream = filters.split(websocket)
    await filters.forward(stream, sink)


ROUTES = (path("echo") & ws()).on_upgrade(echo) | (path("chat") & query("name") & ws()).on_upgrade(chat)


async def test_two_routes_serve_two_handlers() -> None:
    async with (
        serve(**filters.server_options(ROUTES)) as server,
        connect(f"{server.url}echo", proxy=None) as one,
        connect(f"{server.url}chat?name=Ann", proxy=None) as two,
    ):
        await one.send("Hello")
        await two.send(b"Hello")
        assert [await one.recv(), await two.recv()] == ["Hello", "Ann: b'Hello'"]


@pytest.mark.parametrize(("found", "answer"), [("", 404), ("tea", 404), ("chat", 400), ("echo/more", 404)])
async def test_a_request_that_no_route_takes_gets_the_best_answer(found: str, answer: int) -> None:
    async with serve(**filters.server_options(ROUTES)) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url + found, proxy=None)
    assert caught.value.response.status_code == answer


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("POST /echo", 405),
        ("POST /tea", 404),
        ("GET /echo", 426),
        ("GET /chat", 400),
    ],
)
async def test_a_request_of_plain_http_gets_the_best_answer(line: str, answer: int) -> None:
    async with serve(**filters.server_options(ROUTES)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"{line} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert int(head.split()[1]) == answer


async def test_a_page_from_elsewhere_is_forbidden_by_the_route_where_the_server_lets_all_in() -> None:
    routes = (path("echo") & origin(HERE) & ws()).on_upgrade(echo)
    async with serve(**filters.server_options(routes), origins=None) as server:
        async with connect(f"{server.url}echo", origin=HERE, proxy=None):  # type: ignore[arg-type]
            pass
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{server.url}echo", origin=THERE, proxy=None)  # type: ignore[arg-type]
    assert caught.value.response.status_code == 403
