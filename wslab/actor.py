"""Own the actor: an object that handles one message at a time, the hooks of its life, and who survives what."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, TypeVar

from .errors import ActorFailedError, MailboxClosedError, UnhandledMessageError
from .mailbox import Address, Envelope, Mailbox

__all__ = ["Actor", "Context", "Running", "live"]

logger = logging.getLogger("wslab.actors")
# The loop itself keeps only a weak reference to a task.
_running: set[asyncio.Task[None]] = set()


class Running(enum.Enum):
    """What `stopping` answers, as in Actix."""

    STOP = enum.auto()
    CONTINUE = enum.auto()


class Context:
    """What an actor's hooks may do beside its own state.

    Attributes:
        address: The actor's own address, to be given to others.
        mailbox: What waits for the actor.
        stop_asked: Whether the actor has asked to stop, and was not yet heard.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.address = Address(mailbox)
        self.stop_asked = False

    def stop(self) -> None:
        """Ask to stop after this hook; `stopping` is asked then, and may refuse."""
        self.stop_asked = True


C = TypeVar("C", bound=Context)


class Actor(Generic[C]):
    """An object that only its own task touches; others have its address. Start it with `start`.

    Hooks never run at the same time, so an actor's state needs no lock. While a hook waits, its messages wait.

    If `handle` raises, that message is lost: its sender gets ActorFailedError, or it is logged if nobody waits. The
    actor keeps its state and goes on: `restarting` may put that in order. A hook other than `handle` that raises stops
    the actor for good.

    Attributes:
        mailbox_capacity: How many messages may wait; 16, as in Actix.

    Example:
        class Lobby(actors.Actor):
            def __init__(self):
                self.members = set()

            async def handle(self, message, ctx):
                match message:
                    case Join(address):
                        self.members.add(address)

        async with Lobby().start() as lobby:
            await lobby.send(Join(address))
    """

    mailbox_capacity: ClassVar[int] = 16

    async def started(self, ctx: C) -> None:
        """Begin; no message is handled before this has returned."""

    async def handle(self, message: Any, ctx: C) -> Any:
        """Handle one message that was sent to the address, and return the answer."""
        raise UnhandledMessageError(type(self).__name__, message)

    async def restarting(self, ctx: C) -> None:
        """Put the state in order after a `handle` that raised; the messages that wait are kept."""

    async def stopping(self, ctx: C) -> Running:
        """Agree to stop, or veto with Running.CONTINUE; what was stopped from outside, stops whatever this says."""
        return Running.STOP

    async def stopped(self, ctx: C) -> None:
        """Clean up; called once, however the actor ended."""

    def start(self: Actor[Context]) -> Address:
        """Start the actor in a task of its own, and give its address. Whoever starts it stops it."""
        ctx = Context(Mailbox(type(self).__name__, self.mailbox_capacity))
        task = asyncio.create_task(_live_alone(self, ctx), context=contextvars.Context())
        _running.add(task)
        task.add_done_callback(_running.discard)
        return ctx.address


Deliver = Callable[[Envelope, Actor[C], C], Awaitable[None]]


async def deliver(envelope: Envelope, actor: Actor[C], ctx: C) -> None:
    """Let the actor handle one message, and answer whoever waits; raise what the hook raises."""
    try:
        answer = await getattr(actor, envelope.hook)(envelope.message, ctx)
    except Exception as error:
        failed = ActorFailedError(type(actor).__name__, envelope.message)
        failed.__cause__ = error
        envelope.refuse(failed)
        raise
    except BaseException:  # cancelled in the middle
        envelope.refuse(MailboxClosedError(type(actor).__name__))
        raise
    envelope.reply(answer)


async def deliver_and_go_on(envelope: Envelope, actor: Actor[C], ctx: C) -> None:
    """Let the actor handle one message, and outlive a failure."""
    try:
        await deliver(envelope, actor, ctx)
    except Exception:
        logger.exception("%s failed on a message of type %s", type(actor).__name__, type(envelope.message).__name__)
        await actor.restarting(ctx)


async def live(actor: Actor[C], ctx: C, deliver: Deliver[C] = deliver) -> None:
    """Take an actor through its life; raise what a hook raises, after `stopped`."""
    try:
        await actor.started(ctx)
        agreed = await _agrees_to_stop(actor, ctx)
        while not agreed and (envelope := await anext(ctx.mailbox, None)):
            await deliver(envelope, actor, ctx)
            agreed = await _agrees_to_stop(actor, ctx)
        if not agreed:
            await actor.stopping(ctx)
    finally:
        ctx.mailbox.close()
        try:
            await actor.stopped(ctx)
        finally:
            ctx.mailbox.ended.set()


async def _agrees_to_stop(actor: Actor[C], ctx: C) -> bool:
    asked, ctx.stop_asked = ctx.stop_asked, False
    return asked and await actor.stopping(ctx) is not Running.CONTINUE


async def _live_alone(actor: Actor[Context], ctx: Context) -> None:
    try:
        await live(actor, ctx, deliver_and_go_on)
    except Exception:
        logger.exception("%s failed and has stopped", type(actor).__name__)
