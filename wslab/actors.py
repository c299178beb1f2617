"""Own the actor style: one actor a connection, as Actix-web has it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, Event

from .actor import Actor, Context, Running, live, take_turn
from .errors import MailboxClosedError, MailboxFullError, UnhandledMessageError, WslabError
from .halves import Sink
from .mailbox import Address, Envelope, Mailbox

__all__ = ["Actor", "Address", "Context", "Running", "WebSocketActor", "WebSocketContext", "handler"]


class WebSocketContext(Context):
    """What the actor of a connection may do beside its own state.

    What is written waits for room when the client reads too slowly. Meanwhile the actor's mailbox fills, and those who
    send to it notice: nothing grows without bound.

    Attributes:
        websocket: The connection itself, such as for websocket.request or a Hub.
    """

    def __init__(self, websocket: ServerConnection, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.websocket = websocket
        self._sink = Sink(websocket)
        self._own_address = self.address  # the client still reaches an actor whose address nobody else has

    async def text(self, text: str) -> None:
        """Send a text message."""
        await self._sink.send(text)

    async def binary(self, data: bytes) -> None:
        """Send a binary message."""
        await self._sink.send(data)

    async def ping(self, data: bytes | None = None) -> None:
        """Send a ping; its pong comes to `on_pong`."""
        await self.websocket.ping(data)

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and with it the actor, which has no veto against this."""
        self.mailbox.close()
        await self.websocket.close(code, reason)


class WebSocketActor(Actor[WebSocketContext]):
    """The actor of one connection, made by `handler` when a client has connected.

    What the client sends and what others send to the address is handled in turn, one thing at a time: a message from
    the client, then all that waits in the mailbox. The next message from the client is read only then: who sends too
    fast is slowed down by TCP, and fills no mailbox.

    The actor ends with its connection, and the connection with its actor: closed with 1000 if the actor stopped, with
    1011 if a hook raised. That a client vanished while something was sent to it is an end, not a failure. `stopping`
    can veto only what the actor itself asked for with ctx.stop().
    """

    async def handle(self, message: Any, ctx: WebSocketContext) -> Any:
        """Handle a message that was sent to the address. If this is not overridden, text and bytes go to the client.

        So what is left by `do_send` is written at once if there is nothing to wait for, and the actor not even woken.
        """
        match message:
            case str():
                await ctx.text(message)
            case bytes():
                await ctx.binary(message)
            case _:
                raise UnhandledMessageError(type(self).__name__, message)

    async def on_text(self, text: str, ctx: WebSocketContext) -> None:
        """Handle a text message from the client."""

    async def on_binary(self, data: bytes, ctx: WebSocketContext) -> None:
        """Handle a binary message from the client."""

    async def on_ping(self, data: bytes, ctx: WebSocketContext) -> None:
        """Learn of a ping. It is answered already: unlike Actix, websockets leaves no pong to the application.

        It may come before messages that the client sent earlier, and is left out when the mailbox is full.
        """

    async def on_pong(self, data: bytes, ctx: WebSocketContext) -> None:
        """Learn of a pong, to one of our pings or to the keepalive of websockets."""


PASS_ON = WebSocketActor.handle


def handler(
    make_actor: Callable[..., WebSocketActor], *arguments: Any, **keywords: Any
) -> Callable[[ServerConnection], Awaitable[None]]:
    """Make an ordinary handler that gives each connection an actor of its own.

    Args:
        make_actor: The class of the actors.
        *arguments: What the class is called with for each connection, such as the address of a lobby.
        **keywords: The same by name.

    Raises:
        WslabError: This makes no WebSocketActor.

    Example:
        wslab.serve(actors.handler(Chatter, lobby))
    """
    _check_maker(make_actor)

    async def handle(websocket: ServerConnection) -> None:
        actor = make_actor(*arguments, **keywords)
        ctx = WebSocketContext(websocket, Mailbox(type(actor).__name__, actor.mailbox_capacity))
        ctx.mailbox.take_at_once = _passing_on(actor, websocket)
        with _control_frames_heard(websocket, ctx.mailbox):
            living = asyncio.create_task(live(actor, ctx))
            reading = asyncio.create_task(_read(actor, ctx))
            try:
                await _end(ctx, living, reading)
            finally:
                living.cancel()
                reading.cancel()
                await asyncio.gather(living, reading, return_exceptions=True)
                del living, reading  # or an error in them would hold this frame, and the frame the error

    handle.__name__ = getattr(make_actor, "__name__", "actor")
    return handle


def _passing_on(actor: WebSocketActor, websocket: ServerConnection) -> Callable[[object], bool]:
    send_now = Sink(websocket).send_now

    def pass_on(message: object) -> bool:
        # Asked anew each time: an actor may change its `handle` as it goes.
        return getattr(actor.handle, "__func__", None) is PASS_ON and send_now(message)

    return pass_on


def _check_maker(make_actor: object) -> None:
    if inspect.isclass(make_actor) and not issubclass(make_actor, WebSocketActor):
        given = make_actor.__name__
    elif not callable(make_actor):
        given = f"a value of type {type(make_actor).__name__}"
    else:
        return
    raise WslabError(
        f"the actors of connections cannot be made by {given}",
        "a class of WebSocketActor",
        "pass the class itself, and after it what it is called with: actors.handler(Chatter, lobby)",
    )


async def _read(actor: WebSocketActor, ctx: WebSocketContext) -> None:
    """Let the actor handle what its client sends."""
    try:
        async for message in ctx.websocket:
            await take_turn(actor, ctx, Envelope("on_text" if isinstance(message, str) else "on_binary", message))
            await asyncio.sleep(0)  # many messages may have come at once, and others have something to do as well
    finally:
        ctx.mailbox.close()


async def _end(ctx: WebSocketContext, living: asyncio.Task[None], reading: asyncio.Task[None]) -> None:
    """Wait for the end of the connection or of its actor, whichever is first, and see that the other follows."""
    await ctx.mailbox.closing.wait()
    await asyncio.wait({living}, timeout=ctx.websocket.close_timeout)
    if not living.done():
        ctx.websocket.transport.abort()  # a hook that waits for room to write goes on now
    await asyncio.wait({living})
    ended = [each for each in (living, reading) if each.done()]
    del living, reading  # as in `handle`
    while ended:  # what raised in the reading comes before what `stopped` raised after that
        try:
            await ended.pop()
        except ConnectionClosed:
            if ctx.websocket.state is OPEN:  # then it was another connection that closed: a failure like any other
                raise


@contextlib.contextmanager
def _control_frames_heard(websocket: ServerConnection, mailbox: Mailbox) -> Iterator[None]:
    """Tell the actor of pings and pongs, which recv() never gives.

    Every frame passes through process_event. A subclass could override that, but whoever serves would have to name it
    as create_connection=; from here it works with every server, and before the first frame can have come.
    """
    hooks, process_event = {Opcode.PING: "on_ping", Opcode.PONG: "on_pong"}, websocket.process_event

    def listening(event: Event) -> None:
        process_event(event)
        if isinstance(event, Frame) and event.opcode in hooks:
            with contextlib.suppress(MailboxFullError, MailboxClosedError):
                mailbox.post(hooks[event.opcode], bytes(event.data))

    websocket.process_event = listening  # type: ignore[method-assign]
    try:
        yield
    finally:
        del websocket.process_event
