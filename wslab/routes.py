"""Own the filter: a question to a request, joined with others into routes, and the server that asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from .errors import Rejection, WslabError
from .handlers import check_awaitable, handler_name, is_async

__all__ = ["Filter", "Match", "Route", "server_options"]


class Match(NamedTuple):
    """What a filter makes of a request that it lets through.

    Attributes:
        values: What it extracts; the handler gets them as arguments, in the order of the filters.
        subprotocol: What the server answers as subprotocol; None leaves that to the server's own options.
    """

    values: tuple[Any, ...] = ()
    subprotocol: str | None = None


class Filter:
    """A question to a request. It is answered by a Match, or by raising a Rejection.

    `first & second` lets through what both let through, and extracts what both extract. `first | second` asks the
    second only where the first rejects; where both do, the rejection that says more is the answer: any other before
    405, and 405 before 404; then the higher status; then the first (Warp's order).

    Args:
        ask: The question.

    Example:
        routes = (path("echo") & ws()).on_upgrade(echo) | (path("chat") & query("name") & ws()).on_upgrade(chat)

        async with wslab.serve(**server_options(routes)) as server:
            ...
    """

    def __init__(self, ask: Callable[[Request], Match]) -> None:
        self.ask = ask

    def __and__(self, other: Filter) -> Filter:
        if isinstance(self, Route) or isinstance(other, Route):
            raise WslabError(
                "a route was joined with a filter by &",
                "on_upgrade after all filters of its route",
                "put what & joins in parentheses: (path(...) & ws()).on_upgrade(handler)",
            )

        def both(request: Request) -> Match:
            first, second = self.ask(request), other.ask(request)
            return Match(first.values + second.values, second.subprotocol or first.subprotocol)

        return Filter(both)

    def __or__(self, other: Filter) -> Filter:
        return Filter(_either(self, other))

    def map(self, function: Callable[..., Any]) -> Filter:
        """Replace what is extracted by what a function makes of it. The function may raise a Rejection.

        Raises:
            WslabError: The function is async; Warp has and_then for that.
        """
        if is_async(function):
            raise WslabError(
                f"{handler_name(function)} is async, and a filter waits for nothing",
                "a function that gives the value itself",
                "await in the handler, which gets what is extracted",
            )

        def mapped(request: Request) -> Match:
            match = self.ask(request)
            return match._replace(values=(function(*match.values),))

        return Filter(mapped)

    def on_upgrade(self, handler: Callable[..., Awaitable[None]]) -> Route:
        """End a route: what comes through is handled by handler(websocket, *values).

        Raises:
            HandlerError: The handler is not async, cannot be called, or has been called already.
        """
        check_awaitable(handler)
        return Route(self.map(lambda *values: lambda websocket: handler(websocket, *values)).ask)


class Route(Filter):
    """A filter that ends in `on_upgrade`, or several of them joined by `|`."""

    def __or__(self, other: Filter) -> Filter:
        return (Route if isinstance(other, Route) else Filter)(_either(self, other))


def _either(first: Filter, second: Filter) -> Callable[[Request], Match]:
    def either(request: Request) -> Match:
        try:
            return first.ask(request)
        except Rejection as rejection:
            rejected = rejection
        try:
            return second.ask(request)
        except Rejection as rejection:
            raise max(rejected, rejection, key=_says) from None

    return either


def _says(rejection: Rejection) -> int:
    return {404: 0, 405: 1}.get(rejection.status, rejection.status)


def server_options(routes: Filter) -> dict[str, Any]:
    """Give what wslab.serve, or websockets' own serve, needs to serve routes: wslab.serve(**server_options(routes)).

    Raises:
        WslabError: A filter does not end in on_upgrade.
    """
    if not isinstance(routes, Route):
        raise WslabError("a filter alone says who may connect, not what happens then", "routes that end in on_upgrade")

    def process_request(websocket: ServerConnection, request: Request) -> Response | None:
        try:
            match = routes.ask(request)
        except Rejection as rejection:
            response = websocket.respond(rejection.status, f"{rejection.reason}\n")
            for name, value in rejection.headers.items():
                response.headers.pop(name, None)  # what is set in Headers comes on top of what is there
                response.headers[name] = value
            return response
        (websocket.handler,) = match.values
        if match.subprotocol is not None:
            # Not only available_subprotocols: a server given select_subprotocol= does not look there.
            agreed = Subprotocol(match.subprotocol)
            websocket.protocol.select_subprotocol = lambda offered: agreed  # type: ignore[assignment, method-assign]
        return None

    async def routed(websocket: ServerConnection) -> None:
        await websocket.handler(websocket)

    return {"handler": routed, "process_request": process_request}
