"""Own the actor: an object whose hooks run one at a time, its life, and what it survives."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, TypeVar

from .errors import ActorFailedError, HookCancelledError, MailboxClosedError, UnhandledMessageError
from .mailbox import Address, Envelope, Mailbox

__all__ = ["Actor", "Context", "Running", "actors_running", "at_rest", "live", "take_turn"]

logger = logging.getLogger("wslab.actors")
# The loop itself keeps only a weak reference to a task.
_running: dict[asyncio.Task[Any], Mailbox] = {}


class Running(enum.Enum):
    """What `stopping` answers, as in Actix."""

    STOP = enum.auto()
    CONTINUE = enum.auto()


class Context:
    """What an actor's hooks may do beside its own state.

    Attributes:
        mailbox: What waits for the actor.
        turn: Held by whoever runs one of the actor's hooks.
        stop_asked: Whether the actor has asked to stop, and was not yet heard.
        settled: Whether `stopping` needs no asking any more: it has agreed, or another hook has raised.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.turn = mailbox.turn
        self.stop_asked = False
        self.settled = False

    @property
    def address(self) -> Address:
        """The actor's own address, to be given to others."""
        return self.mailbox.address

    def stop(self) -> None:
        """Ask to stop after this hook; `stopping` is asked then, and may refuse.

        A task that a hook has started is no hook: it takes ctx.address.stop(), against which there is no veto.
        """
        self.stop_asked = True


C = TypeVar("C", bound=Context)


class Actor(Generic[C]):
    """An object that nobody else touches: others have its address. Start it with `start`.

    Hooks never run at the same time, so an actor's state needs no lock. While a hook waits, its messages wait.

    If `handle` raises, that message is lost: its sender gets ActorFailedError, or it is logged if nobody waits. The
    actor keeps its state and goes on: `restarting` may put that in order. A hook other than `handle` that raises stops
    the actor for good.

    Attributes:
        mailbox_capacity: How many messages may wait; 16, as in Actix. All that come while a hook waits must find room:
            an actor that waits for a lobby hears from all who talk to that lobby before it.

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
        """Start the actor in a task of its own, and give its address. Whoever starts it stops it.

        An actor whose address nobody has any more stops by itself when it has handled what waits, as in Actix. So a
        cell that is run again leaves no actor behind.
        """
        ctx = Context(Mailbox(type(self).__name__, self.mailbox_capacity))
        address = ctx.address
        task = asyncio.create_task(_live_alone(self, ctx), context=contextvars.Context())
        _running[task] = ctx.mailbox
        task.add_done_callback(_running.pop)
        return address


def actors_running() -> int:
    """Count the actors that were started and have not stopped."""
    return len(_running)


def at_rest(task: asyncio.Task[Any]) -> bool:
    """Whether a task is an actor that was started, waits for a message, and may get one: no task that is left over."""
    return task in _running and _running[task].at_rest


Deliver = Callable[[Envelope, Actor[C], C], Awaitable[None]]


async def deliver(envelope: Envelope, actor: Actor[C], ctx: C) -> None:
    """Let the actor handle one message, and answer whoever waits; raise what the hook raises."""
    __tracebackhide__ = True  # in IPython: a learner sees the hooks, not what calls them
    try:
        answer = await _run(getattr(actor, envelope.hook)(envelope.message, ctx), actor)
    except Exception as error:
        envelope.refuse(ActorFailedError(type(actor).__name__, envelope.message, error))
        raise
    except BaseException:  # cancelled in the middle
        envelope.refuse(MailboxClosedError(type(actor).__name__))
        raise
    envelope.reply(answer)


async def _run(hook: Awaitable[Any], actor: Actor[C]) -> Any:
    """Await a hook; that something else was cancelled, for which it waited, is a failure and no end of the actor."""
    __tracebackhide__ = True
    try:
        return await hook
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise HookCancelledError(type(actor).__name__) from error


async def deliver_and_go_on(envelope: Envelope, actor: Actor[C], ctx: C) -> None:
    """Let the actor handle one message, and outlive a failure."""
    __tracebackhide__ = True
    try:
        await deliver(envelope, actor, ctx)
    except Exception:
        logger.exception("%s failed on a message of type %s", type(actor).__name__, type(envelope.message).__name__)
        await actor.restarting(ctx)


async def take_turn(actor: Actor[C], ctx: C, envelope: Envelope) -> None:
    """Let the actor handle one message that is not in its mailbox, while none of its other hooks runs."""
    async with ctx.turn:
        await _handle(envelope, actor, ctx, deliver)


async def _take_turn_with_mail(actor: Actor[C], ctx: C, deliver: Deliver[C]) -> None:
    """Let the actor handle all that waits in its mailbox now.

    Between two messages from a client more than one may have come: with one a turn, the mailbox would fill for good.
    """
    async with ctx.turn:
        for _ in range(len(ctx.mailbox)):
            if (envelope := ctx.mailbox.take()) is not None:
                await _handle(envelope, actor, ctx, deliver)
            if ctx.mailbox:
                await asyncio.sleep(0)  # what it has sent to others must not wait until all of this is done


async def _handle(envelope: Envelope, actor: Actor[C], ctx: C, deliver: Deliver[C]) -> None:
    if ctx.mailbox.closed:
        return
    try:
        await deliver(envelope, actor, ctx)
        if ctx.stop_asked:
            await _ask_to_stop(actor, ctx)
    except BaseException:
        ctx.settled = True
        raise


async def live(actor: Actor[C], ctx: C, deliver: Deliver[C] = deliver) -> None:
    """Take an actor through its life, up to the end of its mailbox; raise what a hook raises, after `stopped`."""
    try:
        async with ctx.turn:
            await actor.started(ctx)
            if ctx.stop_asked:
                await _ask_to_stop(actor, ctx)
        while await ctx.mailbox.has_mail():
            await _take_turn_with_mail(actor, ctx, deliver)
        async with ctx.turn:
            if not ctx.settled:  # stopped from outside: no veto
                await actor.stopping(ctx)
    finally:
        ctx.mailbox.close()
        try:
            async with ctx.turn:
                await actor.stopped(ctx)
        finally:
            ctx.mailbox.ended.set()


async def _ask_to_stop(actor: Actor[C], ctx: C) -> None:
    ctx.stop_asked = False
    if await actor.stopping(ctx) is not Running.CONTINUE:
        ctx.settled = True
        ctx.mailbox.close()


async def _live_alone(actor: Actor[Context], ctx: Context) -> None:
    try:
        await live(actor, ctx, deliver_and_go_on)
    except Exception:
        logger.exception("%s failed and has stopped", type(actor).__name__)
