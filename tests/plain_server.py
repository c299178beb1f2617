"""The paths of tests/peers/README.md on `websockets` and nothing else: what the other servers are compared with."""

from __future__ import annotations

import contextlib
import http
from collections.abc import AsyncIterator

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from wslab.servers import serve

MAX_WAITING_BYTES = 16 * 2**20


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(message)


class Room:
    def __init__(self) -> None:
        self.members: set[ServerConnection] = set()

    async def join(self, websocket: ServerConnection) -> None:
        self.members.add(websocket)
        try:
            async for message in websocket:
                if message == "count":
                    await websocket.send(str(len(self.members)))
                else:
                    self.say(message)
        finally:
            self.members.discard(websocket)

    def say(self, message: str | bytes) -> None:
        """Pass a message on to all; who has left too much unread is cut off, as broadcast() waits for nobody."""
        for member in tuple(self.members):
            if member.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
                self.members.discard(member)
                member.transport.abort()
        broadcast(self.members, message)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[str]:
    paths = {"/echo": echo, "/broadcast": Room().join}

    def check_path(websocket: ServerConnection, request: Request) -> Response | None:
        return None if request.path in paths else websocket.respond(http.HTTPStatus.NOT_FOUND, "no such path\n")

    async def handler(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        with contextlib.suppress(ConnectionClosedError):  # any code but 1000 and 1001, or none at all
            await paths[websocket.request.path](websocket)

    # Only pages of this machine are let in: the default of wslab.serve.
    async with serve(handler, process_request=check_path, compression=None) as server:
        yield server.url.rstrip("/")
