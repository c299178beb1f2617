"""Own the subject of a check: a handler that is served for it, or a server that is there already."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import socket
import traceback
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ..actor import live
from ..errors import CheckError
from ..handlers import check_handler
from ..listener import Handler
from ..loopback import is_loopback
from ..opening import opening_errors
from ..servers import Server, serve
from ..target import HasUrl, websocket_target
from .watch import error_line, error_shown, waits_at

__all__ = ["Served", "Subject", "silent_logger", "subject_of"]

Served = Handler | HasUrl | str
OPEN_S = 3.0
END_S = 1.0
_COLLECTIONS = 3

# A handler that fails is told in the report; its traceback in red under the cell would be told twice.
silent_logger = logging.getLogger("wslab.check")
# And whoever keeps what is logged would keep the traceback, and with it the connection.
silent_logger.setLevel(logging.CRITICAL + 1)


@dataclass
class Subject:
    """What is being checked.

    Attributes:
        url: Where it listens.
        is_ours: Whether the check itself serves it, and so sees its calls.
        errors: What calls of the handler raised, in order.
        calls: The calls that run.
        server: The server, if the check serves it.
        connections: Those that were handled, in order, as far as something holds them still.
        cancelled_at: The line at which a call of the handler was last ended by a cancellation, or "".
    """

    url: str
    is_ours: bool
    errors: list[BaseException] = field(default_factory=list)
    calls: set[asyncio.Task[Any]] = field(default_factory=set)
    server: Server | None = None
    connections: list[weakref.ref[ServerConnection]] = field(default_factory=list)
    cancelled_at: str = ""

    async def calls_end(self, but: int = 0) -> bool:
        """Wait a second at most until every call has ended, but for so many; tell whether they have."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                while len(self.calls) > but:
                    await asyncio.wait(self.calls, return_when=asyncio.FIRST_COMPLETED)
        return len(self.calls) <= but

    @property
    def waiting_bytes(self) -> int:
        """How much waits in the write buffer of that connection for which most waits."""
        return max((each.transport.get_write_buffer_size() for each in self._there()), default=0)

    def narrow(self, address: object, size_bytes: int) -> None:
        """Let the operating system keep little of what is sent to the client at this address, if we serve it."""
        for each in self._there():
            if each.remote_address == address:
                connected = each.transport.get_extra_info("socket")
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size_bytes)

    def _there(self) -> list[ServerConnection]:
        return [each for each in (ref() for ref in self.connections) if each is not None]

    async def held(self) -> list[int]:
        """Tell which connections, by their place in the order, something holds although every call has ended."""
        self.errors.clear()  # a traceback holds frames, and they hold connections
        for _ in range(_COLLECTIONS):
            gc.collect()
            if not self._there():
                break
            await asyncio.sleep(0.01)
        return [number for number, ref in enumerate(self.connections) if ref() is not None]

    @property
    def where_calls_wait(self) -> str:
        """Say at which lines of the reader's own the calls that run are waiting, or give ""."""
        return "; ".join(sorted({f"a call{waits}" for call in self.calls if (waits := waits_at(call))}))

    @property
    def failure(self) -> str:
        """Say what the handler raised first and where, or ""."""
        return error_shown(self.errors[0]) if self.errors else ""


@contextlib.asynccontextmanager
async def subject_of(candidate: Served, **options: Any) -> AsyncIterator[Subject]:
    """Serve a handler, or find the server that is there.

    Args:
        candidate: A handler, anything with a url, or a URL.
        **options: What websockets' serve takes, for a handler.

    Raises:
        CheckError: It is none of these.
        HandlerError: It is a function, but no handler.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.
    """
    if isinstance(candidate, str) or hasattr(candidate, "url"):
        await _knock(candidate)
        yield Subject(candidate if isinstance(candidate, str) else candidate.url, False)
        return
    if not callable(candidate) and not inspect.iscoroutine(candidate):
        raise CheckError(candidate, "a handler (async def handler(websocket)), a running server, or its ws:// URL")
    check_handler(candidate)
    subject = Subject("", True)
    async with serve(_watched(candidate, subject), compression=None, logger=silent_logger, **options) as server:
        subject.url, subject.server = server.url, server
        try:
            yield subject
        finally:
            for call in subject.calls:
                call.cancel()


async def _knock(candidate: HasUrl | str) -> None:
    target = websocket_target(candidate)
    proxy = {"proxy": None} if is_loopback(target.host) else {}
    url = candidate if isinstance(candidate, str) else candidate.url
    with opening_errors(target, OPEN_S):
        async with connect(url, open_timeout=OPEN_S, close_timeout=1, **proxy):  # type: ignore[arg-type]
            pass


def _watched(handler: Handler, subject: Subject) -> Handler:
    async def watched(websocket: ServerConnection) -> None:
        subject.connections.append(weakref.ref(websocket))
        call = asyncio.current_task()
        assert call is not None
        subject.calls.add(call)
        call.add_done_callback(subject.calls.discard)
        try:
            await handler(websocket)
        except SystemExit as error:  # it would end the loop, and the kernel with it
            subject.errors.append(error)
            raise RuntimeError("exit in a handler") from error
        except asyncio.CancelledError as error:
            subject.cancelled_at = error_line(error, outermost=True)
            raise
        except Exception as error:
            # Not if its client has left, or it has closed: that is how many end.
            if not isinstance(error, ConnectionClosed) or websocket.state is State.OPEN:
                subject.errors.append(_first(error))
            raise

    return watched


def _first(error: Exception) -> BaseException:
    """Give what an actor failed of, if its `stopped` failed after that: that one follows, and would point elsewhere."""
    before = error.__context__
    if before is None or isinstance(before, ConnectionClosed):
        return error
    of_a_hook = any(frame.f_code is live.__code__ for frame, _ in traceback.walk_tb(before.__traceback__))
    return before if of_a_hook else error
