"""The paths of tests/peers/README.md on `websockets` and nothing else: what the other servers are compared with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from wslab.servers import Handler, Server, serve

MAX_WAITING_BYTES = 16 * 2**20


async def echo(websocket: ServerConnection) -> None:
    with suppress(ConnectionClosedError):  # any code but 1000 and 1001, or none at all
        async for message in websocket:
            await websocket.send(message)


class Room:
    def __init__(self) -> None:
        self.members: set[ServerConnection] = set()

    async def join(self, websocket: ServerConnection) -> None:
        self.members.add(websocket)
        try:
            with suppress(ConnectionClosedError):
                await self.talk(websocket)
        finally:
            self.members.discard(websocket)

    async def talk(self, websocket: ServerConnection) -> None:
        async for message in websocket:
            if message == "count":
                await websocket.send(str(len(self.members)))
            else:
                self.say(message)

    def say(self, message: str | bytes) -> None:
        """Pass a message on to all; who has left too much unread is cut off, as broadcast() waits for nobody."""
        for member in tuple(self.members):
            if member.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
                self.members.discard(member)
                member.transport.abort()
        broadcast(self.members, message)


def serve_paths(paths: dict[str, Handler]) -> Server:
    """Serve a handler a path. Only pages of this machine are let in: the default of wslab.serve."""

    def path_of(request: Request | None) -> str:
        assert request is not None
        return request.path.partition("?")[0]

    def check_path(websocket: ServerConnection, request: Request) -> Response | None:
        return None if path_of(request) in paths else websocket.respond(404, "no such path\n")

    async def handler(websocket: ServerConnection) -> None:
        await paths[path_of(websocket.request)](websocket)

    return serve(handler, process_request=check_path, compression=None)


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    async with serve_paths({"/echo": echo, "/broadcast": Room().join}) as server:
        yield server.url.rstrip("/")
