"""Own the mailbox of an actor: what waits to be handled, in order, and the address under which others reach it.

Its capacity bounds what nobody waits for. Who waits for an answer may stand in line behind that: each such sender has
one message there, and does nothing else until it is answered.

    handled next                           capacity
        |                                     |
        [do_send] [send] [do_send] ... [send] | [send] [send]
                                              do_send raises MailboxFullError from here on
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from .errors import MailboxClosedError, MailboxFullError, WslabError
from .own_loop import check_loop
from .turn import Turn, waiting_for

__all__ = ["Address", "Envelope", "Mailbox"]


@dataclass(slots=True)
class Envelope:
    """A message, the hook of the actor that is to handle it, and where its answer goes if somebody waits for one.

    Answered, it lets go of whoever waited: an error there holds the frames that it has passed, and with them this
    envelope, so that only the garbage collector would free the actors.
    """

    hook: str
    message: object
    answer: asyncio.Future[Any] | None = None

    def reply(self, answer: object) -> None:
        """Give the answer to whoever still waits for it."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)
        self.answer = None

    def refuse(self, error: WslabError) -> None:
        """Tell whoever still waits that there will be no answer."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)
        self.answer = None


class Mailbox:
    """What waits for one actor. Any task of the same event loop puts in; only the actor takes out.

    Args:
        owner: The name of the actor's class, for errors.
        capacity: How many messages may wait before those that nobody waits for are refused.

    Attributes:
        closed: Whether nothing more goes in or comes out.
        closing: Set when that comes true.
        ended: Set once the actor has stopped.
        turn: Held by whoever runs one of the actor's hooks.
        take_at_once: Called with a message to `handle` for which nobody waits, if the actor is idle. It gives whether
            that was all, since to wake the actor's task costs about as much as to write to a client. It must not raise.
    """

    def __init__(self, owner: str, capacity: int) -> None:
        if not isinstance(capacity, int) or capacity < 1:
            raise WslabError(f"the mailbox of {owner} has the capacity {capacity!r}", "a whole number from 1")
        self.owner = owner
        self.capacity = capacity
        self.closed = False
        self.closing = asyncio.Event()
        self.ended = asyncio.Event()
        self.turn = Turn(owner)
        self.take_at_once: Callable[[object], bool] | None = None
        self._line: deque[Envelope] = deque()
        self._news: asyncio.Future[None] | None = None
        self._given: weakref.ref[Address] | None = None

    @property
    def address(self) -> Address:
        """The address under which others reach the actor: the same one as long as anybody has it."""
        address = self._given() if self._given else None
        if address is None:
            address = Address(self)
            self._given = weakref.ref(address, self._is_forgotten)
        return address

    @property
    def reachable(self) -> bool:
        """Whether a message may still come: somebody has the address, or it was never given away."""
        return self._given is None or self._given() is not None

    @property
    def at_rest(self) -> bool:
        """Whether the actor waits for a message, and one may come."""
        return self._waits and self.reachable

    @property
    def _waits(self) -> bool:
        return self._news is not None and not self._news.done()

    def tell(self, message: object) -> None:
        """Put in a message to `handle` for which nobody waits, unless it is done with at once; raise as `post` does."""
        self.check_loop("address.do_send")
        if not (self.take_at_once and self._waits and self.turn.free and self.take_at_once(message)):
            self.post("handle", message)

    def post(self, hook: str, message: object) -> None:
        """Put in a message for which nobody waits.

        Raises:
            MailboxFullError: As many messages as the capacity allows wait already.
            MailboxClosedError: The actor has stopped.
        """
        if len(self._line) >= self.capacity and not self.closed:
            raise MailboxFullError(self.owner, self.capacity)
        self._put(Envelope(hook, message))

    async def ask(self, hook: str, message: object) -> Any:
        """Put in a message and wait for its answer; if this is cancelled first, the message is not handled.

        Raises:
            MailboxClosedError: The actor has stopped, before or meanwhile.
            ActorFailedError: The hook raised an error, which is the cause of this one.
            DeadlockError: The actor waits itself for the one that asks.
        """
        __tracebackhide__ = True
        self.check_loop("address.send", awaited=True)
        answer = asyncio.get_running_loop().create_future()
        try:
            with waiting_for(self.turn):
                self._put(Envelope(hook, message, answer))
                return await answer
        finally:
            del answer  # or an error in it would hold this frame, which would hold the error

    def check_loop(self, call: str, awaited: bool = False) -> None:
        """Refuse a call on another thread than that of the actor, which would not be woken."""
        if self._news is not None:
            check_loop(self._news.get_loop(), call, awaited=awaited)

    def close(self) -> None:
        """Refuse what waits and all that comes, and let the actor find the end."""
        self.closed = True
        self.take_at_once = None  # it may hold the connection, and an address that nobody has forgotten holds this
        self.closing.set()
        while self._line:
            self._line.popleft().refuse(MailboxClosedError(self.owner))
        self._wake()

    async def has_mail(self) -> bool:
        """Wait until a message is there; False once none can come any more. Only the actor's own task waits here.

        None comes once the mailbox is closed, or when nothing waits and nobody has the address.
        """
        while not self._line and not self.closed:
            self._news = asyncio.get_running_loop().create_future()
            if not self.reachable:
                break
            await self._news
        return bool(self._line)

    def take(self) -> Envelope | None:
        """Take out the next message, unless there is none whose sender still wants it handled."""
        while self._line:
            envelope = self._line.popleft()
            if envelope.answer is None or not envelope.answer.cancelled():
                return envelope
        return None

    def __len__(self) -> int:
        return len(self._line)

    def _put(self, envelope: Envelope) -> None:
        if self.closed:
            raise MailboxClosedError(self.owner)
        self._line.append(envelope)
        self._wake()

    def _is_forgotten(self, address: object) -> None:
        """Let the actor find the end; the collector may call this in any thread, and after the loop's end."""
        if self._news is not None:
            with contextlib.suppress(RuntimeError):
                self._news.get_loop().call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Address:
    """Where an actor is reached: all that others have of it. Leaving its `async with` block stops the actor.

    Two actors must not wait for each other's answers, or both would wait for ever: one of them takes `do_send`.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    @property
    def connected(self) -> bool:
        """Whether the actor still takes messages."""
        return not self._mailbox.closed

    async def send(self, message: object) -> Any:
        """Wait until the actor has handled a message; give what its `handle` returned. A full mailbox makes it wait.

        Raises:
            MailboxClosedError: The actor has stopped, before or meanwhile.
            ActorFailedError: Its `handle` raised an error, which is the cause of this one.
            DeadlockError: This is called in a hook of an actor for whose answer the other one waits.
            WslabError: Another thread runs the actor's event loop.
        """
        __tracebackhide__ = True
        return await self._mailbox.ask("handle", message)

    def do_send(self, message: object) -> None:
        """Leave a message and wait for nothing, as try_send of Actix does; its do_send ignores the capacity.

        Raises:
            MailboxFullError: As many messages wait as the mailbox takes: the actor is too slow.
            MailboxClosedError: The actor has stopped.
            WslabError: Another thread runs the actor's event loop.
        """
        self._mailbox.tell(message)

    def stop(self) -> None:
        """Stop the actor after the message that it handles now; what waits is refused. It has no veto.

        The actor of a connection has close_timeout to end that message, then its connection is cut: a client that takes
        nothing of what is written to it keeps no actor.

        Raises:
            WslabError: Another thread runs the actor's event loop.
        """
        self._mailbox.check_loop("address.stop")
        self._mailbox.close()

    async def wait_stopped(self) -> None:
        """Wait until the actor has stopped, its hook `stopped` included."""
        await self._mailbox.ended.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        await self.wait_stopped()

    def __repr__(self) -> str:
        mailbox = self._mailbox
        state = "stopped" if mailbox.closed else f"{len(mailbox)} waiting, capacity {mailbox.capacity}"
        return f"<wslab address of {mailbox.owner}, {state}>"
