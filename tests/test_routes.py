"""Filters joined into routes: what is extracted, which rejection wins, and what the server makes of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as plain_serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request

from wslab.errors import HandlerError, Rejection, WslabError
from wslab.routes import Filter, Match, Route, server_options
from wslab.servers import serve

REQUEST = Request("/", Headers())


def passes(*values: object, subprotocol: str | None = None) -> Filter:
    return Filter(lambda request: Match(values, subprotocol))


def rejects(status: int, reason: str = "no") -> Filter:
    def ask(request: Request) -> Match:
        raise Rejection(status, reason)

    return Filter(ask)


def never(request: Request) -> Match:
    raise AssertionError("was asked")


async def nothing(websocket: ServerConnection) -> None:
    pass


def test_and_extracts_what_both_extract_in_order() -> None:
    joined = passes(1, subprotocol="chat") & passes() & passes(2, 3)
    assert joined.ask(REQUEST) == Match((1, 2, 3), "chat")


def test_of_two_subprotocols_the_last_is_taken() -> None:
    assert (passes(subprotocol="chat.v1") & passes(subprotocol="chat.v2")).ask(REQUEST).subprotocol == "chat.v2"


def test_and_does_not_ask_the_second_when_the_first_rejects() -> None:
    with pytest.raises(Rejection):
        (rejects(404) & Filter(never)).ask(REQUEST)


def test_or_does_not_ask_the_second_when_the_first_lets_through() -> None:
    assert (passes(1) | Filter(never)).ask(REQUEST) == Match((1,))


def test_or_asks_the_second_when_the_first_rejects() -> None:
    assert (rejects(426) | passes(2)).ask(REQUEST) == Match((2,))


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ((404, 405), 405),
        ((405, 404), 405),
        ((405, 400), 400),
        ((400, 405), 400),
        ((404, 400, 404), 400),
        ((400, 403), 403),
        ((426, 403), 426),
        ((404, 404), 404),
    ],
)
def test_the_rejection_that_says_more_wins(statuses: tuple[int, ...], best: int) -> None:
    routes = rejects(statuses[0])
    for status in statuses[1:]:
        routes |= rejects(status)
    with pytest.raises(Rejection) as caught:
        routes.ask(REQUEST)
    assert caught.value.status == best


def test_of_two_that_say_as_much_the_first_wins() -> None:
    with pytest.raises(Rejection, match="first"):
        (rejects(400, "first") | rejects(400, "second")).ask(REQUEST)


def test_map_replaces_what_is_extracted_and_keeps_the_subprotocol() -> None:
    assert passes(2, 3, subprotocol="chat").map(lambda a, b: a * b).ask(REQUEST) == Match((6,), "chat")


def test_map_may_reject() -> None:
    def refuse(value: int) -> int:
        raise Rejection(403, "not today")

    with pytest.raises(Rejection, match="403: not today"):
        passes(1).map(refuse).ask(REQUEST)


def test_map_takes_no_async_function() -> None:
    async def look_up(name: str) -> str:
        return name

    with pytest.raises(WslabError, match="look_up is async, and a filter waits for nothing"):
        passes("Ann").map(look_up)


async def test_on_upgrade_refuses_what_is_no_handler() -> None:
    with pytest.raises(HandlerError, match="was called already"):
        passes().on_upgrade(nothing(None))  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="cannot be called"):
        passes().on_upgrade("echo")  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="is not async"):
        passes().on_upgrade(print)  # type: ignore[arg-type]


def test_a_partial_and_a_lambda_are_handlers() -> None:
    for handler in (functools.partial(nothing), lambda websocket: nothing(websocket)):
        assert isinstance(passes().on_upgrade(handler), Route)


def test_nothing_stands_behind_on_upgrade() -> None:
    for join in (lambda: passes() & passes().on_upgrade(nothing), lambda: passes().on_upgrade(nothing) & passes()):
        with pytest.raises(WslabError, match="put what & joins in parentheses"):
            join()


@pytest.mark.parametrize(
    "routes",
    [passes(), passes().on_upgrade(nothing) | passes(), passes() | passes().on_upgrade(nothing)],
    ids=["a filter", "a route or a filter", "a filter or a route"],
)
def test_only_routes_are_served(routes: Filter) -> None:
    with pytest.raises(WslabError, match="a filter alone says who may connect"):
        server_options(routes)


def test_routes_joined_are_routes() -> None:
    assert isinstance(passes().on_upgrade(nothing) | rejects(404).on_upgrade(nothing), Route)


@pytest.mark.parametrize("serve_it", [serve, lambda **options: plain_serve(host="127.0.0.1", port=0, **options)])
async def test_a_handler_gets_what_was_extracted(serve_it: Callable[..., Any]) -> None:
    async def tell(websocket: ServerConnection, *values: object) -> None:
        await websocket.send(repr(values))

    async with serve_it(**server_options(passes("Ann", 7).on_upgrade(tell))) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as websocket:
            assert await websocket.recv() == "('Ann', 7)"


async def test_a_rejection_is_the_answer() -> None:
    def ask(request: Request) -> Match:
        raise Rejection(403, "not today", {"Retry-After": "3600"})

    async with serve(**server_options(Filter(ask).on_upgrade(nothing))) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url, proxy=None)
    response = caught.value.response
    assert (response.status_code, response.body, response.headers["Retry-After"]) == (403, b"not today\n", "3600")


async def test_a_header_of_a_rejection_replaces_what_websockets_would_say() -> None:
    def ask(request: Request) -> Match:
        raise Rejection(403, "{}", {"content-type": "application/json"})

    async with serve(**server_options(Filter(ask).on_upgrade(nothing))) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url, proxy=None)
    assert caught.value.response.headers["Content-Type"] == "application/json"


async def test_a_filter_that_raises_is_answered_with_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    routes = passes(1).map(lambda value: value / 0).on_upgrade(nothing)
    async with serve(**server_options(routes)) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url, proxy=None)
    assert caught.value.response.status_code == 500
    assert "process_request failed" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "of_the_server",
    [{"subprotocols": ["other"]}, {"select_subprotocol": lambda protocol, offered: offered[0]}],
    ids=["a list", "a choice"],
)
@pytest.mark.parametrize(("of_the_route", "agreed"), [("chat", "chat"), (None, "other")])
async def test_the_subprotocol_of_the_route_comes_before_those_of_the_server(
    of_the_route: str | None, agreed: str, of_the_server: dict[str, Any]
) -> None:
    options = server_options(passes(subprotocol=of_the_route).on_upgrade(nothing)) | of_the_server
    offer: Any = ["other", "chat"]
    async with (
        serve(**options) as server,
        connect(server.url, subprotocols=offer, proxy=None) as websocket,
    ):
        assert websocket.subprotocol == agreed
